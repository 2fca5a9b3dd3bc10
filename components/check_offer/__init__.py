"""Refuse a challenger that may not be offered."""

from components.check_offer.component import check_offer

__all__ = ["check_offer"]
