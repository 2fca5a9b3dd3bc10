"""Keep the bundle that is not released."""

from components.record.component import record

__all__ = ["record"]
