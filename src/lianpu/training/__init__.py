"""The training of an editor: settings, loop, checkpoints."""
