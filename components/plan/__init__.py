"""List the shards of a split."""

from components.plan.component import plan

__all__ = ["plan"]
