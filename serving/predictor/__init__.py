"""The server that runs the bundle's graph; only the transformer talks to it."""
