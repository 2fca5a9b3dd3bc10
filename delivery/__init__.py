"""What goes to a cluster is checked before it goes: overlays of `manifests/`, rendered and held against the code."""
