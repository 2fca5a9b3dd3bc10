"""Several processes say what one does; a file that cannot be scored, and a process that dies, cost nothing else."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from silencio.bundle import Bundle, Scorer
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.bundle.scoring_pool import ScoringPool, score_files
from silencio.errors import BundleIntegrityError, StorageError
from silencio.storage import as_local_file, zip_root
from tests.waiting import is_gone, until


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_placeholder_bundle(tmp_path_factory.mktemp("pool") / "bundle")


@pytest.fixture(scope="module")
def scorer(bundle: Path) -> Scorer:
    return Scorer(Bundle(bundle), n_threads=1)


@pytest.fixture
def recordings(tmp_path: Path) -> list[str]:
    """Of many lengths, the first the longest, so that later ones are done before it."""
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{number}.wav" for number in range(7)]
    for number, path in enumerate(paths):
        soundfile.write(path, 0.1 * rng.standard_normal(int(32_000 * (90.0 if number == 0 else 0.3 + number))), 32_000)
    return [str(path) for path in paths]


def test_files__come_in_order_with_the_scorers_numbers(bundle: Path, scorer: Scorer, recordings: list[str]) -> None:
    scored = list(score_files(bundle, recordings, n_processes=2))
    assert [one.uri for one in scored] == recordings
    for one in scored:
        assert one.recording is not None
        np.testing.assert_allclose(one.recording.probabilities, scorer(Path(one.uri)).probabilities, rtol=0, atol=1e-6)
    assert scored[0].duration_s == pytest.approx(90.0)


def test_file_that_is_no_audio__is_named_with_its_reason(bundle: Path, recordings: list[str], tmp_path: Path) -> None:
    (tmp_path / "empty.ogg").touch()
    (tmp_path / "text.ogg").write_text("this is no recording")
    wrong = [str(tmp_path / name) for name in ("empty.ogg", "text.ogg", "gone.ogg")]
    scored = list(score_files(bundle, [recordings[1], *wrong, recordings[2]], n_processes=1))
    assert [one.recording is None for one in scored] == [False, True, True, True, False]
    assert "empty" in scored[1].reason
    assert "not audio" in scored[2].reason
    assert "is missing" in scored[3].reason


def test_process_that_is_killed__loses_no_file(bundle: Path, recordings: list[str]) -> None:
    wanted = recordings * 3
    scored = score_files(bundle, wanted, n_processes=2)
    results = [next(scored)]
    for process in multiprocessing.active_children():
        process.kill()
    results += scored
    assert [one.uri for one in results] == wanted
    assert all(one.recording is not None for one in results)


def test_file_that_kills_its_process__fails_alone(bundle: Path, recordings: list[str], tmp_path: Path) -> None:
    # Who reads a pipe waits; so a process is known to be at that file, and is killed as a decoder's crash would.
    deadly = tmp_path / "deadly.ogg"
    os.mkfifo(deadly)

    def opened() -> int | None:
        try:
            return os.open(deadly, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads it yet
            return None

    def kill_reader() -> None:
        for _ in range(2):  # among others, and alone
            writing = until(opened)
            reading = multiprocessing.active_children()
            for process in reading:
                process.kill()
            os.close(writing)
            until(lambda: all(is_gone(one.pid or 0) for one in reading))  # noqa: B023  # asked in this round

    killing = threading.Thread(target=kill_reader)
    killing.start()
    wanted = [recordings[1], str(deadly), recordings[2], recordings[3]]
    scored = list(score_files(bundle, wanted, n_processes=1))
    killing.join()
    assert [one.uri for one in scored] == wanted
    assert [one.reason for one in scored] == ["", "the process that decoded it crashed (exit code -9)", "", ""]


def test_zip__is_read_member_by_member(bundle: Path, scorer: Scorer, recordings: list[str], tmp_path: Path) -> None:
    archive = tmp_path / "archive.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in recordings[1:4]:
            file.write(path, f"below/{Path(path).name}")
    uris = [f"{zip_root(archive)}/below/{Path(path).name}" for path in recordings[1:4]]
    scored = list(score_files(bundle, [*uris, f"{zip_root(archive)}/gone.wav"], n_processes=1))
    assert "gone.wav is missing" in scored[-1].reason
    for one, path in zip(scored, recordings[1:4], strict=False):
        assert one.recording is not None
        np.testing.assert_array_equal(one.recording.probabilities, scorer(Path(path)).probabilities)


def test_fetched_file__is_whole_while_it_is_needed_and_gone_afterwards(recordings: list[str], tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as file:
        file.write(recordings[1], "a.wav")
    fetched = tmp_path / "fetched"
    fetched.mkdir()
    with as_local_file(f"{zip_root(tmp_path / 'archive.zip')}/a.wav", fetched) as path:
        assert fetched in path.parents
        assert path.read_bytes() == Path(recordings[1]).read_bytes()
    assert not list(fetched.iterdir())
    with as_local_file(recordings[1], fetched) as path:
        assert path == Path(recordings[1])
    assert path.exists()


def test_bundle_that_a_process_cannot_load__ends_it_with_the_reason(
    bundle: Path, recordings: list[str], tmp_path: Path
) -> None:
    # Broken between the look of this process and that of the next one.
    broken = tmp_path / "broken"
    shutil.copytree(bundle, broken)
    with ScoringPool(broken, 1) as pool:
        with (broken / "model.onnx").open("ab") as file:
            file.write(b"more")
        with pytest.raises(BundleIntegrityError, match=r"model\.onnx was changed"):
            pool.score(recordings[1])


def test_processes__end_when_nobody_listens_any_more(bundle: Path, recordings: list[str]) -> None:
    scored = score_files(bundle, recordings, n_processes=2)
    next(scored)
    scored.close()
    assert not multiprocessing.active_children()


def test_changed_bundle__is_refused_before_a_process_starts(tmp_path: Path) -> None:
    broken = write_placeholder_bundle(tmp_path / "broken")
    with (broken / "model.onnx").open("ab") as file:
        file.write(b"more")
    with pytest.raises(BundleIntegrityError, match=r"model\.onnx was changed"):
        next(score_files(broken, ["a.ogg"], n_processes=1))


def test_place_that_does_not_answer__ends_it(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILENCIO_S3_ENDPOINT", "127.0.0.1:9")
    monkeypatch.setenv("SILENCIO_S3_SECURE", "false")
    with pytest.raises(StorageError, match="no usable answer"):
        list(score_files(bundle, ["s3://bucket/a.ogg", "s3://bucket/b.ogg"], n_processes=1))
