"""Fit the supervisor."""

from components.fit_ensemble.component import fit_ensemble

__all__ = ["fit_ensemble"]
