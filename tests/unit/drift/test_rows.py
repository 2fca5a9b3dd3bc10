"""Rows of the table of causes on signals that are given: what each takes, and what it leaves to the next ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np

from silencio.drift.attribution import Versions, causes_of
from silencio.drift.comparison import DayComparison
from silencio.drift.document import Action, Cause, CauseFound, SignalChange, SiteVerdict
from silencio.drift.outputs import MixChange
from silencio.drift.policy import DriftPolicy

POLICY = DriftPolicy.shipped()
DAY = date(2026, 5, 20)
DEVICES = ("a", "b", "c", "d", "e")


def change(signal: str, device: str | None, effect: float, threshold: float = 3.0, alarm: bool = True) -> SignalChange:
    return SignalChange(
        signal=signal,
        device_id=device,
        day_part="all",
        n_recordings=100,
        n_reference=1000,
        reference=0.0,
        current=effect,
        effect=effect,
        unit="db",
        threshold=threshold,
        p=0.001,
        q=0.01,
        alarm=alarm,
    )


def found(
    signals: Sequence[SignalChange],
    *,
    explained: float = 1.0,
    history: Mapping[date, SiteVerdict] | None = None,
    devices: tuple[str, ...] = DEVICES,
    parts: Sequence[float] = (1, 1, 1, 1),
) -> tuple[CauseFound, ...]:
    comparison = DayComparison(
        signals=tuple(signals),
        devices=devices,
        apart=frozenset(),
        small=(),
        without_reference=(),
        silent=(),
        part_effects={(one.device_id or "", one.signal): np.sign(one.effect) * np.array(parts) for one in signals},
        mix=MixChange(explained, explained, (("new", 0.1, 0.4),), (("old", 0.5, 0.2),)),
        categories={},
    )
    return causes_of(comparison, Versions("1", {"1": 1.0}), POLICY, DAY, history or {})


def days_before(cause: Cause, n_days: int, action: Action = "none") -> dict[date, SiteVerdict]:
    days = [DAY - timedelta(days=back) for back in range(1, n_days + 1)]
    one = CauseFound(
        cause=cause, certainty="likely", since=days[-1], n_days_of_four=min(4, n_days), alert=False, action=action
    )
    return {day: SiteVerdict(site_id="s", outcome="changed", message="", causes=(one,)) for day in days}


def names(causes: Sequence[CauseFound]) -> list[str]:
    return [one.cause for one in causes]


def noise(devices: str, alarming: str = "a") -> list[SignalChange]:
    return [change("floor_db", name, 4.0 if name in alarming else 2.0, alarm=name in alarming) for name in devices]


def test_weather__is_noise_at_60_percent_of_the_devices() -> None:
    (cause,) = found(noise("abc"))
    assert (cause.cause, cause.devices) == ("weather_and_noise", ("a", "b", "c"))
    assert names(found(noise("ab"))) == ["unexplained"]
    assert names(found([change("snr_db", name, -4.0) for name in DEVICES])) == ["weather_and_noise"]
    assert names(found([change("snr_db", name, 4.0, alarm=False) for name in DEVICES])) == []


def test_weather__that_lasts_for_more_than_a_week_is_the_seasons() -> None:
    assert names(found(noise("abcde"), history=days_before("weather_and_noise", 6))) == ["weather_and_noise"]
    (cause,) = found(noise("abcde"), history=days_before("weather_and_noise", 7))
    assert (cause.cause, cause.action) == ("season_or_species_mix", "none")
    longer = days_before("weather_and_noise", 3) | days_before("season_or_species_mix", 2)
    assert names(found(noise("abcde"), history=longer)) == ["weather_and_noise"]
    (again,) = found(noise("abcde"), history=days_before("season_or_species_mix", 7))
    assert again.cause == "season_or_species_mix"
    # A season of species has an action, and hides no weather.
    assert names(found(noise("abcde"), history=days_before("season_or_species_mix", 7, "review"))) == [
        "weather_and_noise"
    ]


def test_microphone__needs_the_quiet_tenth_and_the_parts_of_the_day() -> None:
    lost = [change(name, "a", -6.0) for name in ("level_db", "level_db_against_peers")]
    quiet = [change(name, "a", -6.0) for name in ("floor_db", "floor_db_against_peers")]
    assert names(found([*lost, *quiet])) == ["microphone_or_site"]
    assert names(found(lost)) == ["unexplained"]
    assert names(found([*lost, *quiet], parts=(1, 1, -1, -1))) == ["unexplained"]


def test_microphone__that_does_not_follow_its_peers_stands_out() -> None:
    others = noise("bcde", "bcde")
    stays = [change("floor_db", "a", 0.0, alarm=False), change("floor_db_against_peers", "a", -4.0)]
    causes = found([*others, *stays])
    assert [(one.cause, one.devices) for one in causes] == [
        ("microphone_or_site", ("a",)),
        ("weather_and_noise", ("b", "c", "d", "e")),
    ]


def test_device__whose_peers_moved_is_neither_changed_nor_unexplained() -> None:
    assert found([change("floor_db_against_peers", "a", -3.5), change("floor_db", "a", -1.0, alarm=False)]) == ()


def test_season__needs_a_prior_that_explains_the_mix() -> None:
    mix = change("species_mix_jsd", None, 0.1, 0.05)
    (cause,) = found([mix])
    assert (cause.cause, cause.action) == ("season_or_species_mix", "review")
    assert names(found([mix], explained=0.5)) == ["unexplained"]
    assert names(found([mix, *noise("abcde")])) == ["weather_and_noise"]
    before = days_before("season_or_species_mix", 3, "review")
    assert names(found([mix, *noise("abcde")], history=before)) == ["weather_and_noise", "season_or_species_mix"]


def test_season__is_a_band_that_moves_at_most_devices() -> None:
    insects = [change("floor_band_6_db", name, 7.0, alarm=name == "a") for name in "abcd"]
    (cause,) = found([*insects, change("floor_db", "a", 0.8, alarm=False)])
    assert (cause.cause, cause.action) == ("season_or_species_mix", "none")


def test_decay__needs_a_mix_that_is_unmoved_or_explained() -> None:
    score = change("score_given_species", None, -0.1, 0.04)
    mix = change("species_mix_jsd", None, 0.1, 0.05)
    assert names(found([score])) == ["model_decay"]
    assert names(found([score, mix])) == ["season_or_species_mix", "model_decay"]
    assert names(found([score, mix], explained=0.3)) == ["unexplained"]
    assert names(found([score, *noise("abcde")])) == ["weather_and_noise"]


def test_unexplained__is_suspected_however_long() -> None:
    (cause,) = found([change("flatness", "a", 0.2, 0.1)], history=days_before("unexplained", 9))
    assert (cause.cause, cause.certainty, cause.devices, cause.alert) == ("unexplained", "suspected", ("a",), True)
    assert cause.since == DAY - timedelta(days=9)
