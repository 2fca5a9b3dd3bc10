"""A head with its folds."""

from components.join_folds.component import join_folds

__all__ = ["join_folds"]
