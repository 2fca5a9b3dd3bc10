"""Note that a bundle was offered."""

from components.record_delivery.component import record_delivery

__all__ = ["record_delivery"]
