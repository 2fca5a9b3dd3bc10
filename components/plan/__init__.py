"""Say which shards a part of the split has."""

from components.plan.component import plan

__all__ = ["plan"]
