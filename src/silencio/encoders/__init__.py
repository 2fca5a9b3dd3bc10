"""Frozen embedding models, one file each: what they hear, what they give, and where their weights come from."""

from silencio.encoders.run import Encoder, frame_starts
from silencio.encoders.spec import EMBEDDING, EncoderSpec

__all__ = ["EMBEDDING", "Encoder", "EncoderSpec", "frame_starts"]
