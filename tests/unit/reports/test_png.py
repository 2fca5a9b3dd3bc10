"""Pictures of few colours."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from silencio.reports.png import data_uri, palette_png, ramp


def _decoded(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_palette_png__another_decoder_sees_every_pixel() -> None:
    palette = ramp([(255, 255, 255), (200, 10, 0), (0, 0, 0)], 40)
    levels = np.random.default_rng(0).integers(0, 40, (13, 29)).astype(np.uint8)
    assert (_decoded(palette_png(levels, palette)) == np.array(palette)[levels]).all()


def test_palette_png__is_small() -> None:
    """A spectrogram of nothing but noise, the worst there is, stays below 60 kB in a page."""
    noise = np.clip(np.random.default_rng(0).normal(20, 8, (128, 480)), 0, 39).astype(np.uint8)
    assert len(data_uri(palette_png(noise, ramp([(0, 0, 0), (255, 255, 255)], 40)))) < 60_000


def test_data_uri__holds_the_bytes() -> None:
    head, content = data_uri(b"\x89PNG").split(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(content) == b"\x89PNG"


def test_ramp__goes_through_its_colours() -> None:
    assert ramp([(0, 0, 0), (100, 50, 0), (200, 0, 0)], 5) == [
        (0, 0, 0),
        (50, 25, 0),
        (100, 50, 0),
        (150, 25, 0),
        (200, 0, 0),
    ]
