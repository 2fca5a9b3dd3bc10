"""What predictions rest on, in a day's verdict and on its page: calls that move, and a bundle that follows."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from monitoring.cli.drift import configure
from monitoring.drift.bundle_facts import KnownBundle
from monitoring.drift.explained import GRID, WindowExplainer
from monitoring.drift.importance import chosen_windows
from monitoring.drift.job import DriftJob
from monitoring.drift.references import WINDOWS, kept_references, parquet_bytes, read_table
from monitoring.drift.run import run_day
from monitoring.drift.sounds import RecordingFolder
from silencio.bundle.manifest import MANIFEST, REFERENCE, read_manifest
from silencio.bundle.placeholder import PLACEHOLDER_CLASSES
from silencio.drift import DriftPolicy
from silencio.drift.document import ImportanceChange
from silencio.storage import sha256_of, upload_folder
from tests.monitoring.drift.made_log import FIRST, day_rows, days_from, write_log
from tests.s3 import running_s3
from tests.unit.explanations.listening_bundle import SPEC, write_listening_bundle

NOW = datetime(2026, 6, 1, 5, tzinfo=UTC)
QUIET, MOVED = FIRST + timedelta(days=8), FIRST + timedelta(days=9)
VERSION = "0-placeholder"
SHIPPED = DriftPolicy.shipped()
FEW = SHIPPED.importance.model_copy(update={"max_windows": 8})
POLICY = SHIPPED.model_copy(update={"n_permutations_of_large_effects": 999, "n_bootstraps": 50, "importance": FEW})


def recordings(folder: Path, hz: float, n: int = 8) -> list[str]:
    """Short calls in noise, each at a moment of its own; their sha256."""
    time_s = np.arange(SPEC.window_samples) / SPEC.sample_rate_hz
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for number in range(n):
        rng = np.random.default_rng([int(hz), number])
        begin_s = 0.2 + 0.15 * number
        call = np.sin(2 * np.pi * hz * time_s) * ((time_s >= begin_s) & (time_s < begin_s + 0.25))
        path = folder / f"{hz:g}-{number}.flac"
        soundfile.write(path, 0.25 * call + 0.0025 * rng.standard_normal(len(time_s)), SPEC.sample_rate_hz)
        found.append(sha256_of(path))
    return found


def rows_of(sha256s: list[str], *tables: pa.Table) -> pa.Table:
    """Rows of these recordings in turn, in each of which grekis is named."""
    rows = pa.concat_tables(tables)
    names = [sha256s[number % len(sha256s)] for number in range(len(rows))]
    place = rows.column_names.index("recording_sha256")
    return rows.set_column(place, rows.schema.field(place), pa.array(names, rows.schema.field(place).type))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory, sound: Path) -> str:
    """Nine days of calls at 1.5 kHz, then one at 6 kHz, on which one recorder is louder."""
    place = str(tmp_path_factory.mktemp("log"))
    options: dict[str, Any] = {"version": VERSION, "top_codes": ["grekis"], "top_probabilities": [0.9]}
    low, high = recordings(sound, 1_500.0), recordings(sound, 6_000.0)
    before = [day_rows(day, **options) for day in days_from(FIRST, 9)]
    write_log(place, rows_of(low, *before), rows_of(high, day_rows(MOVED, louder_db={"am-1": 9.0}, **options)))
    return place


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whose grekis listens at 1.5 and at 6 kHz, so that a call at either drives it; the others where there is none."""
    others = {"eurbla": slice(0, 6), "22973": slice(2, 8), "41970": slice(18, 24), "963335": slice(19, 25)}
    folder = write_listening_bundle(tmp_path_factory.mktemp("bundle"), {"grekis": [13, 14, 15, 28, 29, 30], **others})
    codes = PLACEHOLDER_CLASSES.codes
    named = {f"p_{code}": np.array([float(code == "grekis")], np.float32) for code in codes}
    pq.write_table(pa.table({"primary_label": ["grekis"], **named}), folder / REFERENCE)
    manifest = read_manifest(folder)
    sealed = manifest.model_copy(update={"files": manifest.files | {REFERENCE: sha256_of(folder / REFERENCE)}}).sealed()
    (folder / MANIFEST).write_text(sealed.model_dump_json(indent=2), encoding="utf-8")
    return folder


def job(log: str, place: Path, **options: Any) -> DriftJob:
    return DriftJob(log=log, place=str(place), policy=POLICY, evidently=False, **options)


def looked_at(given: DriftJob, day: Any) -> ImportanceChange:
    found = run_day(given, day, NOW, catch_up=0).document.sites[0].importance
    assert found is not None
    return found


