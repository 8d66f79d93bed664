"""Pretrained model files on this machine: found, checked, downloaded, imported, and refused where their licence says so."""
