"""The command `predict`: recordings in, detections out, with a bundle here or by a server."""
