"""Answers to pipes and files, under names and on disks that are not as one would like."""

from __future__ import annotations

import csv
import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from serving.predict.formats import FORMAT_NAMES
from silencio.__main__ import main
from tests.disks import disk_of, files_of_at_most

Make = Callable[..., bytes]
LATIN_1 = os.fsdecode(b"caf\xe9.ogg")
ROOT = str(Path(__file__).parents[3])


@pytest.fixture
def files(tmp_path: Path, recording: Make) -> list[str]:
    names = [LATIN_1, "[dawn] 1.ogg", f"{'n' * 247}.ogg", "plain.ogg"]
    (tmp_path / "in").mkdir()
    for name in names:
        (tmp_path / "in" / name).write_bytes(recording(2.0))
    return [str(tmp_path / "in" / name) for name in names]


@pytest.mark.parametrize("output_format", FORMAT_NAMES)
def test_predict__prints_every_name_as_text(
    output_format: str, files: list[str], bundle_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", *files, "--bundle", str(bundle_directory), "--format", output_format]) == 0
    printed = capsys.readouterr().out
    printed.encode()
    if output_format == "json":
        message = [json.loads(line)["file"] for line in printed.splitlines()]
        assert message == [files[0].replace(LATIN_1, "caf%E9.ogg"), *files[1:]]
    if output_format == "table":
        assert "caf%E9.ogg" in printed
        assert "[dawn] 1.ogg" in printed
    if output_format == "birdclef":
        wanted = [rf"{stem}_5" for stem in ("caf%E9", "[dawn] 1", "n" * 247, "plain")]
        assert [row[0] for row in csv.reader(printed.splitlines())] == ["row_id", *wanted]


@pytest.mark.parametrize("output_format", [name for name in FORMAT_NAMES if name != "table"])
def test_predict__writes_a_file_for_every_name(
    output_format: str, files: list[str], bundle_directory: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out [b]"
    words = ["--bundle", str(bundle_directory), "--format", output_format, "--out", str(out)]
    assert main(["predict", *files, *words]) == 0
    written = sorted(path.name for path in out.iterdir())
    # The long name stands as it is where its suffix has room, and with a digest where not.
    assert [name[:7] for name in written] == ["[dawn] ", "caf%E9.", "nnnnnnn", "plain" + written[3][5:7]]
    assert all(len(os.fsencode(name)) <= 255 for name in written)
    assert ("~" in written[2]) == (output_format not in ("json", "csv"))


def test_predict__a_name_that_the_folder_does_not_take_costs_itself_alone(
    files: list[str],
    bundle_directory: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As a stick's FAT takes no `[`: here the rename fails, whatever this machine's file system takes."""
    replace = Path.replace

    def refusing(self: Path, target: Any) -> Path:
        if "[" in Path(target).name:
            raise OSError(errno.EINVAL, "Invalid argument", str(self))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refusing)
    out = tmp_path / "out"
    words = ["--bundle", str(bundle_directory), "--format", "csv", "--out", str(out)]
    assert main(["predict", files[1], files[3], *words]) == 1
    assert capsys.readouterr().err == f"{files[1]}: {out}/[dawn] 1.csv cannot be written: Invalid argument\n"
    assert [path.name for path in out.iterdir()] == ["plain.csv"]


def test_predict__on_a_full_disk_leaves_whole_files_and_one_sentence(
    files: list[str], bundle_directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--bundle", str(bundle_directory), "--format", "json", "--top-k", "all"]
    with disk_of("4k", tmp_path / "disk") as disk:
        (disk / "full").write_bytes(b"x" * 4096)
        assert main(["predict", files[3], *words, "--out", str(disk)]) == 1
        assert [path.name for path in disk.iterdir()] == ["full"]
    message = capsys.readouterr().err
    assert f"error: no space left on {disk} while writing {disk}/plain.json: " in message
    assert message.count("\n") == 1


def test_predict__on_a_file_system_that_refuses_leaves_nothing_half_written(
    files: list[str], bundle_directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--bundle", str(bundle_directory), "--format", "json", "--out", str(tmp_path / "out")]
    with files_of_at_most(64):
        assert main(["predict", files[3], *words]) == 1
    assert "plain.json grows larger than" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("output_format", ["table", "json", "birdclef"])
def test_predict__whose_reader_went_away_is_quiet(output_format: str, files: list[str], bundle_directory: Path) -> None:
    """The reader takes a line and leaves, and many more come."""
    words = [sys.executable, "-m", "silencio", "predict", *(files[3:] * 40), "--bundle", str(bundle_directory)]
    asking = subprocess.Popen(
        [*words, "--format", output_format],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": ROOT},
        text=True,
    )
    assert asking.stdout
    assert asking.stderr
    asking.stdout.readline()
    asking.stdout.close()
    message = asking.stderr.read()
    assert (asking.wait(), message) == (141, "")
