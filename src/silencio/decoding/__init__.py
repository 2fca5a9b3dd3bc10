"""Strangers' bytes are decoded in processes of their own: a file that crashes a decoder costs itself alone.

What comes back is JSON and raw arrays that are held against limits, never a pickle: a decoder that a file has taken
over can give false numbers, but have nothing run here. (It runs as the same user, so this is no sandbox.)
"""

from silencio.decoding.answers import Answer
from silencio.decoding.features import DecodeJob, RecordingFeatures, SourceFacts, max_feature_bytes
from silencio.decoding.pool import DecoderPool
from silencio.decoding.process import DecoderProcess, Work, start_fork_server, still_working

__all__ = [
    "Answer",
    "DecodeJob",
    "DecoderPool",
    "DecoderProcess",
    "RecordingFeatures",
    "SourceFacts",
    "Work",
    "max_feature_bytes",
    "start_fork_server",
    "still_working",
]
