"""What a start would do is shown beforehand, and nothing is changed by that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.local.plan import PlannedStep
from pipelines.local.run import RunStopped, plan_local
from silencio.errors import PipelineError
from tests.pipelines import toy_run
from tests.pipelines.local.test_survival import WAIT, Toy, gone

STEPS = ["begin", "count", "weigh", "part", "part", "join"]


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    return Toy(tmp_path, monkeypatch)


def planned(toy: Toy, looking: frozenset[str] = frozenset()) -> dict[str, set[str]]:
    """Steps by what would become of them."""
    arguments = {"text": toy.text, "source": toy.source}
    found = plan_local(toy_run.toy, arguments, "code", toy.out.resolve(), looking, {})
    by_what: dict[str, set[str]] = {}
    for step in found:
        by_what.setdefault(step.what, set()).add(step.step)
    return by_what


def test_plan__before_the_first_start_is_every_step(toy: Toy) -> None:
    assert planned(toy) == {"runs": {"begin", "count", "weigh", "part", "join"}}
    assert not toy.out.exists()
    assert toy.journal == []


def test_plan__of_a_finished_run_is_nothing_where_the_key_of_the_run_is_no_input(toy: Toy) -> None:
    ran = toy.run()
    assert sorted(ran) == sorted(STEPS)
    # `begin` is handed the run's key, which a plan has none of.
    found = planned(toy)
    assert found["runs"] == {"begin"}
    assert found["depends"] == {"count", "weigh", "part", "join"}


def test_plan__changes_nothing(toy: Toy) -> None:
    toy.run()
    files = {path: path.read_bytes() for path in toy.out.rglob("*") if path.is_file()}
    toy.text = "other"
    planned(toy)
    assert {path: path.read_bytes() for path in toy.out.rglob("*") if path.is_file()} == files
    toy.text = "hello"
    assert toy.run() == []


def test_plan__that_is_stopped_promises_nothing_of_a_run(toy: Toy) -> None:
    toy.disturb("begin", f"import os, signal; os.kill({os.getpid()}, signal.SIGTERM); {WAIT}")
    with pytest.raises(RunStopped) as stop:
        planned(toy, looking=frozenset({"begin"}))
    # Not "the same command takes up from there": a plan keeps nothing.
    assert str(stop.value) == "stopped; nothing was changed"
    assert not toy.out.exists()
    assert all(gone(pid) for _, pid in toy.journal)


def test_plan__waits_for_no_run_that_is_at_work(toy: Toy) -> None:
    toy.disturb("join", "import time; time.sleep(3600)")
    process = toy.start()
    toy.wait_for("join", 1)
    with pytest.raises(PipelineError, match="another run"):
        planned(toy)
    process.kill()
    process.communicate()


def test_plan__with_a_step_that_never_ran_says_of_the_others_on_what_they_wait(toy: Toy) -> None:
    toy.run()
    for record in (toy.out / "artifacts" / ".finished").glob("*.json"):
        if '"comp-count"' in record.read_text():
            record.unlink()
    found = planned(toy)
    assert found["runs"] == {"begin", "count"}
    assert {"part", "join"} <= found["depends"]


def test_plan__leaves_what_steps_made_that_run_each_time(toy: Toy) -> None:
    toy.run()
    (folder,) = (path for path in (toy.out / "artifacts").iterdir() if path.name != ".finished")
    mine = folder / "register" / "registration"  # as of a step without caching
    mine.parent.mkdir()
    mine.touch()
    planned(toy)
    assert mine.exists()


def test_planned_step__is_counted_with_those_of_the_same_word() -> None:
    assert PlannedStep("part", "runs", "") == PlannedStep("part", "runs", "")


def test_step_that_ran_again_and_made_the_same__leaves_what_comes_after_it_finished(toy: Toy) -> None:
    for name in ("one.txt", "two.txt"):
        (toy.out.parent / name).write_text("!")
    toy.source = str(toy.out.parent / "one.txt")
    assert sorted(toy.run()) == sorted(STEPS)
    toy.source = str(toy.out.parent / "two.txt")
    assert toy.run() == ["begin"]


def test_plan__names_steps_after_those_that_they_wait_for(toy: Toy) -> None:
    arguments = {"text": toy.text, "source": toy.source}
    steps = [one.step for one in plan_local(toy_run.toy, arguments, "code", toy.out.resolve(), frozenset(), {})]
    assert steps == ["begin", "count", "part", "weigh", "join"]
