"""What guides an editor's training beside its discriminator: the parts of the faces, and a frozen attribute classifier."""
