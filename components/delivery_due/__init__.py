"""Find out whether there is anything to deliver."""

from components.delivery_due.component import delivery_due

__all__ = ["delivery_due"]
