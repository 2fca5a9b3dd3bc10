"""The one definition of how sound becomes numbers."""

from silencio.features.front_end import FrontEnd, WindowFeatures
from silencio.features.log_mel import LogMel
from silencio.features.mel import mel_filters
from silencio.features.spec import FeatureSpec
from silencio.features.window_statistics import WindowStatistics

__all__ = ["FeatureSpec", "FrontEnd", "LogMel", "WindowFeatures", "WindowStatistics", "mel_filters"]
