"""Add unlabelled soundscapes."""

from components.pool.component import pool

__all__ = ["pool"]
