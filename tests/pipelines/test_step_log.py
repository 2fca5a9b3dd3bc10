import io
from pathlib import Path

from pipelines.step_log import StepLog

FAILED = """\
12:00:00.000 - INFO - Executing task \x1b[96m'validate'\x1b[0m
12:00:00.000 - INFO - Streamed logs:

    Looking for component `validate`
    validate:  50%|#####     | 1/2 [00:01<00:00]
    Traceback (most recent call last):
      File "a.py", line 1, in <module>
        decode()
    ValueError: no sound
      here

12:00:01.000 - ERROR - Task \x1b[96m'validate'\x1b[0m finished with status \x1b[91mFAILURE\x1b[0m
----------
12:00:01.000 - INFO - Executing task \x1b[96m'other'\x1b[0m
"""


def shown(text: str, path: Path) -> tuple[StepLog, str]:
    terminal = io.StringIO()
    log = StepLog(path, terminal)
    with log:
        print(text, end="")
    return log, terminal.getvalue()


def test_failed_step__is_named_with_its_own_traceback(tmp_path: Path) -> None:
    log, _ = shown(FAILED, tmp_path / "run.log")
    assert log.failed_step == "validate"
    assert log.traceback.splitlines()[0] == "Traceback (most recent call last):"
    assert '  File "a.py", line 1, in <module>' in log.traceback.splitlines()
    assert log.reason == "ValueError: no sound"


def test_terminal__shows_steps_and_progress_and_no_noise(tmp_path: Path) -> None:
    _, text = shown(FAILED, tmp_path / "run.log")
    assert "validate" in text and "50%" in text and "other" in text
    assert "Streamed logs" not in text and "Looking for component" not in text and "\x1b" not in text


def test_file__keeps_everything(tmp_path: Path) -> None:
    shown(FAILED, tmp_path / "deep" / "run.log")
    assert (tmp_path / "deep" / "run.log").read_text() == FAILED


def test_progress__written_with_carriage_returns_is_shown_line_by_line(tmp_path: Path) -> None:
    _, text = shown("    train:  10%|#  | 1/9\r    train:  20%|## | 2/9\r\n", tmp_path / "run.log")
    assert len(text.splitlines()) == 2


def test_deeper_indentation__changes_nothing(tmp_path: Path) -> None:
    # kfp.local leaves it behind when steps ran side by side.
    deeper = FAILED.replace("\n    ", "\n            ")
    log, text = shown(deeper, tmp_path / "run.log")
    assert log.reason == "ValueError: no sound"
    assert log.traceback.splitlines()[1].startswith("  File")
    assert "50%" in text
