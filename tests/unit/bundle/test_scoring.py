"""The offline scorer: what the two servers do together, without them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from silencio.bundle import Bundle, Scorer
from silencio.bundle.graph import MAX_RUN_WINDOWS
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.errors import DecodeError, ParityError
from silencio.features import FeatureSpec, FrontEnd


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


@pytest.mark.parametrize(
    ("duration_s", "starts_s"), [(0.1, [0.0]), (5.0, [0.0]), (5.1, [0.0, 0.1]), (60.0, [5.0 * i for i in range(12)])]
)
def test_scorer__every_second_is_in_a_window(scorer: Scorer, duration_s: float, starts_s: list[float]) -> None:
    scored = scorer(_noise(duration_s))
    assert scored.starts_s == starts_s
    assert scored.probabilities.shape == (len(starts_s), len(scorer.bundle.manifest.classes))


@pytest.mark.parametrize("rest_s", [0.001, 0.01, 0.05, 1.0])
def test_scorer__what_follows_a_full_window_is_heard_with_what_lies_before_it(scorer: Scorer, rest_s: float) -> None:
    # A rest of 10 ms, played 500 times, would be named with the weight of five seconds.
    encoded = _noise(5.0 + rest_s)
    waveform = scorer.front_end.waveform(encoded)
    ending = scorer.graph.run(scorer.front_end.features(waveform[-160_000:]).inputs)
    np.testing.assert_array_equal(scorer(encoded).probabilities[1:], ending)


def test_scorer__a_bundle_from_before_there_was_a_second_rule_keeps_its_windows(tmp_path: Path) -> None:
    directory = write_placeholder_bundle(tmp_path / "bundle", spec=FeatureSpec())
    content = json.loads((directory / "bundle.json").read_text(encoding="utf-8"))
    assert "last_window" not in content["spec"]
    assert content["spec_sha256"] == "1548bf3b238bc5a5aa9f87905bb368d1c18d67c4c39dc782ba2ed08e7902b1b9"
    scorer, encoded = Scorer(Bundle(directory)), _noise(5.01)
    assert scorer(encoded).starts_s == [0.0, 5.0]
    waveform = scorer.front_end.waveform(encoded)
    np.testing.assert_array_equal(scorer.front_end.windows(waveform)[1], np.tile(waveform[160_000:], 500))


def test_scorer__more_windows_than_one_run_takes(scorer: Scorer) -> None:
    n_windows = 2 * MAX_RUN_WINDOWS + 1
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


# A piece is eight windows of 5 s.
@pytest.mark.parametrize("duration_s", [0.1, 4.9, 5.0, 5.1, 39.9, 40.0, 40.1, 45.0, 45.1, 83.0])
def test_scorer__block_by_block_gives_the_numbers_of_the_whole(scorer: Scorer, duration_s: float) -> None:
    waveform = np.random.default_rng(1).integers(-9_000, 9_000, round(32_000 * duration_s), dtype=np.int16)
    whole = scorer.front_end.features(waveform)
    for block_samples in (4_801, 65_536, len(waveform)):
        blocks = [waveform[i : i + block_samples] for i in range(0, len(waveform), block_samples)]
        scored = scorer.score_blocks(blocks)
        assert scored.starts_s == whole.starts_s
        np.testing.assert_array_equal(scored.probabilities, scorer.graph.run(whole.inputs))
        assert scored.duration_s == pytest.approx(duration_s)


def test_scorer__overlapping_windows_begin_at_the_same_seconds(scorer: Scorer) -> None:
    # A tenth of a second is no finite binary number: seconds that were added up would be others.
    front_end = FrontEnd(scorer.front_end.spec.model_copy(update={"hop_s": 0.1}))
    waveform = np.random.default_rng(1).integers(-9_000, 9_000, 32_000 * 8, dtype=np.int16)
    pieces = list(front_end.features_of_blocks([waveform], log_mel=False))
    assert len(pieces) > 2
    assert [start_s for piece in pieces for start_s in piece.starts_s] == front_end.features(waveform).starts_s
