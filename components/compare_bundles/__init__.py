"""Compare the bundles of one run."""

from components.compare_bundles.component import compare_bundles

__all__ = ["compare_bundles"]
