"""Frozen embedding models: what they take, what they give, and where their weights come from; `known` has them all.

An encoder is described without ONNX Runtime: what runs one is imported when it is needed.
"""

from typing import TYPE_CHECKING

from silencio.encoders.spec import EMBEDDING, EncoderSpec

if TYPE_CHECKING:
    from silencio.encoders.run import Encoder, frame_starts

__all__ = ["EMBEDDING", "Encoder", "EncoderSpec", "frame_starts"]


def __getattr__(name: str) -> object:
    if name in ("Encoder", "frame_starts"):
        from silencio.encoders import run

        return getattr(run, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
