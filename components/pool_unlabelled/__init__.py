"""Add unlabelled soundscapes."""

from components.pool_unlabelled.component import pool_unlabelled

__all__ = ["pool_unlabelled"]
