"""Heads, one file each: `silencio.models.registry` finds them by the name of their file."""
