"""Fit calibration and thresholds."""

from components.calibrate.component import calibrate

__all__ = ["calibrate"]