@pytest.fixture(scope="module")
def place(log: str, sound: Path, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The day of the reference's sound, and the one whose calls moved."""
    folder = tmp_path_factory.mktemp("drift")
    given = job(log, folder, bundle=KnownBundle.read(str(bundle)), recordings=RecordingFolder(sound))
    quiet, moved = looked_at(given, QUIET), looked_at(given, MOVED)
    assert not quiet.beyond and quiet.n_windows == FEW.max_windows
    assert moved.beyond and moved.measure == "centroid_octaves"
    # From 1.5 to 6 kHz are two octaves; the band without a call counts for less, and not for nothing.
    assert moved.value is not None and 0.5 < moved.value < 2.0
    return folder


def test_day__whose_calls_moved_has_a_sentence_under_the_microphone(place: Path) -> None:
    page = (place / f"date={MOVED}" / "site=north.html").read_text(encoding="utf-8")
    evidence = page.partition('id="cause-0"')[2].partition("</section>")[0]
    assert "What predictions rest on has moved" in evidence
    quiet = (place / f"date={QUIET}" / "site=north.html").read_text(encoding="utf-8")
    assert "What predictions rest on is where it was" in quiet


def test_page__has_importance_beside_each_spectrogram_before_and_after(place: Path) -> None:
    page = (place / f"date={MOVED}" / "site=north.html").read_text(encoding="utf-8")
    assert page.count("In orange: what grekis rests on") == 2 * 4
    assert page.count("data:image/png") == 2 * 4


def test_report__shows_it_with_a_bundle_and_without_it_does_not(place: Path, sound: Path, bundle: Path) -> None:
    parser = argparse.ArgumentParser()
    configure(parser)
    page = place / f"date={MOVED}" / "site=north.html"
    before = page.read_bytes()
    words = ["report", "--place", str(place), "--day", f"{MOVED}", "--recordings", str(sound)]
    for more, expected in (([], False), (["--bundle", str(bundle)], True)):
        options = parser.parse_args([*words, *more])
        assert options.run(options) == 0
        assert (b"In orange" in page.read_bytes()) == expected
    assert page.read_bytes() == before


@pytest.mark.parametrize(
    ("missing", "why"),
    [("recordings", "--recordings"), ("bundle", "--bundle"), ("sound", "0 windows of the same species")],
)
def test_day__without_sound_or_bundle_gives_the_reason(
    log: str, sound: Path, bundle: Path, tmp_path: Path, missing: str, why: str
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    options: dict[str, Any] = {
        "bundle": None if missing == "bundle" else KnownBundle.read(str(bundle)),
        "recordings": None if missing == "recordings" else RecordingFolder(empty if missing == "sound" else sound),
    }
    found = looked_at(job(log, tmp_path / "drift", **options), MOVED)
    assert found.message.startswith("What predictions rest on was not looked at: ") and why in found.message
    assert found.value is None and not found.beyond
    page = (tmp_path / "drift" / f"date={MOVED}" / "site=north.html").read_text(encoding="utf-8")
    assert why in page


def test_day__before_the_reference_is_complete_gives_the_reason(
    log: str, sound: Path, bundle: Path, tmp_path: Path
) -> None:
    given = job(log, tmp_path, bundle=KnownBundle.read(str(bundle)), recordings=RecordingFolder(sound))
    assert "has no field reference yet" in looked_at(given, FIRST + timedelta(days=4)).message


def test_day__with_a_reference_that_kept_no_species_gives_the_reason(
    log: str, sound: Path, bundle: Path, tmp_path: Path
) -> None:
    run_day(job(log, tmp_path), QUIET, NOW, catch_up=0)
    (kept,) = kept_references(str(tmp_path), "north", QUIET)
    table = Path(f"{kept.uri.removesuffix('.json')}.{WINDOWS}.parquet")
    found = read_table(str(table))
    assert found is not None
    table.write_bytes(parquet_bytes(found.drop_columns(["code"])))
    given = job(log, tmp_path, bundle=KnownBundle.read(str(bundle)), recordings=RecordingFolder(sound))
    assert "silencio drift renew" in looked_at(given, MOVED).message


def test_chosen__are_as_many_before_as_after_and_at_most_as_many_as_allowed() -> None:
    def rows(n: int) -> list[dict[str, Any]]:
        return [{"number": number} for number in range(n)]

    before = {"a": rows(9), "b": rows(20), "c": rows(30), "d": rows(3)}
    after = {"a": rows(9), "b": rows(6), "d": rows(30)}
    found = chosen_windows(before, after, 14)
    assert {code: (len(one), len(other)) for code, (one, other) in found.items()} == {"a": (9, 9), "b": (5, 5)}
    assert found["a"][0] == rows(9)
    assert sum(len(one) for one, _ in chosen_windows(before, after, 5).values()) == 5


def test_explainer__takes_a_bundle_of_s3_and_leaves_silence_out(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = running_s3().use(monkeypatch).new_place()
    upload_folder(bundle, place)
    explainer = WindowExplainer(KnownBundle.read(place))
    noise = np.random.default_rng(0).integers(-900, 900, SPEC.window_samples).astype(np.int16)
    found = explainer.explain(noise, "grekis")
    assert found is not None and found.explanation.importance.shape == GRID.shape
    assert explainer.explain(noise, "no such species") is None
    assert explainer.explain(np.zeros_like(noise)) is None
