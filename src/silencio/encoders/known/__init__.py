"""Frozen embedding models, one file each; an encoder is called as its file."""
