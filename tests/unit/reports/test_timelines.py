"""Timelines of soundscapes."""

from __future__ import annotations

import re
from typing import Any

from silencio.reports.timelines import key, lanes, timeline
from tests.unit.reports.conftest import CLASSES, made_soundscape


def _bars(html: str) -> list[tuple[str, str, str]]:
    """Look, place and words of each bar."""
    return re.findall(r'<span class="((?:call|named) \w+)" style="([^"]+)" title="([^"]+)"', html)


def test_lanes__what_was_there_first_then_what_was_not() -> None:
    assert [(lane.code, len(lane.calls), len(lane.detections)) for lane in lanes(made_soundscape())] == [
        ("grekis", 1, 2),
        ("41970", 1, 0),
        ("1139490", 0, 1),
    ]


def test_timeline__a_name_is_right_where_it_overlaps_a_call_of_its_species() -> None:
    looks = [(look, words) for look, _, words in _bars(timeline(made_soundscape(), CLASSES))]
    assert looks == [
        ("call found", "annotated 3.0 to 8.0 s, 12 dB over the background, named"),
        ("named right", "named 5.0 to 10.0 s with 80\u202f%, rightly"),
        ("named wrong", "named 40.0 to 45.0 s with 50\u202f%, wrongly"),
        ("call missed", "annotated 20.0 to 24.0 s, 12 dB over the background, missed"),
        ("named wrong", "named 0.0 to 5.0 s with 60\u202f%, wrongly"),
    ]


def test_timeline__a_name_that_only_touches_a_call_is_wrong() -> None:
    soundscape: dict[str, Any] = made_soundscape()
    soundscape["detections"] = [{"code": "grekis", "begin_s": 8.0, "end_s": 10.0, "probability": 0.8}]
    looks = [look for look, _, _ in _bars(timeline(soundscape, CLASSES))]
    assert looks == ["call missed", "named wrong", "call missed"]


def test_timeline__bars_stand_at_their_time() -> None:
    places = [place for _, place, _ in _bars(timeline(made_soundscape(), CLASSES))]
    assert places[0] == "left:5.00%;width:8.33%"
    assert places[2] == "left:66.67%;width:8.33%"


def test_timeline__a_bar_ends_where_the_soundscape_ends() -> None:
    soundscape = {**made_soundscape(), "duration_s": 42.0}
    left, width = re.findall(r"[\d.]+", _bars(timeline(soundscape, CLASSES))[2][1])
    assert float(left) + float(width) <= 100.01


def test_timeline__says_how_it_went() -> None:
    html = timeline(made_soundscape(), CLASSES)
    assert "1 of 2\u202fcalls named, 1\u202fspecies named that is not annotated" in html
    assert "over made noise" in html
    assert "over a real recording" in timeline({**made_soundscape(), "background": "H42_2024"}, CLASSES)


def test_timeline__many_wrong_names_are_counted_and_not_all_drawn() -> None:
    wrong = [{"code": f"x{n}", "begin_s": 0.0, "end_s": 5.0, "probability": n / 100} for n in range(9)]
    html = timeline({**made_soundscape(), "annotations": [], "detections": wrong}, CLASSES)
    assert re.findall(r'class="name" title="(\w+)"', html) == ["x8", "x7", "x6", "x5", "x4"]
    assert "and 4 more species" in html


def test_timeline__a_species_outside_the_list_keeps_its_code() -> None:
    soundscape: dict[str, Any] = made_soundscape()
    soundscape["annotations"] = [{"code": "unknown7", "begin_s": 1.0, "end_s": 2.0, "snr_db": None}]
    assert 'title="unknown7"' in timeline(soundscape, CLASSES)


def test_key__names_every_look() -> None:
    assert set(re.findall(r'class="((?:call|named) \w+)"', key())) == {
        "call found",
        "call missed",
        "named right",
        "named wrong",
    }
