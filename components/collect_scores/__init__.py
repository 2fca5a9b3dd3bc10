"""Join the tables of an archive's shards."""

from components.collect_scores.component import collect_scores

__all__ = ["collect_scores"]
