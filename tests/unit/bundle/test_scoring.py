"""The offline scorer: what the two servers do together, without them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from silencio.bundle import Bundle, Scorer
from silencio.bundle.graph import MOST_WINDOWS
from silencio.errors import DecodeError, ParityError


@pytest.fixture(scope="module")
def scorer(bundle_directory: Path) -> Scorer:
    return Scorer(Bundle(bundle_directory))


def _noise(duration_s: float, rate_hz: int = 32_000) -> bytes:
    samples = 0.1 * np.random.default_rng(3).standard_normal(round(duration_s * rate_hz))
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format="FLAC")
    return file.getvalue()


def test_scorer__parity_clips_get_their_own_numbers(scorer: Scorer) -> None:
    for clip in scorer.bundle.parity.clips:
        np.testing.assert_array_equal(scorer(clip.encoded).probabilities, clip.probabilities)


def test_scorer__bytes_and_file_are_the_same(scorer: Scorer, tmp_path: Path) -> None:
    encoded = _noise(3.0)
    (tmp_path / "noise.flac").write_bytes(encoded)
    from_file, from_bytes = scorer(tmp_path / "noise.flac"), scorer(encoded)
    np.testing.assert_array_equal(from_file.probabilities, from_bytes.probabilities)
    assert from_file.starts_s == from_bytes.starts_s


@pytest.mark.parametrize(("duration_s", "n_windows"), [(0.1, 1), (5.0, 1), (5.1, 2), (60.0, 12)])
def test_scorer__every_second_is_in_a_window(scorer: Scorer, duration_s: float, n_windows: int) -> None:
    scored = scorer(_noise(duration_s))
    assert scored.starts_s == [5.0 * i for i in range(n_windows)]
    assert scored.probabilities.shape == (n_windows, len(scorer.bundle.manifest.classes))


def test_scorer__more_windows_than_one_run_takes(scorer: Scorer) -> None:
    n_windows = 2 * MOST_WINDOWS + 1
    encoded = _noise(5.0 * n_windows)
    together = scorer(encoded).probabilities
    features = scorer.front_end(encoded).inputs
    alone = [scorer.graph.run({k: v[i : i + 1] for k, v in features.items()})[0] for i in range(n_windows)]
    np.testing.assert_allclose(together, np.stack(alone), atol=scorer.bundle.manifest.tolerances.cpu)


def test_scorer__too_long(scorer: Scorer) -> None:
    with pytest.raises(DecodeError, match="longer than 2 s"):
        scorer(_noise(3.0), max_duration_s=2.0)


def test_scorer__refuses_a_bundle_that_gives_other_numbers(bundle_directory: Path) -> None:
    bundle = Bundle(bundle_directory)
    clip = bundle.parity.clips[0]
    clip.probabilities[0, 0] += 1e-3
    with pytest.raises(ParityError, match=r"probabilities differ by 0\.001"):
        Scorer(bundle)
