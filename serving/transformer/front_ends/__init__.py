"""From bytes to features, in processes of their own: a file that crashes a decoder costs one request."""

from serving.transformer.front_ends.pool import FrontEnds
from serving.transformer.front_ends.work import HeardRecording, Work

__all__ = ["FrontEnds", "HeardRecording", "Work"]
