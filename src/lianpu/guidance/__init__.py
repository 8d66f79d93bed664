"""What guides an editor's training besides its discriminator: the parts of the faces, and a frozen attribute classifier."""
