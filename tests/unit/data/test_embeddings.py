"""Embeddings of a recording's grid: the windows as served, then those between; computed once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from silencio.audio import cut_windows
from silencio.data.embeddings import GridEncoder, grid_starts, grid_windows, window_sha256
from silencio.data.shards import ShardSet, write_shard
from silencio.data.validate import ValidatedRecordings
from silencio.encoders import Encoder, EncoderSpec
from silencio.errors import DataError
from silencio.features import FeatureSpec, FrontEnd
from tests.unit.encoders.tiny_onnx import tiny_onnx

SPEC = FeatureSpec()
OVERLAPPING = FeatureSpec(hop_s=2.5)
WEIGHTS = np.random.default_rng(3).standard_normal((960, 4)).astype(np.float32)
TINY = EncoderSpec(
    name="tiny", runtime="onnx", sample_rate_hz=16_000, frame_samples=960, hop_samples=48_000, n_outputs=4
)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILENCIO_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    (tmp_path / "tiny.onnx").write_bytes(tiny_onnx(WEIGHTS))
    return tmp_path / "tiny.onnx"


def _waveform(seconds: float) -> NDArray[np.int16]:
    rng = np.random.default_rng(4)
    return (3_000 * rng.standard_normal(round(seconds * SPEC.sample_rate_hz))).astype(np.int16)


def _embed(encoder: GridEncoder, waveform: NDArray[np.int16]) -> NDArray[np.float32]:
    return encoder.embed(waveform, hashlib.sha256(waveform.data).hexdigest())


def _cached(tmp_path: Path) -> Path:
    (file,) = (tmp_path / "cache" / "embeddings").rglob("*.f32")
    return file


# The grid


@settings(max_examples=15)
@given(st.floats(0.001, 31.0), st.sampled_from([SPEC, OVERLAPPING, FeatureSpec(padding="zero")]))
def test_grid__begins_with_the_served_windows_and_every_start_is_its_windows(seconds: float, spec: FeatureSpec) -> None:
    waveform = np.arange(max(1, round(seconds * 32_000)), dtype=np.int32).astype(np.int16)
    starts = grid_starts(len(waveform), spec)
    grid = grid_windows(waveform, spec)
    served = cut_windows(waveform, spec)
    assert grid.shape == (len(starts), spec.window_samples)
    np.testing.assert_array_equal(grid[: len(served)], served)
    for start, window in zip(starts, grid, strict=True):
        used = waveform[start : start + spec.window_samples]
        np.testing.assert_array_equal(window[: len(used)], used)


@pytest.mark.parametrize(
    ("seconds", "spec", "starts_s"),
    [
        (0.3, SPEC, [0.0]),
        (5.0, SPEC, [0.0]),
        (7.4, SPEC, [0.0, 5.0]),
        (7.5, SPEC, [0.0, 5.0, 2.5]),
        (12.0, SPEC, [0.0, 5.0, 10.0, 2.5]),
        (5.1, OVERLAPPING, [0.0, 2.5]),
        (10.0, OVERLAPPING, [0.0, 2.5, 5.0, 1.25, 3.75]),
    ],
)
def test_grid_starts__between_two_only_where_the_recording_fills_the_window(
    seconds: float, spec: FeatureSpec, starts_s: list[float]
) -> None:
    assert [start / 32_000 for start in grid_starts(round(seconds * 32_000), spec)] == starts_s


# The encoder that remembers


def test_grid_encoder__says_what_the_encoder_says_of_each_window(weights: Path) -> None:
    waveform = _waveform(12.0)
    expected = Encoder(weights, TINY, 32_000, n_threads=1).embed(grid_windows(waveform, SPEC))
    np.testing.assert_allclose(_embed(GridEncoder(TINY, weights, SPEC), waveform), expected, rtol=0, atol=1e-5)


def test_grid_encoder__the_second_time_nothing_is_computed(weights: Path, tmp_path: Path) -> None:
    waveform = _waveform(8.0)
    computed = _embed(GridEncoder(TINY, weights, SPEC), waveform)
    again = GridEncoder(TINY, weights, SPEC)
    weights.unlink()  # without the model only what was kept can answer
    np.testing.assert_array_equal(_embed(again, waveform), computed, strict=True)


@pytest.mark.parametrize("n_bytes_left", [0, 17, 32, -4, -1])
def test_grid_encoder__what_was_cut_short_is_computed_again(weights: Path, tmp_path: Path, n_bytes_left: int) -> None:
    waveform = _waveform(8.0)
    computed = _embed(GridEncoder(TINY, weights, SPEC), waveform)
    whole = _cached(tmp_path).read_bytes()
    _cached(tmp_path).write_bytes(whole[:n_bytes_left])
    np.testing.assert_array_equal(_embed(GridEncoder(TINY, weights, SPEC), waveform), computed)
    assert _cached(tmp_path).read_bytes() == whole


def test_grid_encoder__another_recording_of_the_same_length_is_another(weights: Path) -> None:
    encoder = GridEncoder(TINY, weights, SPEC)
    one, other = _waveform(8.0), _waveform(8.0)[::-1].copy()
    assert np.abs(_embed(encoder, one) - _embed(encoder, other)).max() > 1e-3


def test_identity__changes_with_all_that_changes_an_embedding(weights: Path, tmp_path: Path) -> None:
    others = tmp_path / "others.onnx"
    others.write_bytes(tiny_onnx(2 * WEIGHTS))
    made = [
        GridEncoder(TINY, weights, SPEC),
        GridEncoder(TINY.model_copy(update={"speeds": (1.0, 0.5)}), weights, SPEC),
        GridEncoder(TINY.model_copy(update={"hop_samples": 480}), weights, SPEC),
        GridEncoder(TINY, others, SPEC),
        GridEncoder(TINY, weights, OVERLAPPING),
        GridEncoder(TINY, weights, FeatureSpec(window_s=4.0, hop_s=4.0)),
        GridEncoder(TINY, weights, FeatureSpec(padding="zero")),
        GridEncoder(TINY, weights, FeatureSpec(sample_rate_hz=48_000)),
    ]
    assert len({one.identity for one in made}) == len(made)


def test_identity__how_a_mel_is_made_does_not_touch_it(weights: Path) -> None:
    other = FeatureSpec(n_mels=64, n_fft=1024, hop_length=320, f_max_hz=14_000.0)
    assert other.sha256 != SPEC.sha256
    assert window_sha256(other) == window_sha256(SPEC)
    assert GridEncoder(TINY, weights, other).identity == GridEncoder(TINY, weights, SPEC).identity


def test_identity__the_place_of_the_weights_means_nothing(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "moved").mkdir()
    moved = Path(weights.rename(tmp_path / "moved" / "other.onnx"))
    (tmp_path / "again.onnx").write_bytes(moved.read_bytes())
    assert GridEncoder(TINY, moved, SPEC).identity == GridEncoder(TINY, tmp_path / "again.onnx", SPEC).identity


# In shards


@pytest.mark.parametrize("spec", [SPEC, OVERLAPPING], ids=["apart", "overlapping"])
def test_shards__inputs_are_what_the_encoder_says_of_the_served_windows(
    validated: ValidatedRecordings, weights: Path, tmp_path: Path, spec: FeatureSpec
) -> None:
    table = validated.usable.assign(split="train")
    encoder = GridEncoder(TINY, weights, spec)
    for number, rows in enumerate((table[:9], table[9:])):
        write_shard(rows, spec, tmp_path / f"shard-{number}", [encoder])
    shards, front_end = ShardSet(tmp_path.glob("shard-*"), spec), FrontEnd(spec)
    assert shards.encoders["tiny"].identity == encoder.identity
    alone = Encoder(weights, TINY, 32_000, n_threads=1)
    for index in range(len(shards)):
        inputs = shards.inputs(index, front_end)
        served = front_end.features(shards.waveform(index)).inputs["waveform"]
        assert shards.n_windows(index) == len(served)
        np.testing.assert_allclose(
            inputs["embedding:tiny"], alone.embed(np.asarray(served, np.int16)), rtol=0, atol=1e-5
        )
        assert len(shards.embedding("tiny", index)) == len(grid_starts(len(shards.waveform(index)), spec))


def test_shards__of_different_encoders_are_refused(
    validated: ValidatedRecordings, weights: Path, tmp_path: Path
) -> None:
    table = validated.usable.assign(split="train")
    slower = TINY.model_copy(update={"speeds": (0.5,)})
    write_shard(table[:2], SPEC, tmp_path / "shard-0", [GridEncoder(TINY, weights, SPEC)])
    write_shard(table[2:4], SPEC, tmp_path / "shard-1", [GridEncoder(slower, weights, SPEC)])
    with pytest.raises(DataError, match=r"shard-1 was made with other encoders .*run featurize again"):
        ShardSet(tmp_path.glob("shard-*"), SPEC)


def test_shards__embeddings_that_were_cut_short_are_refused(
    validated: ValidatedRecordings, weights: Path, tmp_path: Path
) -> None:
    table = validated.usable.head(2).assign(split="train")
    write_shard(table, SPEC, tmp_path / "shard", [GridEncoder(TINY, weights, SPEC)])
    file = tmp_path / "shard" / "embedding-tiny.f32"
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(DataError, match="is not a whole shard"):
        ShardSet([tmp_path / "shard"], SPEC)
