import io
import logging
import re
from pathlib import Path

from pipelines.local.log import StepLog, StepTime


def opened(path: Path, **options: bool) -> tuple[StepLog, io.StringIO]:
    terminal = io.StringIO()
    return StepLog(path, terminal, **options), terminal


def test_terminal__shows_steps_and_progress_and_no_noise(tmp_path: Path) -> None:
    log, terminal = opened(tmp_path / "run.log")
    with log:
        log.began("validate")
        print("12:00 INFO - Streamed logs")
        log.output("Looking for component `validate`")
        log.output("validate:  50%|#####     | 1/2 [00:01<00:00]")
        log.ended("validate", 1.5)
        log.taken_up("split", 2.5, 0.0)
        log.failed("other")
    lines = [re.sub(r"^\[ *\d+\.\d s\]", "[]", line) for line in terminal.getvalue().splitlines()]
    assert lines[:2] == ["[] validate", "            validate:  50%|#####     | 1/2 [00:01<00:00]"]
    assert re.fullmatch(r"\[\] split: taken up, done \d{4}-\d\d-\d\d \d\d:\d\d:\d\d in 2\.5 s", lines[2])
    assert lines[3:] == ["[] other failed"]


def test_bar__ends_where_a_step_says_something_else_in_its_line(tmp_path: Path) -> None:
    log, terminal = opened(tmp_path / "run.log")
    bar = "train raw_cnn:  50%|#####     | 1/2 [00:01<00:00,  1.2s/epoch, loss=0.1]"
    others = ["[KFP Executor 2026-11-29 23:52:46,1 WARNING]: odd", "/a/b.py:3: UserWarning: 50%| of [these]"]
    with log:
        for other in others:
            log.output(f"{bar}{other}")
        log.output(bar)
    assert terminal.getvalue().splitlines() == [f"            {bar}"] * 3
    kept = (tmp_path / "run.log").read_text().splitlines()
    assert kept == [f"    {one}" for one in (bar, others[0], bar, others[1], bar)]


def test_file__keeps_everything(tmp_path: Path) -> None:
    log, _ = opened(tmp_path / "deep" / "run.log")
    with log, log.of_loggers():
        log.began("validate")
        print("of kfp")
        log.output("of the step")
        logging.getLogger("some.library").info("of a logger")
    kept = (tmp_path / "deep" / "run.log").read_text()
    assert all(text in kept for text in ("validate\n", "of kfp\n", "    of the step\n", "INFO of a logger\n"))


def test_loggers__are_what_they_were_afterwards(tmp_path: Path) -> None:
    before = list(logging.getLogger().handlers), logging.getLogger().level
    log, _ = opened(tmp_path / "run.log")
    with log, log.of_loggers():
        pass
    assert (logging.getLogger().handlers, logging.getLogger().level) == before


def test_file__of_a_run_that_is_taken_up_goes_on(tmp_path: Path) -> None:
    for continues, said in ((False, "first"), (True, "second"), (False, "third")):
        log, _ = opened(tmp_path / "run.log", continues=continues)
        with log:
            log.note(said)
        wanted = {"first": "first\n", "second": "first\nsecond\n", "third": "third\n"}[said]
        assert (tmp_path / "run.log").read_text() == wanted


def test_full_disk__does_not_end_the_run_by_its_log() -> None:
    log, terminal = opened(Path("/dev/full"))
    with log:
        log.began("validate")
        print("no place for this")
    assert "validate" in terminal.getvalue()


def test_times__name_what_was_taken_up_and_what_still_runs(tmp_path: Path) -> None:
    log, _ = opened(tmp_path / "run.log")
    with log:
        log.taken_up("ingest", 1.0, 0.0)
        log.began("featurize")
        log.began("featurize")
        log.ended("featurize", 2.0)
    assert log.times == [StepTime("ingest", 1.0, True), StepTime("featurize", 2.0, False)]
    assert log.running == ["featurize"]
