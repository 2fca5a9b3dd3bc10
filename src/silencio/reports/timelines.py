"""Timelines of soundscapes: what was there, and below it what the model named, species by species."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from silencio.reports.markup import Markup, join, tag
from silencio.reports.wording import count, n_species, percent, species_name
from silencio.taxonomy import ClassList

_MAX_WRONG = 5


@dataclass(frozen=True)
class Lane:
    """One species in one soundscape: `calls` that were annotated, and `detections`."""

    code: str
    calls: tuple[Mapping[str, Any], ...]
    detections: tuple[Mapping[str, Any], ...]


def lanes(soundscape: Mapping[str, Any]) -> list[Lane]:
    """Species that were there, in the order of their calls, then those that were named and were not there."""
    calls: dict[str, list[Mapping[str, Any]]] = {}
    detections: dict[str, list[Mapping[str, Any]]] = {}
    for call in sorted(soundscape["annotations"], key=lambda one: (one["begin_s"], one["code"])):
        calls.setdefault(call["code"], []).append(call)
    for found in sorted(soundscape["detections"], key=lambda one: (-one["probability"], one["begin_s"], one["code"])):
        detections.setdefault(found["code"], []).append(found)
    codes = [*calls, *(code for code in detections if code not in calls)]
    return [Lane(code, tuple(calls.get(code, ())), tuple(detections.get(code, ()))) for code in codes]


def timeline(soundscape: Mapping[str, Any], classes: ClassList) -> Markup:
    """One soundscape as a strip with a line for each species."""
    everything = lanes(soundscape)
    there = [lane for lane in everything if lane.calls]
    wrong = [lane for lane in everything if not lane.calls]
    duration_s = float(soundscape["duration_s"])
    shown = [_lane(lane, duration_s, classes) for lane in (*there, *wrong[:_MAX_WRONG])]
    left_out = len(wrong) - _MAX_WRONG
    more = tag("p", f"and {left_out} more species that are not annotated", class_="more") if left_out > 0 else None
    background = "made noise" if soundscape.get("background") in ("pink", "brown", "rain") else "a real recording"
    n_found = sum(any(_touch(call, one) for one in lane.detections) for lane in there for call in lane.calls)
    n_calls = sum(len(lane.calls) for lane in there)
    title = (
        f"{soundscape['name']}, over {background}: {n_found} of {count(n_calls, 'call')} named, "
        f"{n_species(len(wrong))} named that {'is' if len(wrong) == 1 else 'are'} not annotated"
    )
    return tag(
        "figure",
        tag("figcaption", title),
        tag("div", *shown, _axis(duration_s), class_="lanes"),
        more,
        class_="timeline",
    )


def _lane(lane: Lane, duration_s: float, classes: ClassList) -> Markup:
    bars = []
    for call in lane.calls:
        is_found = any(_touch(call, one) for one in lane.detections)
        level = "" if call.get("snr_db") is None else f", {call['snr_db']:.0f} dB over the background"
        words = f"annotated {_times(call)}{level}, {'named' if is_found else 'missed'}"
        bars.append(_bar(call, duration_s, "call found" if is_found else "call missed", words))
    for one in lane.detections:
        is_right = any(_touch(call, one) for call in lane.calls)
        words = f"named {_times(one)} with {percent(one['probability'])}, {'rightly' if is_right else 'wrongly'}"
        bars.append(_bar(one, duration_s, "named right" if is_right else "named wrong", words))
    name = species_name(lane.code, classes)
    return join(tag("span", name, class_="name", title=name), tag("span", *bars, class_="time"))


def _bar(event: Mapping[str, Any], duration_s: float, class_: str, words: str) -> Markup:
    left, right = (100 * min(1.0, event[name] / duration_s) for name in ("begin_s", "end_s"))
    place = f"left:{left:.2f}%;width:{max(right - left, 0.5):.2f}%"
    return tag("span", tag("span", words, class_="unseen"), class_=class_, style=place, title=words)


def _axis(duration_s: float) -> Markup:
    step_s = next(step for step in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600) if duration_s / step <= 6 or step == 600)
    ticks = [
        tag(
            "span",
            f"{time_s} s" if time_s == 0 else f"{time_s}",
            style=f"left:{100 * time_s / duration_s:.2f}%",
            class_="end" if time_s > 0.97 * duration_s else None,
        )
        for time_s in range(0, int(duration_s) + 1, step_s)
    ]
    return join(tag("span", class_="name"), tag("span", *ticks, class_="ticks", aria_hidden="true"))


def _touch(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(min(one["end_s"], other["end_s"]) > max(one["begin_s"], other["begin_s"]))


def _times(event: Mapping[str, Any]) -> str:
    return f"{event['begin_s']:.1f} to {event['end_s']:.1f} s"


def key() -> Markup:
    """What the bars mean, by look and not by colour alone."""
    looks: Sequence[tuple[str, str]] = (
        ("call found", "annotated, and named"),
        ("call missed", "annotated, and missed"),
        ("named right", "named rightly"),
        ("named wrong", "named, and not annotated there"),
    )
    return tag("ul", *(tag("li", tag("span", class_=look), words) for look, words in looks), class_="key")
