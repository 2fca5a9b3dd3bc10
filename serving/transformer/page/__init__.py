"""The page at `/`: try the model with a recording, in a browser."""
