"""What heads are trained on, and what they are evaluated on."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from torch.utils.data import DataLoader

from silencio.audio import dequantize
from silencio.data.augment import AugmentConfig
from silencio.data.backgrounds import BackgroundPool
from silencio.data.birdclef import Source
from silencio.data.dataset import Example, RecordingWindows, TrainingCrops, draw_probabilities
from silencio.data.embeddings import GridEncoder
from silencio.data.shards import ShardSet, targets, write_shard
from silencio.data.soft_labels import SoftLabels
from silencio.data.validate import ValidatedRecordings
from silencio.encoders import EncoderSpec
from silencio.encoders.run import frame_starts
from silencio.errors import DataError
from silencio.features import FeatureSpec, FrontEnd
from tests.unit.encoders.tiny_onnx import tiny_onnx

OFF = AugmentConfig(gain_db=0.0, mixup_probability=0.0, time_mask_frames=0, frequency_mask_mels=0)
TRAINED_ON = ["waveform", "log_mel"]
ALWAYS_MIXED = AugmentConfig(mixup_probability=1.0)
EVERYTHING = AugmentConfig(time_shift_share=0.5, background_probability=0.8)


@pytest.fixture(scope="module")
def training(shard_folders: dict[str, list[Path]], spec: FeatureSpec) -> ShardSet:
    return ShardSet(shard_folders["development"], spec, "train")


@pytest.fixture(scope="module")
def evaluated(shard_folders: dict[str, list[Path]], spec: FeatureSpec) -> ShardSet:
    return ShardSet(shard_folders["test"], spec, "test")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _real_backgrounds() -> BackgroundPool:
    noise = np.random.default_rng(1).integers(-900, 900, (4, 60_000)).astype(np.int16)
    return BackgroundPool.of_waveforms(
        [(f"S{i:02d}_20230411_060000", one) for i, one in enumerate(noise)], 32_000, "train"
    )


def _crops(training: ShardSet, source: Source, **changed: Any) -> TrainingCrops:
    arguments: dict[str, Any] = {
        "input_names": ["waveform"],
        "augment": AugmentConfig(),
        "crops_per_recording": 1.0,
        "class_power": 0.5,
        "seed": 0,
    }
    return TrainingCrops(training, source.classes, **(arguments | changed))


def _without_secondary_labels(shards: ShardSet) -> ShardSet:
    plain = copy.copy(shards)
    plain.table = shards.table.assign(secondary_labels=[[] for _ in range(len(shards))])
    return plain


def _all(crops: TrainingCrops) -> list[Example]:
    return [crops[index] for index in range(len(crops))]


def _same(one: Sequence[Example], other: Sequence[Example]) -> bool:
    """The same inputs by the same names, and the same targets."""
    return len(one) == len(other) and all(
        inputs.keys() == others.keys()
        and all(torch.equal(value, others[name]) for name, value in inputs.items())
        and torch.equal(target, other_target)
        for (inputs, target), (others, other_target) in zip(one, other, strict=True)
    )


# Crops


@pytest.mark.parametrize(
    ("input_name", "shape", "dtype"),
    [("waveform", (160_000,), torch.int16), ("log_mel", (128, 313), torch.float32)],
)
def test_crops__have_the_shape_of_the_heads_input(
    training: ShardSet, source: Source, input_name: str, shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    inputs, target = _crops(training, source, input_names=[input_name])[0]
    assert set(inputs) == {input_name}
    assert inputs[input_name].shape == shape
    assert inputs[input_name].dtype == dtype
    assert target.shape == (5,)
    assert target.dtype == torch.float32


@pytest.mark.parametrize("input_name", ["waveform", "log_mel"])
def test_crops__depend_on_seed_epoch_and_index_only(training: ShardSet, source: Source, input_name: str) -> None:
    changed: dict[str, Any] = {"input_names": [input_name], "augment": EVERYTHING, "window_choice": "loud"}
    crops = _crops(training, source, backgrounds=_real_backgrounds(), **changed)
    first = _all(crops)
    random.seed(7)
    np.random.seed(7)  # global generators must mean nothing
    torch.manual_seed(7)
    backwards = [crops[index] for index in reversed(range(len(crops)))][::-1]
    assert _same(first, backwards)
    assert _same(first, _all(_crops(training, source, backgrounds=_real_backgrounds(), **changed)))


def test_crops__of_another_seed_or_epoch_are_others(training: ShardSet, source: Source) -> None:
    first = _all(_crops(training, source))
    assert not _same(first, _all(_crops(training, source, seed=1)))
    later = _crops(training, source)
    later.epoch = 1
    assert not _same(first, _all(later))
    later.epoch = 0
    assert _same(first, _all(later))


def test_crops__seed_and_epoch_do_not_stand_for_each_other(training: ShardSet, source: Source) -> None:
    one, other = _crops(training, source, seed=1), _crops(training, source, seed=0)
    one.epoch, other.epoch = 0, 1
    assert not _same(_all(one), _all(other))


@pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker processes")
@pytest.mark.parametrize("augment", [AugmentConfig(), EVERYTHING], ids=["defaults", "everything"])
def test_crops__two_workers_change_nothing(training: ShardSet, source: Source, augment: AugmentConfig) -> None:
    crops = _crops(
        training,
        source,
        input_names=TRAINED_ON,
        augment=augment,
        window_choice="loud",
        backgrounds=_real_backgrounds(),
    )
    crops.epoch = 3
    loaded = [list(DataLoader(crops, batch_size=4, num_workers=n_workers)) for n_workers in (0, 2)]
    assert _same(loaded[0], loaded[1])


def test_crops__without_augmentation_are_windows_of_their_recording(training: ShardSet, source: Source) -> None:
    labels = targets(training.table, source.classes.index)
    for inputs, target in _all(_crops(training, source, augment=OFF)):
        values = set(inputs["waveform"].unique().tolist())
        owners = [i for i, waveform in enumerate(training) if values <= set(np.unique(waveform).tolist())]
        assert any((labels[owner] == target.numpy()).all() for owner in owners)


def test_crops__log_mel_is_the_front_ends(training: ShardSet, source: Source, spec: FeatureSpec) -> None:
    for inputs, _ in _all(_crops(training, source, augment=OFF, input_names=["waveform", "log_mel"])):
        expected = FrontEnd(spec).log_mel(inputs["waveform"].numpy()[None])[0]
        np.testing.assert_array_equal(inputs["log_mel"].numpy(), expected)


def test_crops__what_else_is_heard_changes_no_waveform(training: ShardSet, source: Source) -> None:
    alone, beside = (_all(_crops(training, source, input_names=names)) for names in (["waveform"], TRAINED_ON))
    for (inputs, target), (others, same_target) in zip(alone, beside, strict=True):
        assert torch.equal(inputs["waveform"], others["waveform"])
        assert torch.equal(target, same_target)


@pytest.mark.parametrize(("crops_per_recording", "expected"), [(1.0, 1), (2.0, 2), (0.001, 0)])
def test_crops__the_length_of_an_epoch(
    training: ShardSet, source: Source, crops_per_recording: float, expected: int
) -> None:
    crops = _crops(training, source, crops_per_recording=crops_per_recording)
    assert len(crops) == max(1, expected * len(training))
    with pytest.raises(IndexError):
        crops[len(crops)]


# Targets


def test_targets__without_mixup_are_those_of_a_recording(training: ShardSet, source: Source) -> None:
    possible = {tuple(row) for row in targets(training.table, source.classes.index).tolist()}
    crops = _crops(training, source, augment=OFF, crops_per_recording=20.0)
    assert {tuple(crops[index][1].tolist()) for index in range(0, len(crops), 3)} <= possible


def test_targets__of_a_mixture_add_up(training: ShardSet, source: Source) -> None:
    # With one label a recording the shares add up to one, whatever was mixed.
    plain = _without_secondary_labels(training)
    crops = _crops(plain, source, augment=ALWAYS_MIXED, crops_per_recording=4.0)
    drawn = np.stack([target.numpy() for _, target in _all(crops)])
    np.testing.assert_allclose(drawn.sum(axis=1), 1.0, atol=1e-6)
    assert ((drawn > 0).sum(axis=1) <= 2).all()
    assert ((drawn > 0.01) & (drawn < 0.99)).any()


def test_targets__of_a_mixture_keep_secondary_labels(training: ShardSet, source: Source) -> None:
    labels = targets(training.table, source.classes.index)
    assert labels.sum(axis=1).max() > 1, "the fixture has secondary labels in the training split"
    crops = _crops(training, source, augment=ALWAYS_MIXED, crops_per_recording=6.0)
    drawn = np.stack([target.numpy() for _, target in _all(crops)])
    assert (drawn >= 0).all()
    assert (drawn <= 1 + 1e-6).all()
    sums = labels.sum(axis=1)
    assert (drawn.sum(axis=1) >= sums.min() - 1e-5).all()
    assert (drawn.sum(axis=1) <= sums.max() + 1e-5).all()
    assert drawn.sum(axis=1).max() > 1.01


def test_targets__the_data_sets_own_are_never_changed(training: ShardSet, source: Source) -> None:
    crops = _crops(training, source, augment=ALWAYS_MIXED)
    _, target = crops[0]
    target.fill_(9.0)
    assert float(crops[0][1].max()) <= 1.0
    unmixed = _crops(training, source, augment=OFF)
    unmixed[0][1].fill_(9.0)
    assert float(unmixed[0][1].max()) == 1.0


# Embeddings


@pytest.fixture(scope="module", params=["padded", "moved_back"])
def with_embeddings(validated: ValidatedRecordings, tmp_path_factory: Any, request: pytest.FixtureRequest) -> ShardSet:
    """Recordings of one and of several windows; an embedding says nothing but its window's own samples."""
    root, spec = tmp_path_factory.mktemp("embeddings"), FeatureSpec(last_window=request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SILENCIO_CACHE", str(root / "cache"))
        (root / "tiny.onnx").write_bytes(tiny_onnx(np.eye(480, 8, dtype=np.float32)))
        encoder = GridEncoder(TINY, root / "tiny.onnx", spec)
        write_shard(validated.usable.assign(split="train"), spec, root / "shard", [encoder])
    return ShardSet([root / "shard"], spec)


TINY = EncoderSpec(
    name="tiny", runtime="onnx", sample_rate_hz=32_000, frame_samples=480, hop_samples=160_000, n_outputs=8
)
BOTH = ["waveform", "embedding:tiny"]


def _embedded(waveform: np.ndarray[Any, np.dtype[np.int16]]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """What the tiny encoder says of a window: the first samples of its frames, averaged."""
    starts = frame_starts(160_000, TINY.frame_samples, TINY.hop_samples)
    return np.mean([dequantize(waveform[start : start + 8]) for start in starts], axis=0)


@pytest.mark.parametrize("window_choice", ["random", "loud"])
def test_crops__an_embedding_is_that_of_the_crops_own_window(
    with_embeddings: ShardSet, source: Source, window_choice: str
) -> None:
    crops = _crops(
        with_embeddings, source, augment=OFF, input_names=BOTH, crops_per_recording=3.0, window_choice=window_choice
    )
    for inputs, _ in _all(crops):
        expected = _embedded(inputs["waveform"].numpy())
        np.testing.assert_allclose(inputs["embedding:tiny"].numpy(), expected, atol=1e-6)


def test_crops__an_embedding_alone_is_drawn_from_the_whole_grid(with_embeddings: ShardSet, source: Source) -> None:
    max_length = int(np.argmax([len(waveform) for waveform in with_embeddings]))
    alone = with_embeddings.subset(np.arange(len(with_embeddings)) == max_length)
    crops = _crops(alone, source, augment=OFF, input_names=["embedding:tiny"], crops_per_recording=60.0)
    grid = alone.embedding("tiny", 0)
    used = {int(np.abs(grid - inputs["embedding:tiny"].numpy()).sum(axis=1).argmin()) for inputs, _ in _all(crops)}
    assert len(grid) == 4
    assert used == {0, 1, 2, 3}


def test_crops__mixup_mixes_embedding_and_target_by_the_same_share(with_embeddings: ShardSet, source: Source) -> None:
    plain = _without_secondary_labels(with_embeddings)
    labels = targets(plain.table, source.classes.index)
    grids = [plain.embedding("tiny", index) for index in range(len(plain))]
    crops = _crops(plain, source, augment=ALWAYS_MIXED, input_names=["embedding:tiny"])
    n_mixed = 0
    for inputs, target in _all(crops):
        shown, shares = inputs["embedding:tiny"].numpy(), target.numpy()
        if (shares > 0.05).sum() < 2:
            continue
        one, other = np.flatnonzero(shares > 0.05)
        mixtures = [
            shares[one] * a + shares[other] * b
            for i in np.flatnonzero(labels[:, one])
            for j in np.flatnonzero(labels[:, other])
            for a in grids[i]
            for b in grids[j]
        ]
        assert min(np.abs(mixture - shown).max() for mixture in mixtures) < 1e-6
        n_mixed += 1
    assert n_mixed >= 3


def test_windows__an_embedding_is_that_of_the_served_window(with_embeddings: ShardSet) -> None:
    windows = RecordingWindows(with_embeddings, BOTH)
    assert len(windows) > len(with_embeddings)
    for index in range(len(windows)):
        inputs = windows[index]
        np.testing.assert_allclose(inputs["embedding:tiny"], _embedded(inputs["waveform"].numpy()), atol=1e-6)


def test_crops__of_an_encoder_that_was_not_asked(training: ShardSet, source: Source) -> None:
    with pytest.raises(DataError, match="no embeddings of 'tiny': run featurize again"):
        _crops(training, source, input_names=["embedding:tiny"])[0]


# What a teacher says


def test_crops__a_teachers_word_takes_the_place_of_labels(training: ShardSet, source: Source) -> None:
    first = str(training.table["recording_id"][0])
    shown = SoftLabels({first: np.full((1, 5), 0.2, np.float32)})
    crops = _crops(training, source, augment=OFF, soft=shown, crops_per_recording=5.0)
    labels = {tuple(row) for row in targets(training.table[1:], source.classes.index).tolist()}
    drawn = {tuple(round(value, 6) for value in target.tolist()) for _, target in _all(crops)}
    assert (0.2,) * 5 in drawn
    assert drawn - {(0.2,) * 5} <= labels


def test_crops__a_window_of_which_nothing_is_learned_is_not_drawn(with_embeddings: ShardSet, source: Source) -> None:
    max_length = int(np.argmax([len(waveform) for waveform in with_embeddings]))
    alone = with_embeddings.subset(np.arange(len(with_embeddings)) == max_length)
    shown = np.eye(5, dtype=np.float32)[:4] * np.array([[1], [0], [1], [0]], np.float32)
    soft = SoftLabels({str(alone.table["recording_id"][0]): shown})
    for names in (["waveform"], BOTH):
        crops = _crops(alone, source, augment=OFF, soft=soft, input_names=names, crops_per_recording=30.0)
        assert {int(target.argmax()) for _, target in _all(crops) if target.sum() == 1.0} == {0, 2}
        assert all(target.sum() == 1.0 for _, target in _all(crops))


# Which window, and what lies under it


def test_crops__loud_windows_hold_the_call_more_often(
    validated: ValidatedRecordings, source: Source, spec: FeatureSpec, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    samples = (0.001 * rng.standard_normal(60 * 32_000)).astype(np.float32)
    samples[40 * 32_000 : 41 * 32_000] += 0.2 * np.sin(2 * np.pi * 4_000 * np.arange(32_000) / 32_000)
    soundfile.write(tmp_path / "long.wav", samples, 32_000)
    row = validated.usable.head(1).assign(split="train", path=str(tmp_path / "long.wav")).drop(columns="sha256")
    write_shard(row, spec, tmp_path / "shard")
    shards = ShardSet([tmp_path / "shard"], spec)

    def share(window_choice: str) -> float:
        crops = _crops(shards, source, augment=OFF, window_choice=window_choice, crops_per_recording=80.0)
        return float(np.mean([int(inputs["waveform"].abs().max() > 3_000) for inputs, _ in _all(crops)]))

    # A window of 5 s touches the call from 6 of 55 places: in one draw of nine, and in 37 percent of four draws.
    assert share("random") == pytest.approx(6 / 55, abs=0.09)
    assert share("loud") == pytest.approx(1 - (1 - 6 / 55) ** 4, abs=0.15)


def test_crops__backgrounds_change_the_sound_and_nothing_else(training: ShardSet, source: Source) -> None:
    under = AugmentConfig(**{**OFF.model_dump(), "background_probability": 1.0})
    for without, mixed in zip(
        _all(_crops(training, source, augment=OFF)), _all(_crops(training, source, augment=under)), strict=True
    ):
        assert not torch.equal(without[0]["waveform"], mixed[0]["waveform"])
        assert torch.equal(without[1], mixed[1])


def test_crops__backgrounds_of_the_test_half_are_refused(training: ShardSet, source: Source) -> None:
    with pytest.raises(DataError, match="backgrounds of the test half were given to training"):
        _crops(training, source, backgrounds=BackgroundPool(32_000, half="test"))


# How often which recording is drawn

LABELS = np.array(["a"] * 8 + ["1139490"] * 2, dtype=object)


@pytest.mark.parametrize(
    ("class_power", "share_of_frequent"), [(0.0, 0.8), (1.0, 0.5), (0.5, 8**0.5 / (8**0.5 + 2**0.5))]
)
def test_draw_probabilities__class_power_evens_species_out(class_power: float, share_of_frequent: float) -> None:
    probabilities = draw_probabilities(LABELS, class_power)
    assert probabilities.shape == (10,)
    assert probabilities.sum() == pytest.approx(1.0)
    assert probabilities[:8].sum() == pytest.approx(share_of_frequent)
    assert len(set(probabilities[:8].round(12))) == 1


def test_draw_probabilities__follow_the_order_of_the_recordings() -> None:
    order = np.random.default_rng(0).permutation(10)
    np.testing.assert_allclose(draw_probabilities(LABELS[order], 0.7), draw_probabilities(LABELS, 0.7)[order])


def test_draw_probabilities__one_species_is_drawn_evenly() -> None:
    np.testing.assert_allclose(draw_probabilities(LABELS[:8], 1.0), 1 / 8)


def test_crops__are_drawn_with_these_probabilities(training: ShardSet, source: Source) -> None:
    plain = _without_secondary_labels(training)
    crops = _crops(plain, source, augment=OFF, class_power=1.0, crops_per_recording=30.0)
    share = np.mean([target.numpy() for _, target in _all(crops)], axis=0)
    np.testing.assert_allclose(share, 1 / 5, atol=0.07)


# Windows to judge on


@pytest.mark.parametrize("input_name", ["waveform", "log_mel"])
def test_windows__are_the_front_ends_in_order(evaluated: ShardSet, spec: FeatureSpec, input_name: str) -> None:
    windows = RecordingWindows(evaluated, [input_name])
    front_end = FrontEnd(spec)
    expected = [
        (recording, one)
        for recording, path in enumerate(evaluated.table["path"])
        for one in front_end(Path(path)).inputs[input_name]
    ]
    assert len(windows) == len(expected)
    assert list(windows.recording) == [recording for recording, _ in expected]
    for index, (_, one) in enumerate(expected):
        np.testing.assert_array_equal(windows[index][input_name].numpy(), one)


@pytest.mark.parametrize("input_name", ["waveform", "embedding:tiny"])
def test_windows__a_last_window_is_where_the_spec_says(with_embeddings: ShardSet, input_name: str) -> None:
    windows, front_end = RecordingWindows(with_embeddings, [input_name]), FrontEnd(with_embeddings.spec)
    served = np.concatenate([front_end.windows(waveform) for waveform in with_embeddings])
    assert len(windows) == len(served)
    for index, window in enumerate(served):
        expected = window if input_name == "waveform" else _embedded(window)
        np.testing.assert_allclose(windows[index][input_name].numpy(), expected, atol=1e-6)


def test_crops__of_a_recording_longer_than_a_window_none_is_a_repeated_rest(
    with_embeddings: ShardSet, source: Source
) -> None:
    max_length = int(np.argmax([len(waveform) for waveform in with_embeddings]))
    alone = with_embeddings.subset(np.arange(len(with_embeddings)) == max_length)
    recording = np.asarray(alone.waveform(0))
    crops = _crops(alone, source, augment=OFF, input_names=BOTH, crops_per_recording=60.0)
    cut = {crop.tobytes() for crop in np.lib.stride_tricks.sliding_window_view(recording, 160_000)[::80_000]}
    cut.add(recording[-160_000:].tobytes())
    of_rests = [inputs for inputs, _ in _all(crops) if inputs["waveform"].numpy().tobytes() not in cut]
    assert bool(of_rests) == (alone.spec.last_window == "padded")


def test_windows__every_recording_has_one(shard_folders: dict[str, list[Path]], spec: FeatureSpec) -> None:
    development = ShardSet(shard_folders["development"], spec)
    windows = RecordingWindows(development, ["waveform"])
    assert set(windows.recording) == set(range(len(development)))
    counts = np.bincount(windows.recording)
    expected = [max(1, -(-len(waveform) // 160_000)) for waveform in development]
    assert list(counts) == expected
    assert max(expected) > 1


def test_windows__overlap_where_the_spec_says_so(validated: ValidatedRecordings, tmp_path: Path) -> None:
    spec = FeatureSpec(hop_s=2.5)
    of_12_s = validated.usable[validated.usable["recording_id"] == "grekis/XC4.ogg"]
    write_shard(of_12_s.assign(split="train"), spec, tmp_path / "shard")
    windows = RecordingWindows(ShardSet([tmp_path / "shard"], spec), ["waveform"])
    assert len(windows) == 4
    first, second = (windows[index]["waveform"].numpy() for index in range(2))
    np.testing.assert_array_equal(second[:80_000], first[80_000:])
