"""A release of an InferenceService as its owner types it, from offer to end, in both modes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.serving.canary import small_bundles
from tests.serving.canary.kserve.command_line import CommandLine, command_line, kill
from tests.serving.canary.kserve.controllers import SERVICES
from tests.serving.canary.kserve.stage import CHALLENGER, CHAMPION, MODES, Mode, Stage
from tests.waiting import until


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles")
    small_bundles.champion(folder / "champion")
    small_bundles.retrained(folder / "challenger")
    return folder


@pytest.fixture
def terminal(staged: Callable[[Mode], Stage], bundles: Path, tmp_path: Path) -> Iterator[Callable[[Mode], CommandLine]]:
    with ExitStack() as stack:
        yield lambda mode: stack.enter_context(command_line(staged(mode), bundles, tmp_path))


def _place(terminal: CommandLine) -> str:
    (container, _) = terminal.stage.predictor["containers"]
    return str(container["env"][0]["value"])


def _promoted(terminal: CommandLine) -> None:
    started = terminal.start()
    assert started.returncode == 0, started.stderr
    assert terminal.record.release_id in started.stdout
    assert _place(terminal) == CHAMPION.place, "start offers nothing yet"
    done = terminal.run("auto", "--until-held")
    assert done.returncode == 0, done.stdout + done.stderr
    record = terminal.record
    assert (record.state, record.outstanding) == ("promoted", ())
    shares = [event.share_percent for event in record.history if event.state == "step"]
    assert shares == [5, 10, 25, 50, 100]
    assert _place(terminal) == CHALLENGER.place
    predictor, spec = terminal.stage.predictor, terminal.stage.service["spec"]
    assert "canaryTrafficPercent" not in predictor and not spec.get("canary"), "the object is as without a release"


def _rolled_back(terminal: CommandLine) -> None:
    terminal.prometheus.failing = {"challenger": 0.05, "champion": 0.002}
    assert terminal.start().returncode == 0
    done = terminal.run("auto", "--until-held")
    assert done.returncode == 4, done.stdout + done.stderr
    record = terminal.record
    assert (record.state, record.rule, record.outstanding) == ("rolled_back", "errors", ())
    assert {event.share_percent for event in record.history if event.state == "step"} == {5}
    assert (terminal.share_percent, _place(terminal)) == (0.0, CHAMPION.place)
    shown = terminal.run("status", "--watch")
    assert shown.returncode == 4 and "errors" in shown.stdout
    assert '"state":"rolled_back"' in terminal.run("status", "--json").stdout


def _at_25_percent(terminal: CommandLine, *words: str) -> subprocess.Popen[str]:
    """A judge who waits there: nobody comes any more."""
    terminal.prometheus.empty_from_percent = 25.0
    assert terminal.start().returncode == 0
    judge = terminal.begin("auto", *words or ("--until-held",))
    terminal.reaches(25.0)
    return judge


@pytest.mark.survival
def test_release__of_an_equal_bundle_is_promoted_share_by_share(terminal: Callable[[Mode], CommandLine]) -> None:
    _promoted(terminal("Standard"))


@pytest.mark.survival
def test_release__of_an_equal_bundle_is_promoted_in_knative_mode(terminal: Callable[[Mode], CommandLine]) -> None:
    _promoted(terminal("Knative"))


@pytest.mark.survival
@pytest.mark.parametrize("mode", MODES)
def test_release__of_a_failing_bundle_is_rolled_back_in_its_first_step(
    mode: Mode, terminal: Callable[[Mode], CommandLine]
) -> None:
    _rolled_back(terminal(mode))


@pytest.mark.survival
@pytest.mark.parametrize("mode", MODES)
def test_auto__is_held_by_a_foreign_edit_until_somebody_takes_it_back(
    mode: Mode, terminal: Callable[[Mode], CommandLine]
) -> None:
    owner = terminal(mode)
    judge = _at_25_percent(owner)
    with owner.stage.api.lock:
        owner.stage.edit({"spec": {"predictor": {"serviceAccountName": "somebody"}}})
    assert judge.wait() == 3
    assert owner.record.state == "held" and "somebody else" in owner.record.why
    with owner.stage.api.lock:
        owner.stage.settle()  # whose pods are made anew, which KServe leaves out of the route meanwhile
    assert owner.share_percent == 25.0, "visitors stay where they are"
    assert owner.run("status").returncode == 3
    back = owner.run("rollback", "--reason", "who was that?", "--by", "ben")
    assert back.returncode == 0, back.stderr
    owner.run("auto")
    assert (owner.record.state, owner.record.outstanding, owner.share_percent) == ("rolled_back", (), 0.0)
    assert owner.record.history[-1].by == "ben" and _place(owner) == CHAMPION.place


@pytest.mark.survival
@pytest.mark.parametrize("mode", MODES)
def test_rollback_now__needs_neither_prometheus_nor_a_judge(
    mode: Mode, terminal: Callable[[Mode], CommandLine]
) -> None:
    owner = terminal(mode)
    judge = _at_25_percent(owner)
    owner.prometheus.is_silent = True
    kill(judge)  # and its Lease is not over
    back = owner.run("rollback", "--now", "--reason", "phones cry")
    assert back.returncode == 0, back.stderr
    assert owner.share_percent == 0.0
    assert "everybody to the champion" in back.stdout and "left for the judge" in back.stdout
    owner.let_the_lease_end()
    assert owner.run("auto").returncode == 4
    assert "phones cry" in owner.record.why and _place(owner) == CHAMPION.place


@pytest.mark.survival
@pytest.mark.parametrize("mode", MODES)
def test_auto__killed_between_intention_and_patch_is_succeeded(
    mode: Mode, terminal: Callable[[Mode], CommandLine]
) -> None:
    owner = terminal(mode)
    judge = _at_25_percent(owner)
    owner.stage.api.fail("patch", SERVICES, "hang")
    owner.prometheus.empty_from_percent = 200.0
    until(lambda: owner.stage.api.faults[-1].times == 0, lambda: owner.record)
    kill(judge)
    assert owner.record.intention is not None and owner.record.intention.share_percent == 50.0
    assert owner.share_percent == 25.0
    at_once = owner.run("auto")
    assert at_once.returncode == 1 and "another judge is at work" in at_once.stderr
    owner.let_the_lease_end()
    assert owner.run("auto").returncode == 0
    shares = [event.share_percent for event in owner.record.history if event.state == "step"]
    assert (owner.record.state, shares) == ("promoted", [5, 10, 25, 50, 100])
    assert _place(owner) == CHALLENGER.place


@pytest.mark.survival
@pytest.mark.parametrize("mode", MODES)
def test_auto__of_two_one_judges_and_the_other_waits_to_succeed_it(
    mode: Mode, terminal: Callable[[Mode], CommandLine]
) -> None:
    owner = terminal(mode)
    first = _at_25_percent(owner, "--forever", "--holder", "first")
    refused = owner.run("auto", "--holder", "second")
    assert refused.returncode == 1 and "first" in refused.stderr
    second = owner.begin("auto", "--forever", "--holder", "second")
    assert second.stdout is not None
    until(lambda: "another judge is at work" in second.stdout.readline())
    kill(first)
    owner.let_the_lease_end()
    owner.prometheus.empty_from_percent = 200.0
    until(lambda: owner.record.state == "promoted" and not owner.record.outstanding, lambda: owner.record)
    assert second.poll() is None, "it stays for the next release"


@pytest.mark.survival
@pytest.mark.parametrize("mode", MODES)
def test_auto__outlives_an_api_server_that_is_away(mode: Mode, terminal: Callable[[Mode], CommandLine]) -> None:
    owner = terminal(mode)
    judge = _at_25_percent(owner)
    for resource in (SERVICES, "configmaps", "pods"):
        owner.stage.api.fail("get", resource, 503, times=3)
        owner.stage.api.fail("get", resource, "cut before", times=3)
    until(lambda: not any(one.times for one in owner.stage.api.faults if one.resource == "configmaps"))
    assert judge.poll() is None, judge.communicate()[0]
    owner.prometheus.empty_from_percent = 200.0
    assert judge.wait() == 0
    assert owner.record.state == "promoted"
