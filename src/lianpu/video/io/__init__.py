"""Video files: probed, decoded, encoded and muxed (PyAV)."""
