"""Judge on the test part."""

from components.calibrate.component import calibrate

__all__ = ["calibrate"]
