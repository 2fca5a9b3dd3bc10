from __future__ import annotations

import pytest

from monitoring.pages.expressions import series_name, substituted

SIZES = {"step_s": 360.0, "scrape_s": 15.0, "range_s": 86400.0}


def test_substituted__rate_interval_is_the_step_and_a_scrape_or_four_scrapes() -> None:
    assert substituted("rate(a[$__rate_interval])", {}, **SIZES) == "rate(a[375s])"
    assert substituted("rate(a[${__rate_interval}])", {}, step_s=1, scrape_s=15, range_s=60) == "rate(a[60s])"
    # Of a story in fast motion: no scrape interval is cut to zero seconds.
    assert substituted("rate(a[$__rate_interval])", {}, step_s=0.2, scrape_s=0.1, range_s=9) == "rate(a[400ms])"


def test_substituted__variables_by_their_longest_name() -> None:
    variables = {"arm": ".*", "arm_id": "b"}
    assert substituted('a{x=~"$arm",y="$arm_id",z=~"${arm:regex}"}', variables, **SIZES) == 'a{x=~".*",y="b",z=~".*"}'
    assert substituted("a[$__range] / $__range_s", {}, **SIZES) == "a[86400s] / 86400"


def test_substituted__a_regular_expressions_end_and_an_unknown_variable_stay() -> None:
    assert substituted('a{x=~"b$"} > $no', {}, **SIZES) == 'a{x=~"b$"} > $no'


@pytest.mark.parametrize(
    ("legend", "labels", "name"),
    [
        ("{{arm}} p95", {"arm": "a"}, "a p95"),
        ("{{ arm }} {{status}}", {"arm": "a"}, "a"),
        ("{{gone}}", {}, "all"),
        ("", {"__name__": "up", "b": "1", "a": "2"}, "a=2, b=1"),
        ("", {"__name__": "up"}, "up"),
        ("", {}, "value"),
    ],
)
def test_series_name__template_or_labels(legend: str, labels: dict[str, str], name: str) -> None:
    assert series_name(legend, labels) == name
