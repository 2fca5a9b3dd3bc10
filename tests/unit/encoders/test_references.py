"""What encoders say of a real clip, where their weights are at hand: `make extras`, or a file in the cache.

The references were written by `scripts/measure_encoders.py`. YAMNet's is of its quantized form of 4 MB, which
`SILENCIO_YAMNET` names.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from silencio.audio import WindowCut, cut_windows, read_waveform
from silencio.demo.fetch import default_demo_directory
from silencio.encoders import Encoder
from silencio.encoders.config import EncoderConfig
from silencio.encoders.registry import encoder_file, encoder_spec, known_encoder
from silencio.encoders.weights import cache_folder, locate

REFERENCES = Path(__file__).parent / "references"
BOTH_SPEEDS = (1.0, 0.5)


def weights_at_hand(name: str) -> EncoderConfig:
    """How to name an encoder's weights; the test is skipped where they would have to be fetched."""
    weights = known_encoder(name).weights
    given = os.environ.get(f"SILENCIO_{name.upper()}", "")
    package = weights.package.partition(":")[0]
    is_packaged = bool(package) and importlib.util.find_spec(package) is not None
    if not (given or is_packaged or (cache_folder() / weights.file_name).is_file()):
        pytest.skip(f"the weights of {name} are not here")
    return EncoderConfig(weights=given, speeds=BOTH_SPEEDS)


@pytest.fixture(scope="module")
def blackbird() -> NDArray[np.int16]:
    """The first five seconds of a blackbird's song (Tux Paint contributors, GPL-2.0-or-later)."""
    clip = default_demo_directory() / "train_audio" / "blackbird" / "TP_blackbird.ogg"
    if not clip.is_file():
        pytest.skip("the demo recordings are not here: make recordings")
    return cut_windows(read_waveform(clip, 32_000).samples, WindowCut(160_000, 160_000))[:1]


@pytest.mark.parametrize("name", ["birdnet", "yamnet"])
def test_encoder__says_of_a_real_clip_what_it_said(name: str, blackbird: NDArray[np.int16]) -> None:
    config = weights_at_hand(name)
    encoder = Encoder(encoder_file(name, config), encoder_spec(name, config), 32_000, 1)
    shown, expected = encoder.embed(blackbird)[0], np.load(REFERENCES / f"{name}.npy")
    # A processor's kernels round in their own way; another rate, frame or speed is farther off than half.
    assert np.linalg.norm(shown - expected) < 0.01 * np.linalg.norm(expected)


def test_birdnet__cut_short_says_bit_by_bit_what_the_whole_model_holds(blackbird: NDArray[np.int16]) -> None:
    config = weights_at_hand("birdnet")
    from ai_edge_litert.interpreter import Interpreter

    known = known_encoder("birdnet")
    official, cut = locate("birdnet", known.weights, ""), encoder_file("birdnet", config)
    assert cut.stat().st_size < 0.5 * official.stat().st_size
    whole = Interpreter(model_path=str(official), num_threads=1, experimental_preserve_all_tensors=True)
    whole.allocate_tensors()
    (index,) = (one["index"] for one in whole.get_tensor_details() if one["name"] == known.spec.output)
    encoder = Encoder(cut, known.spec.model_copy(update={"speeds": (1.0,)}), 32_000, 1)
    held = []
    for frame in encoder.frames(blackbird[0]):
        whole.set_tensor(whole.get_input_details()[0]["index"], frame[None])
        whole.invoke()
        held.append(whole.get_tensor(index)[0].copy())
    np.testing.assert_array_equal(encoder.embed(blackbird)[0], np.mean(held, axis=0))
