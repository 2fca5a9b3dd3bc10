"""Judge on the test set."""

from components.calibrate.component import calibrate

__all__ = ["calibrate"]
