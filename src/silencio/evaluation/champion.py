"""The champion on the same recordings: scored as it is served, and only where the comparison is fair.

A champion of `cross_fit` has learned from all recordings of its day. Of these its bundle keeps predictions by models
that had not seen them, and by these it is compared; recordings that came later are left aside.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from silencio.bundle.load import Bundle
from silencio.bundle.manifest import DATA, PROBABILITY, REFERENCE
from silencio.bundle.scoring import Scorer
from silencio.data.file_names import AUDIO_SUFFIXES
from silencio.data.frames import read_frame
from silencio.data.leaks import recognised, recording_fingerprints
from silencio.data.versions import read_data_table
from silencio.storage import read_bytes
from silencio.taxonomy import ClassList


@dataclass(frozen=True)
class ChampionScores:
    """The champion's predictions.

    Attributes:
        version: Version of its bundle.
        scores: Scores in the order of the challenger's classes, (n_recordings, n_classes); 0 for species it does not
            know.
        fair: Recordings of species that it knows, which it never trained on, or which it predicted out of fold: bool
            (n_recordings,).
        known: Species that it knows, bool (n_classes,); None where it knows all.
    """

    version: str
    scores: NDArray[np.float64]
    fair: NDArray[np.bool_]
    known: NDArray[np.bool_] | None = None


def score_champion(directory: Path, table: pd.DataFrame, classes: ClassList) -> ChampionScores:
    """Score the test recordings with the champion's bundle, by its own features and thresholds.

    Args:
        directory: The champion's bundle.
        table: Test recordings with `path`, `primary_label`, and what they can be recognised by (`silencio.data.leaks`).
        classes: The challenger's class list.

    Raises:
        BundleError: The bundle is not what was exported.
    """
    bundle = Bundle(directory)
    own = bundle.manifest.classes
    if bundle.manifest.n_folds:
        return _out_of_fold(bundle, table, classes)
    scorer = Scorer(bundle)
    columns = [own.index.get(code) for code in classes.codes]
    scores = np.zeros((len(table), len(classes)))
    for row, path in enumerate(tqdm(table["path"], desc="champion", unit="recording", mininterval=2.0)):
        mean = scorer(read_bytes(str(path))).probabilities.mean(axis=0)
        scores[row] = [0.0 if column is None else mean[column] for column in columns]
    known = np.array([column is not None for column in columns])
    return ChampionScores(bundle.manifest.version, scores, _fair(directory, table, own), known)


def _out_of_fold(bundle: Bundle, table: pd.DataFrame, classes: ClassList) -> ChampionScores:
    """The champion's predictions of recordings by models that were made without them."""
    own = bundle.manifest.classes
    windows = read_frame(bundle.directory / REFERENCE)
    names = [f"{PROBABILITY}{code}" for code in own.codes]
    means = windows.groupby("recording_id")[names].mean()
    matched = _matched(read_data_table(bundle.directory / DATA), table)
    has_scores = np.array([name in means.index for name in matched], bool)
    scores = np.zeros((len(table), len(classes)))
    of_own = means.loc[[name for name, has in zip(matched, has_scores, strict=True) if has]].to_numpy(float)
    columns = [own.index.get(code) for code in classes.codes]
    for place, column in enumerate(columns):
        if column is not None:
            scores[has_scores, place] = of_own[:, column]
    known = np.array([column is not None for column in columns])
    fair = np.asarray(table["primary_label"].isin(own.codes) & has_scores, bool)
    return ChampionScores(bundle.manifest.version, scores, fair, known)


def _matched(data: pd.DataFrame, table: pd.DataFrame) -> list[str]:
    """By row of a table, the same recording's name in a bundle's: by bytes, sound or name; empty where it has none."""
    found = pd.Series("", index=table.index, dtype=object)
    for column in ("sha256", "decoded_sha256", "recording_id"):
        if column not in data or column not in table:
            continue
        known = data[data[column].map(lambda one: isinstance(one, str) and one != "")]
        name_of = dict(zip(known[column], known["recording_id"], strict=True))
        found = found.where(found != "", table[column].map(name_of).fillna(""))
    return [str(name) for name in found]


def learned_from(directory: Path, table: pd.DataFrame) -> NDArray[np.bool_]:
    """Which recordings a bundle learned from: trained, weighed, calibrated or cut thresholds on.

    Known by name (a file's ending apart), source, bytes or decoded sound, as far as the tables say them. A bundle that
    does not say what it learned from is taken to have learned from all: nothing can be shown to be new to it.

    Args:
        directory: The bundle.
        table: Recordings with what they can be recognised by (`silencio.data.leaks`).

    Returns:
        (n_recordings,).
    """
    if not (directory / DATA).is_file():
        return np.ones(len(table), bool)
    data = read_data_table(directory / DATA)
    learned = recording_fingerprints(_by_name(data[data["split"] != "test"]))
    return np.asarray(np.logical_or.reduce(list(recognised(learned, _by_name(table)).values())), bool)


def _fair(directory: Path, table: pd.DataFrame, own: ClassList) -> NDArray[np.bool_]:
    return np.asarray(table["primary_label"].isin(own.codes) & ~learned_from(directory, table), bool)


def _by_name(table: pd.DataFrame) -> pd.DataFrame:
    """With names without their endings: a recording that was encoded anew, and lossily, is known by its name alone."""
    return table.assign(recording_id=[_without_ending(str(name)) for name in table["recording_id"]])


def _without_ending(name: str) -> str:
    # Only endings of recordings: a catalogue's `roost.1` and `roost.2` are two.
    return name.rpartition(".")[0] if name.lower().endswith(AUDIO_SUFFIXES) else name
