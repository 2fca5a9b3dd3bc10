"""Divide recordings into train, validation and test."""

from components.split.component import split

__all__ = ["split"]
