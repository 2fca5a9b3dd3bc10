"""Bundles and predictions as a notebook has them."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

import silencio
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.bundle.scoring import Scorer
from silencio.errors import BundleIntegrityError, ConfigError, DataError, DecodeError

WINDOW = ["file", "start_s", "end_s", "code", "scientific_name", "common_name", "class_name", "probability"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_placeholder_bundle(tmp_path_factory.mktemp("placeholder") / "bundle")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Seven and twelve seconds: two windows and three."""
    place, rng = tmp_path_factory.mktemp("recordings"), np.random.default_rng(3)
    files = []
    for name, duration_s in (("dawn.ogg", 7), ("dusk.wav", 12)):
        soundfile.write(place / name, 0.1 * rng.standard_normal(32_000 * duration_s), 32_000)
        files.append(place / name)
    return files


@pytest.fixture
def no_audio(tmp_path: Path) -> Path:
    path = tmp_path / "notes.ogg"
    path.write_text("no audio")
    return path


def test_load_bundle__gives_what_was_verified(folder: Path) -> None:
    bundle = silencio.load_bundle(str(folder))
    assert isinstance(bundle, silencio.Bundle)
    assert isinstance(bundle.manifest.spec, silencio.FeatureSpec)
    assert isinstance(bundle.manifest.classes, silencio.ClassList)


def test_load_bundle__refuses_one_that_was_changed(tmp_path: Path) -> None:
    changed = write_placeholder_bundle(tmp_path / "bundle")
    with (changed / "model.onnx").open("ab") as graph:
        graph.write(b"\0")
    with pytest.raises(BundleIntegrityError, match=r"model\.onnx was changed"):
        silencio.load_bundle(changed)


def test_load_bundle__replays_its_clips(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replayed = []
    monkeypatch.setattr(silencio.Bundle, "verify", lambda bundle: replayed.append(bundle.directory))
    silencio.load_bundle(folder)
    assert replayed == [folder]


def test_predict__has_every_window_and_class_with_the_graphs_numbers(folder: Path, recordings: list[Path]) -> None:
    bundle = silencio.load_bundle(folder)
    table = silencio.predict(bundle, recordings, top_k="all")
    assert list(table.columns) == [*WINDOW, "passes_threshold"]
    codes, thresholds = bundle.manifest.classes.codes, bundle.manifest.thresholds
    scorer = Scorer(bundle, n_threads=1)
    for path in recordings:
        scored, rows = scorer(path), table[table["file"] == str(path)]
        found = rows.pivot(index="start_s", columns="code", values="probability")
        assert found.index.tolist() == scored.starts_s
        np.testing.assert_array_equal(found[list(codes)].to_numpy(np.float32), scored.probabilities)
    passes = [row.probability >= thresholds[row.code] for row in table.itertuples()]
    assert table["passes_threshold"].tolist() == passes
    assert True in passes and False in passes


def test_predict__lists_the_most_probable_first(folder: Path, recordings: list[Path]) -> None:
    table = silencio.predict(folder, recordings[0], top_k=2)
    assert set(table["file"]) == {str(recordings[0])}
    for _, window in table.groupby("start_s"):
        assert len(window) >= 2
        assert window["probability"].is_monotonic_decreasing


def test_detect__has_what_passes_merged(folder: Path, recordings: list[Path]) -> None:
    detections = silencio.detect(folder, recordings)
    windows = silencio.predict(folder, recordings)
    passing = windows[windows["passes_threshold"]]
    assert list(detections.columns) == WINDOW
    assert set(zip(detections["file"], detections["code"], strict=True)) == set(
        zip(passing["file"], passing["code"], strict=True)
    )
    assert len(detections) < len(passing)
    assert detections["probability"].max() == passing["probability"].max()


def test_predict__of_no_files_is_a_table_without_rows(folder: Path) -> None:
    table = silencio.predict(folder, [])
    assert len(table) == 0 and list(table.columns) == [*WINDOW, "passes_threshold"]


def test_predict__names_the_file_that_is_no_audio(folder: Path, no_audio: Path) -> None:
    with pytest.raises(DecodeError, match=r"notes\.ogg: not audio") as refused:
        silencio.predict(folder, no_audio)
    assert refused.value.kind == "not_audio"


def test_predict__leaves_it_out_where_it_may_and_warns_where_it_was_called(
    folder: Path, no_audio: Path, recordings: list[Path]
) -> None:
    for call in (silencio.predict, silencio.detect):
        with pytest.warns(UserWarning, match=r"notes\.ogg is left out: not audio") as warned:
            table = call(folder, [no_audio, recordings[0]], on_error="warn")
        assert set(table["file"]) <= {str(recordings[0])}
        assert warned[0].filename == __file__


def test_predict__warns_of_what_is_odd(folder: Path, recordings: list[Path], tmp_path: Path) -> None:
    cut = tmp_path / "cut.wav"
    cut.write_bytes(recordings[1].read_bytes()[:-200_000])
    with pytest.warns(UserWarning, match=r"cut\.wav: "):
        silencio.predict(folder, cut)
    with pytest.raises(DecodeError):
        silencio.predict(folder, cut, truncated="refuse")


def test_predict__takes_no_other_word_for_errors(folder: Path, recordings: list[Path]) -> None:
    with pytest.raises(ConfigError, match="on_error='ignore': raise or warn is needed"):
        silencio.predict(folder, recordings, on_error="ignore")  # type: ignore[arg-type]


@pytest.mark.parametrize("package", ["pandas", "onnxruntime"])
def test_predict__without_a_package_says_what_to_install(
    package: str, folder: Path, recordings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    for name in [name for name in sys.modules if name.startswith("silencio.bundle")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ConfigError, match=rf"{package} is not installed here: .*pip install .*\[notebook\]"):
        silencio.predict(folder, recordings)


def test_read_predictions__is_the_log_of_a_stretch_of_time(tmp_path: Path) -> None:
    from silencio.prediction_log import RecordingFacts, window_records
    from silencio.prediction_log.rows import as_table

    at = datetime(2026, 5, 17, 6, 30, tzinfo=UTC)
    facts = RecordingFacts(
        request_id="one", received_at=at, bundle_name="reserve", bundle_version="1", spec_sha256="0" * 64
    )
    probabilities = np.array([[0.75, 0.25]], np.float32)
    table = as_table(
        window_records(facts, [0.0], 5.0, ["a", "b"], probabilities, probabilities > 0.5, probabilities < 0, {})
    )
    (tmp_path / f"date={at:%Y-%m-%d}").mkdir()
    pq.write_table(table, tmp_path / f"date={at:%Y-%m-%d}" / "063000-x.parquet")
    hour = timedelta(hours=1)
    read = silencio.read_predictions(str(tmp_path), at - hour, at + hour, ["request_id", "top_codes"])
    assert read["request_id"].tolist() == ["one"]
    assert read["top_codes"][0].tolist() == ["a", "b"]
    assert len(silencio.read_predictions(str(tmp_path), at + hour, at + 2 * hour)) == 0
    with pytest.raises(DataError):
        silencio.read_predictions(str(tmp_path), at.replace(tzinfo=None), at + hour)
