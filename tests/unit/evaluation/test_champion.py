"""The champion on the same recordings: in our order of species, and only where the question is fair."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from silencio.bundle import Bundle, Scorer
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.errors import BundleError
from silencio.evaluation.champion import ChampionScores, ask_champion
from silencio.features import FeatureSpec
from silencio.taxonomy import ClassList, Species

SPEC = FeatureSpec(sample_rate_hz=16000, window_s=1.0, hop_s=1.0, n_fft=512, hop_length=256, n_mels=16, f_max_hz=8000.0)


def _classes(*codes: str) -> ClassList:
    return ClassList.of(Species(code=c, scientific_name=c, common_name=c, class_name="Aves") for c in codes)


CHAMPIONS = _classes("a", "b", "c")
# A species is new, one is gone, and so the others are elsewhere.
OURS = _classes("0new", "b", "c")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For reading. It was made from recordings that are not among ours."""
    folder = write_placeholder_bundle(tmp_path_factory.mktemp("champion"), spec=SPEC, classes=CHAMPIONS)
    pd.DataFrame({"sha256": ["bytes of another"], "part": ["train"]}).to_parquet(folder / "data.parquet")
    return folder


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder, rng = tmp_path_factory.mktemp("recordings"), np.random.default_rng(0)
    rows = []
    for number, label in enumerate(["b", "c", "0new", "b"]):
        path = folder / f"{number}.wav"
        soundfile.write(path, 0.1 * (number + 1) * rng.standard_normal(16000 * (number + 1)), 16000)
        rows.append({"path": str(path), "primary_label": label, "sha256": f"bytes of {number}"})
    return pd.DataFrame(rows)


@pytest.fixture
def asked(directory: Path, table: pd.DataFrame) -> ChampionScores:
    return ask_champion(directory, table, OURS)


def test_scores__are_the_champions_own_in_our_order(
    asked: ChampionScores, directory: Path, table: pd.DataFrame
) -> None:
    scorer = Scorer(Bundle(directory))
    assert asked.scores.shape == (4, 3)
    for row, path in enumerate(table["path"]):
        own = scorer(Path(path)).probabilities.mean(axis=0)
        for code in ("b", "c"):
            assert asked.scores[row, OURS.index[code]] == pytest.approx(own[CHAMPIONS.index[code]], abs=1e-6)
    # It was asked with different recordings, and says different things.
    assert len(np.unique(asked.scores[:, OURS.index["b"]].round(6))) == 4
    assert asked.version == Bundle(directory).manifest.version


def test_scores__of_a_species_that_it_does_not_know_are_zero(asked: ChampionScores) -> None:
    assert (asked.scores[:, OURS.index["0new"]] == 0).all()


def test_fair__not_of_a_species_that_it_does_not_know(asked: ChampionScores) -> None:
    assert list(asked.fair) == [True, True, False, True]


def test_fair__not_of_a_recording_that_it_has_learned_from(
    directory: Path, table: pd.DataFrame, tmp_path: Path
) -> None:
    own = Path(shutil.copytree(directory, tmp_path / "champion"))
    data = pd.DataFrame({"sha256": ["bytes of 0", "bytes of 1", "bytes of 3"], "part": ["train", "validation", "test"]})
    data.to_parquet(own / "data.parquet")
    # Its test recordings are as new to it as to us; those on which it was calibrated are not.
    assert list(ask_champion(own, table, OURS).fair) == [False, False, False, True]


def test_fair__nothing_where_it_does_not_say_what_it_learned_from(
    directory: Path, table: pd.DataFrame, tmp_path: Path
) -> None:
    own = Path(shutil.copytree(directory, tmp_path / "champion"))
    (own / "data.parquet").unlink()
    assert not ask_champion(own, table, OURS).fair.any()


def test_champion__that_is_none_is_refused(tmp_path: Path, table: pd.DataFrame) -> None:
    with pytest.raises(BundleError, match=r"holds no bundle\.json"):
        ask_champion(tmp_path, table, OURS)
