"""The champion on the same recordings: in our order of species, and only where the question is fair."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from silencio.bundle import Bundle, Scorer
from silencio.bundle.manifest import read_manifest
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.data.validate import ValidationConfig, examine
from silencio.errors import BundleError
from silencio.evaluation.champion import ChampionScores, score_champion
from silencio.export.bundle import write_manifest
from silencio.features import FeatureSpec
from silencio.taxonomy import ClassList, Species

SPEC = FeatureSpec(sample_rate_hz=16000, window_s=1.0, hop_s=1.0, n_fft=512, hop_length=256, n_mels=16, f_max_hz=8000.0)


def _classes(*codes: str) -> ClassList:
    return ClassList.of(Species(code=c, scientific_name=c, common_name=c, class_name="Aves") for c in codes)


CHAMPIONS = _classes("a", "b", "c")
# A species is new, one is gone, and so the others are elsewhere.
OURS = _classes("0new", "b", "c")


def _data(names: list[str], parts: list[str], **known: list[str]) -> pd.DataFrame:
    """As a bundle has it (`data.parquet`); nothing but the names is known unless it is given."""
    hidden = {column: [f"{column} of {name}" for name in names] for column in ("sha256", "decoded_sha256", "group_id")}
    return pd.DataFrame({"recording_id": names, "split": parts, **hidden, **known})


def _with_data(directory: Path, data: pd.DataFrame) -> None:
    """As a bundle lists it: a file that bundle.json does not name is no part of it."""
    data.to_parquet(directory / "data.parquet")
    write_manifest(read_manifest(directory), directory)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For reading. It was made from recordings that are not among ours."""
    folder = write_placeholder_bundle(tmp_path_factory.mktemp("champion"), spec=SPEC, classes=CHAMPIONS)
    _with_data(folder, _data(["another.ogg"], ["train"]))
    return folder


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder, rng = tmp_path_factory.mktemp("recordings"), np.random.default_rng(0)
    rows = []
    for number, label in enumerate(["b", "c", "0new", "b"]):
        path = folder / f"{number}.wav"
        soundfile.write(path, 0.1 * (number + 1) * rng.standard_normal(16000 * (number + 1)), 16000)
        known = {
            "sha256": f"bytes of {number}",
            "decoded_sha256": f"samples of {number}",
            "group_id": f"group {number}",
        }
        rows.append({"recording_id": f"{label}/{number}.wav", "path": str(path), "primary_label": label, **known})
    return pd.DataFrame(rows)


@pytest.fixture
def scored(directory: Path, table: pd.DataFrame) -> ChampionScores:
    return score_champion(directory, table, OURS)


def test_scores__are_the_champions_own_in_our_order(
    scored: ChampionScores, directory: Path, table: pd.DataFrame
) -> None:
    scorer = Scorer(Bundle(directory))
    assert scored.scores.shape == (4, 3)
    for row, path in enumerate(table["path"]):
        own = scorer(Path(path)).probabilities.mean(axis=0)
        for code in ("b", "c"):
            assert scored.scores[row, OURS.index[code]] == pytest.approx(own[CHAMPIONS.index[code]], abs=1e-6)
    # It was asked with different recordings, and says different things.
    assert len(np.unique(scored.scores[:, OURS.index["b"]].round(6))) == 4
    assert scored.version == Bundle(directory).manifest.version


def test_scores__of_a_species_that_it_does_not_know_are_zero(scored: ChampionScores) -> None:
    assert (scored.scores[:, OURS.index["0new"]] == 0).all()


def test_fair__not_of_a_species_that_it_does_not_know(scored: ChampionScores) -> None:
    assert list(scored.fair) == [True, True, False, True]


def test_fair__not_of_a_recording_that_it_has_learned_from(
    directory: Path, table: pd.DataFrame, tmp_path: Path
) -> None:
    own = Path(shutil.copytree(directory, tmp_path / "champion"))
    bytes_of = ["bytes of 0", "bytes of 1", "bytes of 3"]
    data = _data(["x.ogg", "y.ogg", "z.ogg"], ["train", "validation", "test"], sha256=bytes_of)
    _with_data(own, data)
    # Its test recordings are as new to it as to us; those on which it was calibrated are not.
    assert list(score_champion(own, table, OURS).fair) == [False, False, False, True]


def test_fair__the_data_of_a_champion_from_before_call_the_split_part(
    directory: Path, table: pd.DataFrame, tmp_path: Path
) -> None:
    own = Path(shutil.copytree(directory, tmp_path / "champion"))
    data = _data(["x.ogg", "z.ogg"], ["train", "test"], sha256=["bytes of 0", "bytes of 3"])
    _with_data(own, data.rename(columns={"split": "split"}))
    assert list(score_champion(own, table, OURS).fair) == [False, True, False, True]


@pytest.mark.parametrize(
    "trace",
    [
        {"names": ["b/0.wav"]},
        {"names": ["b/0.mp3"]},  # encoded anew, and lossily
        {"names": ["other name.ogg"], "decoded_sha256": ["samples of 0"]},  # encoded anew without loss
        {"names": ["other name.ogg"], "group_id": ["group 0"]},
    ],
)
def test_fair__a_training_recording_is_recognised_however_it_comes_back(
    trace: dict[str, list[str]], directory: Path, table: pd.DataFrame, tmp_path: Path
) -> None:
    own = Path(shutil.copytree(directory, tmp_path / "champion"))
    _with_data(own, _data(parts=["train"], **trace))
    assert list(score_champion(own, table, OURS).fair) == [False, True, False, True]


def test_fair__a_catalogues_number_after_a_point_is_no_ending(
    directory: Path, table: pd.DataFrame, tmp_path: Path
) -> None:
    own = Path(shutil.copytree(directory, tmp_path / "champion"))
    _with_data(own, _data(["roost.1"], ["train"]))
    named = table.assign(recording_id=[f"roost.{number}" for number in range(1, 5)])
    assert list(score_champion(own, named, OURS).fair) == [False, True, False, True]


def test_fair__a_training_recording_that_was_encoded_anew_does_not_lift_the_champion(
    directory: Path, table: pd.DataFrame, tmp_path: Path
) -> None:
    # The real thing: what validate writes of a WAV that the champion learned from, and of the FLAC that is tested now.
    own, flac = Path(shutil.copytree(directory, tmp_path / "champion")), tmp_path / "anew.flac"
    samples, rate_hz = soundfile.read(table["path"][0], dtype="int16")
    soundfile.write(flac, samples, rate_hz)
    learned, _ = examine("old.wav", table["path"][0], ValidationConfig())
    evaluated, _ = examine("anew.flac", str(flac), ValidationConfig())
    assert learned and evaluated and learned["sha256"] != evaluated["sha256"]
    _with_data(own, pd.DataFrame([{**learned, "split": "train", "group_id": "old.wav"}]))
    row = {**evaluated, "group_id": "anew.flac", "path": str(flac), "primary_label": "b"}
    assert list(score_champion(own, pd.DataFrame([row]), OURS).fair) == [False]


def test_fair__nothing_where_it_does_not_say_what_it_learned_from(
    directory: Path, table: pd.DataFrame, tmp_path: Path
) -> None:
    own = Path(shutil.copytree(directory, tmp_path / "champion"))
    (own / "data.parquet").unlink()
    write_manifest(read_manifest(own), own)
    assert not score_champion(own, table, OURS).fair.any()


def test_champion__that_is_none_is_refused(tmp_path: Path, table: pd.DataFrame) -> None:
    with pytest.raises(BundleError, match=r"holds no bundle\.json"):
        score_champion(tmp_path, table, OURS)
