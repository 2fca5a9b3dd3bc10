"""What staging found of servers: CPU time a window, of which what idle servers take is nobody's."""

from __future__ import annotations

import pytest

from serving.canary.judgement import IdleServers, cpu_between
from silencio.release.evidence import ArmHealth

FIRST = ArmHealth(cpu_s=10.0, n_windows=40)
IDLE = IdleServers("r1", 100.0, FIRST)


def test_cpu_between__is_a_windows_on_each_arm() -> None:
    before = {"champion": FIRST, "challenger": ArmHealth(cpu_s=2.0, n_windows=0)}
    after = {"champion": ArmHealth(cpu_s=14.0, n_windows=240), "challenger": ArmHealth(cpu_s=6.0, n_windows=100)}
    assert cpu_between(before, after) == {"champion": 0.02, "challenger": 0.04}  # type: ignore[arg-type]


def test_cpu_between__equal_servers_are_equal_though_visitors_ask_one_of_them_besides() -> None:
    """Each window takes .01 s, and either arm's servers 2 s in that time, whoever asks."""
    before = dict.fromkeys(("champion", "challenger"), ArmHealth(cpu_s=0.0, n_windows=0))
    after = {"champion": ArmHealth(cpu_s=12.0, n_windows=1_000), "challenger": ArmHealth(cpu_s=4.0, n_windows=200)}
    unfair = cpu_between(before, after)  # type: ignore[arg-type]
    assert unfair["challenger"] / unfair["champion"] > 1.5
    assert cpu_between(before, after, 2.0) == pytest.approx({"champion": 0.01, "challenger": 0.01})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "last", [ArmHealth(), ArmHealth(cpu_s=9.0, n_windows=50), ArmHealth(cpu_s=11.0, n_windows=40)], ids=repr
)
def test_cpu_between__of_servers_that_are_gone_or_started_anew_or_did_nothing_is_unknown(last: ArmHealth) -> None:
    before = dict.fromkeys(("champion", "challenger"), FIRST)
    after = {"champion": ArmHealth(cpu_s=14.0, n_windows=240), "challenger": last}
    assert cpu_between(before, after) == {}  # type: ignore[arg-type]


def test_idle_servers__cpu_share_is_a_second_since_the_first_look() -> None:
    assert IDLE.cpu_share(ArmHealth(cpu_s=12.0, n_windows=40), 140.0) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("now", "at_s"),
    [
        (ArmHealth(cpu_s=12.0, n_windows=41), 140.0),
        (ArmHealth(cpu_s=1.0, n_windows=40), 140.0),
        (ArmHealth(), 140.0),
        (FIRST, 100.0),
    ],
    ids=["asked meanwhile", "started anew", "gone", "no time"],
)
def test_idle_servers__cpu_share_that_is_not_known_is_none(now: ArmHealth, at_s: float) -> None:
    assert IDLE.cpu_share(now, at_s) == 0.0
