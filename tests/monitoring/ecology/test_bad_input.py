"""Bad input: one sentence each, and exit code 1."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.monitoring.ecology.made_place import CODES, DAWN, Place, judgement, made_place, run, with_bundle, write_log
from tests.unit.ecology.made_log import recording, table


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return made_place(tmp_path_factory.mktemp("bad"))


def _refused(options: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert run(options) == 1
    told = capsys.readouterr()
    assert told.err.startswith("error: ")
    assert told.err.count("\n") == 1
    return told.err


def test_log__that_is_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = Place(tmp_path, tmp_path / "log")
    place.log.mkdir()
    options = ["month", "--log", str(place.log), "--month", "2026-05", "--out", str(tmp_path / "out")]
    assert "holds no request that came from 2026-05-01 to 2026-07-31" in _refused(options, capsys)
    assert not (tmp_path / "out").exists()


def test_log__that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["month", "--log", str(tmp_path / "log"), "--month", "2026-05", "--out", str(tmp_path / "out")]
    assert "there is no such folder" in _refused(options, capsys)


def test_month__without_data(place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["month", *place.options("--out", tmp_path)]
    options[options.index("2026-05")] = "2026-04"
    told = _refused(options, capsys)
    assert "holds no recording that was made in 2026-04" in told
    assert "35 are of other days" in told


@pytest.mark.parametrize("month", ["2026-13", "may", "2026-5", "0000-01"])
def test_month__that_is_none(place: Place, tmp_path: Path, month: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["month", *place.options("--out", tmp_path)]
    options[options.index("2026-05")] = month
    assert "--month must look like 2026-05" in _refused(options, capsys)


def test_site__that_is_unknown(place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = _refused(["month", *place.options("--site", "miradro", "--out", tmp_path)], capsys)
    assert "no request of 2026-05 is of the site 'miradro'; there are mirador, rio" in told


def test_site__that_the_file_of_places_lacks_is_told_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = made_place(tmp_path)
    write_log(place.log, table(recording([CODES[0]], at=DAWN, site_id="bosque"), recording([], at=DAWN, site_id=None)))
    assert run(["month", *place.options("--out", tmp_path / "out")]) == 0
    told = capsys.readouterr().err
    assert "The file of places does not have the site: bosque; each is counted under its id." in told
    assert "name no site" in told
    assert "bosque" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def test_clock__that_jumped_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = made_place(tmp_path)
    wrong = recording([CODES[0]], at=DAWN, recorded_at=DAWN - timedelta(days=9_000))
    write_log(place.log, table(wrong))
    assert run(["month", *place.options("--out", tmp_path / "out")]) == 0
    assert "Recordings that do not count, since their clock is wrong: 1." in capsys.readouterr().err


def test_occurrences__without_coordinates_or_class_list_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = with_bundle(made_place(tmp_path))
    write_log(
        place.log,
        table(recording(["unlisted", CODES[0]], at=DAWN, site_id="bosque", request_id="r", bundle_version="x")),
    )
    rows = [judgement("r", 0, code, "present") for code in ("unlisted", CODES[0])]
    judgements = place.write("judgements.jsonl", rows)
    shared = ("--bundle", place.bundle, "--dataset", place.root / "dataset.yaml", "--judgements", judgements)
    assert run(["darwin-core", *place.options(*shared, "--out", tmp_path / "a.zip")]) == 0
    told = capsys.readouterr()
    assert "1 of 1 records have no coordinates" in told.err
    assert "1 detections are left out: no class list has unlisted" in told.err
    assert "1 occurrences, 1 of them verified" in told.out


def test_species__that_no_class_list_has(place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_bundle(place)
    options = place.options("--bundle", place.bundle, "--species", "grekiss", "--out", tmp_path)
    assert "no class list has grekiss" in _refused(["detection-history", *options], capsys)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("zone: Bogota", "zone: 'Bogota' is no time zone"),
        ("sites: {a: {latitude: 4}}", "sites.a: latitude and longitude are needed together"),
        ("[]", "must be a YAML mapping, not list"),
        ("{", "is not YAML"),
    ],
)
def test_places__that_cannot_be_used(
    place: Place, tmp_path: Path, text: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "places.yaml"
    path.write_text(text, encoding="utf-8")
    told = _refused(["month", *place.options("--places", path, "--out", tmp_path / "out")], capsys)
    assert sentence in told
    assert str(path) in told


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"verdict": "perhaps"}, "judgement 1: verdict"),
        ({"created_at": "yesterday"}, "created_at must be a time like"),
        ({"created_at": "2026-06-02T10:00:00"}, "created_at must be a time like"),
        ({"created_at": None}, "judgement"),
        ({"reviewer": "ana"}, "no column 'reviewer'"),
    ],
)
def test_judgements__that_cannot_be_read(
    place: Place, tmp_path: Path, changes: dict[str, object], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = place.write("broken.jsonl", judgement("walk1", 0, CODES[4], "present") | changes)
    assert sentence in _refused(["month", *place.options("--judgements", path, "--out", tmp_path)], capsys)


def test_judgements__that_are_no_table(place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "judgements.parquet"
    path.write_text("no", encoding="utf-8")
    told = _refused(["month", *place.options("--judgements", path, "--out", tmp_path)], capsys)
    assert "neither Parquet nor lines of JSON" in told


def test_history__without_a_time_of_recordings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = Place(tmp_path, tmp_path / "log")
    write_log(place.log, table(recording([CODES[0]], at=DAWN, recorded_at=None)))
    options = ["detection-history", "--log", str(place.log), "--month", "2026-05", "--out", str(tmp_path / "out")]
    assert "came with the time at which it was made" in _refused(options, capsys)
