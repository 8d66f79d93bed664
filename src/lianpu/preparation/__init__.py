"""From a folder of photos to a labelled training set: faces found, chosen, cut out, labelled, and shown for correction."""
