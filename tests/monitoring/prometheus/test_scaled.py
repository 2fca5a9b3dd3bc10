"""Rules, scrapes and routing in another time."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from monitoring.prometheus.scaled import FILES, MONITORING, main, scaled, seconds, write_scaled, written
from silencio.errors import ConfigError

SOURCES = [path for pattern in FILES for path in sorted(MONITORING.glob(pattern))]
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not at hand: make extras")


def test_scale__of_one_is_the_committed_file_byte_for_byte(tmp_path: Path) -> None:
    made = write_scaled(tmp_path, 1)
    assert len(made) == len(SOURCES) > 6
    for source in SOURCES:
        assert (tmp_path / source.relative_to(MONITORING)).read_bytes() == source.read_bytes()


def test_scale__divides_every_duration_and_nothing_else() -> None:
    text = """
scrape_interval: 60s
interval: 2m
group_wait: 30s
repeat_interval: 12h
  - record: a:b:rate30m
    expr: sum(rate(x{le="5m"}[1h])) > 14.4 * 0.005 and max_over_time(y[2h:30m] offset 1d) > 26 * 3600
    for: 1h30m
    summary: within 5m
"""
    assert (
        scaled(text, 60, 0.5)
        == """
scrape_interval: 1s
interval: 2s
group_wait: 500ms
repeat_interval: 720s
  - record: a:b:rate30m
    expr: sum(rate(x{le="5m"}[60s])) > 14.4 * 0.005 and max_over_time(y[120s:30s] offset 1440s) > 0.433333333333 * 3600
    for: 90s
    summary: within 5m
"""
    )


def test_scale__stops_at_what_samples_can_tell() -> None:
    text = "scrape_interval: 15s\nexpr: rate(x[5m]) > y[1d:1m] offset 1m\nfor: 5m\ngroup_wait: 30s\n"
    assert scaled(text, 2160, 2.0) == (
        "scrape_interval: 2s\nexpr: rate(x[8s]) > y[40s:2s] offset 28ms\nfor: 2s\ngroup_wait: 2s\n"
    )


def test_scale__leaves_no_duration_of_the_rules_behind() -> None:
    """At a scale at which nothing stays as it was, by another way of finding durations than the renderer's."""
    for source in SOURCES:
        text = scaled(source.read_text(encoding="utf-8"), 7, 0.001)
        assert yaml.safe_load(text) is not None
        for line in text.splitlines():
            bare = re.sub(r'"[^"]*"|[\w:]+:\w*increase\w+|[\w:]+:\w*rate\w+|window: \w+|within \w+', "", line)
            if not line.strip().startswith(("#", "summary", "description", "runbook_url", "text", "title")):
                assert not re.search(r"\b\d+[mhd]\b", bare), line


def test_floor__of_requests_is_another_where_users_are_few() -> None:
    """Of every share and of nothing else: reviews, windows that wait and temperatures have limits of their own."""
    for source in SOURCES:
        before = source.read_text(encoding="utf-8")
        after = scaled(before, 1, min_requests=7)
        changed = [(a, b) for a, b in zip(before.splitlines(), after.splitlines(), strict=True) if a != b]
        n_floors = {"serving.yml": 4, "objectives.yml": 6}.get(source.name, 0)
        assert len(changed) == n_floors
        for old, new in changed:
            assert "increase" in old and new == old.replace("> 50", "> 7")


def test_hours__of_opening_follow_the_scale() -> None:
    """A day that passes in a minute is open for half of it, by the same expression."""
    rules = yaml.safe_load(scaled((MONITORING / "prometheus/rules/serving.yml").read_text(encoding="utf-8"), 1440))
    (rule,) = (
        rule for group in rules["groups"] for rule in group["rules"] if rule.get("record") == "silencio:is_open:bool"
    )
    python = rule["expr"].replace("vector(time())", "now").replace("bool ", "").replace("\n", " ")

    def is_open(now: float) -> bool:
        return bool(eval(python, {"now": now}))

    # Eleven hours of event time are 27.5 seconds, eighteen in Colombia are 23 of UTC: 57.5 seconds.
    assert [is_open(one) for one in (27.4, 27.6, 57.4, 57.6, 60 + 27.6)] == [False, True, True, False, True]


@needs_promtool
def test_rules__in_another_time_are_what_prometheus_takes(tmp_path: Path) -> None:
    made = write_scaled(tmp_path, 2160)
    rules = [path for path in made if path.parent.name == "rules"]
    done = subprocess.run(["promtool", "check", "rules", *rules], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("scale", "interval_s"), [(0.5, 1), (0, 1), (float("nan"), 1), (2, 0), (2, float("nan"))])
def test_scale__that_cannot_be_is_one_sentence(scale: float, interval_s: float) -> None:
    with pytest.raises(ConfigError, match="give"):
        scaled("", scale, interval_s)


def test_command__writes_the_files_or_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--time_scale", "720", "--out", str(tmp_path)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(SOURCES)
    assert main(["--time_scale", "0", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(("text", "value_s"), [("90s", 90), ("1h30m", 5400), ("250ms", 0.25), ("3d", 259200)])
def test_duration__is_read(text: str, value_s: float) -> None:
    assert seconds(text) == value_s
    assert seconds(written(value_s)) == value_s


def test_duration__that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="'5 minutes' is no duration"):
        seconds("5 minutes")
