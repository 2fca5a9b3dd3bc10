"""What heads are trained on, and what they are judged on."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from silencio.data.augment import AugmentConfig
from silencio.data.birdclef import Source
from silencio.data.dataset import RecordingWindows, TrainingCrops, draw_probabilities
from silencio.data.shards import ShardSet, targets, write_shard
from silencio.data.validate import ValidatedRecordings
from silencio.features import FeatureSpec, FrontEnd

OFF = AugmentConfig(gain_db=0.0, mixup_probability=0.0, time_mask_frames=0, frequency_mask_mels=0)
ALWAYS_MIXED = AugmentConfig(mixup_probability=1.0)


@pytest.fixture(scope="module")
def training(shard_folders: dict[str, list[Path]], spec: FeatureSpec) -> ShardSet:
    return ShardSet(shard_folders["development"], spec, "train")


@pytest.fixture(scope="module")
def judged(shard_folders: dict[str, list[Path]], spec: FeatureSpec) -> ShardSet:
    return ShardSet(shard_folders["test"], spec, "test")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _crops(training: ShardSet, source: Source, **changed: Any) -> TrainingCrops:
    arguments: dict[str, Any] = {
        "input_name": "waveform",
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


def _all(crops: TrainingCrops) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [crops[index] for index in range(len(crops))]


def _same(one: list[tuple[torch.Tensor, ...]], other: list[tuple[torch.Tensor, ...]]) -> bool:
    return len(one) == len(other) and all(
        torch.equal(a, b) for first, second in zip(one, other, strict=True) for a, b in zip(first, second, strict=True)
    )


# Crops


@pytest.mark.parametrize(
    ("input_name", "shape", "dtype"),
    [("waveform", (160_000,), torch.int16), ("log_mel", (128, 313), torch.float32)],
)
def test_crops__have_the_shape_of_the_heads_input(
    training: ShardSet, source: Source, input_name: str, shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    x, target = _crops(training, source, input_name=input_name)[0]
    assert x.shape == shape
    assert x.dtype == dtype
    assert target.shape == (5,)
    assert target.dtype == torch.float32


@pytest.mark.parametrize("input_name", ["waveform", "log_mel"])
def test_crops__depend_on_seed_epoch_and_index_only(training: ShardSet, source: Source, input_name: str) -> None:
    crops = _crops(training, source, input_name=input_name)
    first = _all(crops)
    np.random.seed(7)  # global generators must mean nothing
    torch.manual_seed(7)
    backwards = [crops[index] for index in reversed(range(len(crops)))][::-1]
    assert _same(first, backwards)
    assert _same(first, _all(_crops(training, source, input_name=input_name)))


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
@pytest.mark.parametrize("input_name", ["waveform", "log_mel"])
def test_crops__two_workers_change_nothing(training: ShardSet, source: Source, input_name: str) -> None:
    crops = _crops(training, source, input_name=input_name)
    crops.epoch = 3
    loaded = [list(DataLoader(crops, batch_size=4, num_workers=n_workers)) for n_workers in (0, 2)]
    assert _same(*([tuple(batch) for batch in batches] for batches in loaded))


def test_crops__without_augmentation_are_windows_of_their_recording(training: ShardSet, source: Source) -> None:
    labels = targets(training.table, source.classes.index)
    for x, target in _all(_crops(training, source, augment=OFF)):
        values = set(x.unique().tolist())
        owners = [i for i, waveform in enumerate(training) if values <= set(np.unique(waveform).tolist())]
        assert any((labels[owner] == target.numpy()).all() for owner in owners)


def test_crops__log_mel_is_the_front_ends(training: ShardSet, source: Source, spec: FeatureSpec) -> None:
    waveforms = _crops(training, source, augment=OFF)
    log_mels = _crops(training, source, augment=OFF, input_name="log_mel")
    for (waveform, target), (log_mel, same_target) in zip(_all(waveforms), _all(log_mels), strict=True):
        np.testing.assert_array_equal(log_mel.numpy(), FrontEnd(spec).log_mel(waveform.numpy()[None])[0])
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
    assert labels.sum(axis=1).max() > 1, "the fixture has secondary labels in the training part"
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
def test_windows__are_the_front_ends_in_order(judged: ShardSet, spec: FeatureSpec, input_name: str) -> None:
    windows = RecordingWindows(judged, input_name)
    front_end = FrontEnd(spec)
    expected = [
        (recording, one)
        for recording, path in enumerate(judged.table["path"])
        for one in front_end(Path(path)).inputs[input_name]
    ]
    assert len(windows) == len(expected)
    assert list(windows.recording) == [recording for recording, _ in expected]
    for index, (_, one) in enumerate(expected):
        np.testing.assert_array_equal(windows[index].numpy(), one)


def test_windows__every_recording_has_one(shard_folders: dict[str, list[Path]], spec: FeatureSpec) -> None:
    development = ShardSet(shard_folders["development"], spec)
    windows = RecordingWindows(development, "waveform")
    assert set(windows.recording) == set(range(len(development)))
    counts = np.bincount(windows.recording)
    expected = [max(1, -(-len(waveform) // 160_000)) for waveform in development]
    assert list(counts) == expected
    assert max(expected) > 1


def test_windows__overlap_where_the_spec_says_so(validated: ValidatedRecordings, tmp_path: Path) -> None:
    spec = FeatureSpec(hop_s=2.5)
    of_12_s = validated.usable[validated.usable["recording_id"] == "grekis/XC4.ogg"]
    write_shard(of_12_s.assign(part="train"), spec, tmp_path / "shard")
    windows = RecordingWindows(ShardSet([tmp_path / "shard"], spec), "waveform")
    assert len(windows) == 4
    np.testing.assert_array_equal(windows[1][:80_000].numpy(), windows[0][80_000:].numpy())
