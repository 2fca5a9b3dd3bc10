"""Fetch the bundle with which candidates are compared."""

from components.fetch_champion.component import fetch_champion

__all__ = ["fetch_champion"]
