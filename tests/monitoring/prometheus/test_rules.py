"""Rules against what they are about: causes of drift, states of releases, statuses, metrics that there are."""

from __future__ import annotations

import re
from typing import get_args

from delivery.checks.monitoring import exported_metrics
from serving.metrics.model import DECODE_FAILURES
from silencio.drift.document import Cause
from silencio.release.record import ENDED, State
from tests.monitoring.names import alerts, all_queries, metrics_in, rules


def test_drift__has_an_alert_for_each_cause() -> None:
    found = {
        cause: name for name, (one, *_) in alerts().items() for cause in re.findall(r'cause="(\w+)"', str(one["expr"]))
    }
    assert found == {
        cause: "SilencioDrift" + "".join(word.title() for word in cause.split("_")) for cause in get_args(Cause)
    }


def test_drift__calls_nobody_at_night_but_for_precision() -> None:
    critical = {name for name, (one, *_) in alerts().items() if one["labels"]["severity"] == "critical"}
    of_drift = {name for name in alerts() if re.search("Drift|Precision", name)}
    assert critical & of_drift == {"SilencioExpectedPrecisionLow", "SilencioReviewPrecisionLow"}


def test_releases__of_which_there_are_alerts_are_in_states_that_there_are() -> None:
    named = {
        state
        for (one, *_) in alerts().values()
        for text in re.findall(r'state=~?"([\w|]+)"', str(one["expr"]))
        for state in text.split("|")
    }
    assert named <= set(get_args(State))
    # Whoever has not ended is held, or grows old.
    assert set(get_args(State)) - ENDED <= named


def test_decoders__end_by_kinds_that_there_are() -> None:
    ((rule,),) = (one for name, one in alerts().items() if name == "SilencioDecoderFails")
    (kinds,) = re.findall(r'kind=~"([\w|]+)"', rule["expr"])
    assert set(kinds.split("|")) <= set(DECODE_FAILURES)


def test_budgets__burn_in_two_windows_each_with_a_floor_of_requests() -> None:
    windows = {"1h": ("5m", 14.4), "6h": ("30m", 6.0), "3d": ("6h", 1.0)}
    for name, budget in (("SilencioAvailabilityBudgetBurn", 0.005), ("SilencioLatencyBudgetBurn", 0.05)):
        found = {rule["labels"]["window"]: rule for rule in alerts()[name]}
        assert list(found) == list(windows)
        for window, rule in found.items():
            short, factor = windows[window]
            parts = rule["expr"].split(" and ")
            assert [part.partition("increase")[2].split()[0] for part in parts] == [window, short, window]
            limits = re.findall(r"> ([\d.]+) \* ([\d.]+)", rule["expr"])
            assert [(float(a), float(b)) for a, b in limits] == 2 * [(factor, budget)]
            assert parts[2].endswith(" > 50")


def test_names__of_our_metrics_are_those_that_servers_have() -> None:
    """Without a Prometheus; with one test_scraped.py holds those of others, too."""
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    known = exported_metrics() | recorded
    for place, expr in all_queries().items():
        ours = {name for name in metrics_in(expr) if "silencio_" in name or ":" in name}
        assert ours <= known, place


def test_names__are_found_in_queries() -> None:
    expr = (
        'sum by (le, arm) (rate(a_total{b="c{d}",e=~"f"}[5m] offset 1h)) / on (g) group_left (h) '
        'a:b:rate5m > bool 1 and absent(i{j="k"}) unless topk(3, l_bucket) or vector(time())'
    )
    assert metrics_in(expr) == {"a_total", "a:b:rate5m", "i", "l_bucket"}
