"""replay: both bundles on labelled recordings that neither learned from, and what is said of those left out."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile

from silencio.bundle import Bundle, Scorer
from silencio.bundle.manifest import read_manifest
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.data.recordings import COLUMNS, read_recordings, write_recordings
from silencio.data.validate import validate_recordings
from silencio.errors import ConfigError, DataError
from silencio.export.bundle import write_manifest
from silencio.features import FeatureSpec
from silencio.release.comparison import AnswerComparison
from silencio.release.comparison_file import comparison_of
from silencio.release.policy import ReleasePolicy
from silencio.steps.replay import Inputs, Outputs, run
from silencio.taxonomy import ClassList, Species

SPEC = FeatureSpec(sample_rate_hz=16000, window_s=1.0, hop_s=1.0, n_fft=512, hop_length=256, n_mels=16, f_max_hz=8000.0)
CLASSES = ClassList.of(
    Species(code=code, scientific_name=code, common_name=code, class_name=taxon)
    for code, taxon in (("a", "Aves"), ("b", "Aves"), ("c", "Amphibia"))
)
N = 6


def _data(table: pd.DataFrame, split: str = "train") -> pd.DataFrame:
    """As a bundle keeps what it was made from."""
    return table.assign(split=split, group_id=[f"group of {name}" for name in table["recording_id"]])


def _bundle(folder: Path, learned: pd.DataFrame, *, seed: int = 0, classes: ClassList = CLASSES) -> Path:
    write_placeholder_bundle(folder, spec=SPEC, classes=classes, seed=seed)
    learned.to_parquet(folder / "data.parquet")
    write_manifest(read_manifest(folder), folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("replay")


@pytest.fixture(scope="module")
def recordings(folder: Path) -> pd.DataFrame:
    """Sounds of other pitch, labelled as the champion of seed 0 hears them; the last one is labelled otherwise."""
    rng = np.random.default_rng(0)
    scorer = Scorer(Bundle(write_placeholder_bundle(folder / "labels", spec=SPEC, classes=CLASSES)))
    rows = []
    for number in range(N):
        path = folder / f"{number}.wav"
        times_s = np.arange(16000 * 2) / 16000
        tone = 0.4 * np.sin(2 * np.pi * (300 + 1200 * number) * times_s) + 0.01 * rng.standard_normal(len(times_s))
        soundfile.write(path, tone, 16000)
        label = CLASSES.codes[int(scorer(path).probabilities.mean(axis=0).argmax())]
        if number == N - 1:
            label = next(code for code in CLASSES.codes if code != label)
        known: dict[str, Any] = dict.fromkeys(COLUMNS, "")
        known |= {"recording_id": f"{label}/{number}.wav", "path": str(path), "primary_label": label}
        rows.append({**known, "secondary_labels": [], "latitude": np.nan, "longitude": np.nan})
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def table(folder: Path, recordings: pd.DataFrame) -> Path:
    """As `validate` hands it on; without a suffix, as KFP names it."""
    write_recordings(validate_recordings(recordings).usable, folder / "recordings")
    return folder / "recordings"


@pytest.fixture(scope="module")
def elsewhere(folder: Path) -> pd.DataFrame:
    """What the bundles learned from: another sound."""
    path = folder / "elsewhere.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(9).standard_normal(16000), 16000)
    known: dict[str, Any] = dict.fromkeys(COLUMNS, "")
    known |= {"recording_id": "a/elsewhere.wav", "path": str(path), "primary_label": "a", "secondary_labels": []}
    return validate_recordings(pd.DataFrame([{**known, "latitude": np.nan, "longitude": np.nan}])).usable


@pytest.fixture(scope="module")
def champion(folder: Path, elsewhere: pd.DataFrame) -> Path:
    return _bundle(folder / "champion", _data(elsewhere))


@pytest.fixture(scope="module")
def challenger(folder: Path, elsewhere: pd.DataFrame) -> Path:
    return _bundle(folder / "challenger", _data(elsewhere), seed=1)


def _run(out: Path, **inputs: Any) -> tuple[AnswerComparison, dict[str, float]]:
    metrics = run(Inputs(**{"n_processes": 1, **inputs}), Outputs(out / "comparison"))
    return comparison_of(json.loads((out / "comparison").read_text())), metrics


def test_replay__holds_both_bundles_against_the_labels(
    champion: Path, challenger: Path, table: Path, recordings: pd.DataFrame, tmp_path: Path
) -> None:
    found, metrics = _run(tmp_path, champion=champion, challenger=challenger, recordings=str(table))
    assert found.replay is not None
    assert found.replay.champion_right.tolist() == [1] * (N - 1) + [0]
    scorer = Scorer(Bundle(challenger))
    own = [CLASSES.codes[int(scorer(Path(one)).probabilities.mean(axis=0).argmax())] for one in recordings["path"]]
    assert list(found.replay.challenger_named) == own
    assert (metrics["replayed"], metrics["left_out"], metrics["champion_top1"]) == (N, 0, round((N - 1) / N, 4))
    assert metrics["negative_flips"] == len(found.negative_flips)
    assert any(name.startswith("taxon class") for name in found.replay.slices)


def test_replay__fewer_than_the_policy_asks_for_are_said_and_compared(
    champion: Path, challenger: Path, table: Path, tmp_path: Path
) -> None:
    given = {"champion": champion, "challenger": challenger, "recordings": str(table)}
    assert _run(tmp_path, **given)[1]["fewer_than_min_replay"] == 1
    few = ReleasePolicy.shipped().model_copy(update={"min_replay": N})
    assert _run(tmp_path, **given, policy=few)[1]["fewer_than_min_replay"] == 0


def test_replay__page_has_the_bounds_of_the_policy_at_hand(
    champion: Path, challenger: Path, table: Path, tmp_path: Path
) -> None:
    shipped = ReleasePolicy.shipped()
    strict = shipped.rules["replay"].model_copy(update={"alpha": 0.0005})
    policy = shipped.model_copy(update={"rules": {**shipped.rules, "replay": strict}})
    given = Inputs(champion=champion, challenger=challenger, recordings=str(table), n_processes=1, policy=policy)
    run(given, Outputs(tmp_path / "comparison", page=tmp_path / "page"))
    assert "bounds are of 99.95 %" in (tmp_path / "page").read_text(encoding="utf-8")


@pytest.mark.parametrize("arm", ["champion", "challenger"])
@pytest.mark.parametrize("trace", ["name", "bytes", "sound"])
def test_replay__what_either_learned_from_is_left_out_however_it_comes_back(
    arm: str, trace: str, elsewhere: pd.DataFrame, table: Path, tmp_path: Path
) -> None:
    known = read_recordings(table)
    first = known.iloc[:1]
    hidden = {column: ["unknown"] for column in ("recording_id", "sha256", "decoded_sha256")}
    kept = {"name": "recording_id", "bytes": "sha256", "sound": "decoded_sha256"}[trace]
    learned = pd.concat([elsewhere, first.assign(**(hidden | {kept: first[kept].tolist()}))], ignore_index=True)
    bundles = {
        one: _bundle(tmp_path / one, _data(learned if one == arm else elsewhere), seed=number)
        for number, one in enumerate(("champion", "challenger"))
    }
    found, metrics = _run(tmp_path, **bundles, recordings=str(table))
    assert found.left_out == {f"the {arm} learned from it": 1}
    assert metrics["replayed"] == N - 1
    assert found.replay is not None
    assert known["recording_id"][0] not in found.replay.recordings


def test_replay__test_recordings_of_either_are_new_to_it(
    champion: Path, elsewhere: pd.DataFrame, table: Path, tmp_path: Path
) -> None:
    data = pd.concat([_data(elsewhere), _data(read_recordings(table), "test")], ignore_index=True)
    own = _bundle(tmp_path / "challenger", data, seed=1)
    found, metrics = _run(tmp_path, champion=champion, challenger=own, recordings=str(own / "data.parquet"))
    assert metrics["replayed"] == N
    assert found.left_out == {"the champion learned from it": 1}


def test_replay__a_bundle_that_does_not_say_what_it_learned_from_leaves_nothing(
    champion: Path, challenger: Path, table: Path, tmp_path: Path
) -> None:
    silent = Path(shutil.copytree(champion, tmp_path / "silent"))
    (silent / "data.parquet").unlink()
    write_manifest(read_manifest(silent), silent)
    found, metrics = _run(tmp_path, champion=silent, challenger=challenger, recordings=str(table))
    assert found.left_out == {"the champion does not say what it learned from": N}
    assert (metrics["replayed"], metrics["fewer_than_min_replay"]) == (0, 1)
    assert "champion_top1" not in metrics


def test_replay__a_folder_of_recordings_is_decoded_to_be_recognised(
    challenger: Path, recordings: pd.DataFrame, elsewhere: pd.DataFrame, tmp_path: Path
) -> None:
    # One folder a class. The first recording was learned from, and lies there as FLAC under another name.
    for number, row in enumerate(recordings.to_dict("records")):
        place = tmp_path / "place" / str(row["primary_label"]) / f"{number}.flac"
        place.parent.mkdir(parents=True, exist_ok=True)
        samples, rate_hz = soundfile.read(row["path"], dtype="int16")
        soundfile.write(place, samples, rate_hz)
    learned = validate_recordings(recordings.iloc[:1].assign(recording_id="field/xc1.wav")).usable
    own = _bundle(tmp_path / "champion", _data(pd.concat([elsewhere, learned], ignore_index=True)))
    found, metrics = _run(tmp_path, champion=own, challenger=challenger, recordings=str(tmp_path / "place"))
    assert found.left_out == {"the champion learned from it": 1}
    assert metrics["replayed"] == N - 1


def test_replay__two_more_species_are_listed_and_their_recordings_left_out(
    champion: Path, elsewhere: pd.DataFrame, table: Path, recordings: pd.DataFrame, tmp_path: Path
) -> None:
    more = ClassList.of(
        [*CLASSES, *(Species(code=c, scientific_name=c, common_name=c, class_name="Aves") for c in ("x", "y"))]
    )
    own = _bundle(tmp_path / "challenger", _data(elsewhere), classes=more)
    labelled = read_recordings(table)
    labelled.loc[0, "primary_label"] = "x"
    write_recordings(labelled, tmp_path / "recordings")
    found, _ = _run(tmp_path, champion=champion, challenger=own, recordings=str(tmp_path / "recordings"))
    assert (found.classes.new, found.classes.gone) == (("x", "y"), ())
    assert found.left_out == {"its label is no class of both": 1}
    assert {row.code for row in found.species if row.status == "new"} == {"x", "y"}


def test_replay__a_broken_recording_costs_itself_alone(
    champion: Path, challenger: Path, table: Path, tmp_path: Path
) -> None:
    labelled, broken = read_recordings(table), tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF")
    labelled.loc[0, "path"] = str(broken)
    write_recordings(labelled, tmp_path / "recordings")
    found, metrics = _run(tmp_path, champion=champion, challenger=challenger, recordings=str(tmp_path / "recordings"))
    assert found.left_out == {"it could not be scored": 1}
    assert metrics["replayed"] == N - 1


def test_replay__two_retrainings_of_one_recipe_are_the_churn_floor(
    champion: Path, challenger: Path, elsewhere: pd.DataFrame, table: Path, tmp_path: Path
) -> None:
    again = [_bundle(tmp_path / str(seed), _data(elsewhere), seed=seed) for seed in (0, 1)]
    given = {"champion": champion, "challenger": challenger, "recordings": str(table)}
    found, _ = _run(tmp_path, **given, retrained=again)
    assert found.replay is not None
    assert found.churn_floor is not None
    # The same two bundles: the floor is what these two differ by.
    differing = int((found.replay.champion_right != found.replay.challenger_right).sum())
    assert (found.churn_floor.n_recordings, found.churn_floor.negative_flips) == (N, differing / 2)
    with pytest.raises(ConfigError, match="names 1"):
        _run(tmp_path, **given, retrained=again[:1])


def test_replay__an_empty_log_says_that_nobody_uses_what_is_gone(
    champion: Path, challenger: Path, table: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    log.mkdir()
    now = datetime(2026, 11, 30, tzinfo=UTC)
    given = {"champion": champion, "challenger": challenger, "recordings": str(table)}
    found, _ = _run(tmp_path, **given, prediction_log=str(log), until=now)
    assert (found.classes.gone_detections, found.classes.log_mel_requests) == ({}, 0)


def test_replay__a_place_without_recordings_is_said(champion: Path, challenger: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError):
        _run(tmp_path, champion=champion, challenger=challenger, recordings=str(tmp_path / "empty"))
