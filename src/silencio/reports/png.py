"""Pictures of few colours as PNG: a third of what a writer of full colours makes of them."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def palette_png(levels: NDArray[np.uint8], palette: Sequence[tuple[int, int, int]]) -> bytes:
    """An indexed PNG (W3C PNG Specification, colour type 3).

    Args:
        levels: Position of each pixel's colour, (height, width), the top row first.
        palette: Colours, at most 256, red, green and blue.
    """
    height, width = levels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    # Every row begins with its filter: 0, none, which suits palettes best.
    rows = np.pad(levels, ((0, 0), (1, 0))).tobytes()
    chunks = (
        (b"IHDR", header),
        (b"PLTE", bytes(value for colour in palette for value in colour)),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )


def data_uri(png: bytes) -> str:
    """To be put into a page."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def ramp(anchors: Sequence[tuple[int, int, int]], n: int) -> list[tuple[int, int, int]]:
    """A palette of n colours that runs evenly through some."""
    places, values = np.linspace(0, 1, len(anchors)), np.array(anchors, float)
    mixed = np.stack([np.interp(np.linspace(0, 1, n), places, values[:, band]) for band in range(3)], axis=1)
    return [(int(red), int(green), int(blue)) for red, green, blue in mixed.round()]
