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
    day: date = DAY,
) -> tuple[CauseFound, ...]:
    comparison = DayComparison(
        signals=tuple(signals),
        devices=devices,
        apart=frozenset(),
        small=(),
        without_reference=(),
        silent=(),
        part_effects={(one.device_id or "", one.signal): np.sign(one.effect) * np.array(parts) for one in signals},
        mix=MixChange(explained, explained, True, (("new", 0.1, 0.4),), (("old", 0.5, 0.2),)),
        categories={},
    )
    return causes_of(comparison, Versions("1", {"1": 1.0}), POLICY, day, history or {})


def days_before(
    cause: Cause, n_days: int, action: Action = "none", every: int = 1, devices: tuple[str, ...] = ()
) -> dict[date, SiteVerdict]:
    days = [DAY - timedelta(days=every * back) for back in range(1, n_days + 1)]
    one = CauseFound(
        cause=cause,
        certainty="likely",
        since=days[-1],
        n_days_of_four=min(4, n_days),
        alert=False,
        devices=devices,
        action=action,
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


def others_alone(days: Sequence[int]) -> dict[date, SiteVerdict]:
    """Days on which the site was compared by other devices, and nothing was found."""
    signals = (change("floor_db", "b", 0.1, alarm=False),)
    quiet = SiteVerdict(site_id="s", outcome="no_change", message="", signals=signals)
    return {DAY - timedelta(days=back): quiet for back in days}


def test_alert__is_of_the_days_that_were_compared() -> None:
    """Whoever records every second day to spare batteries has no three days of four of the calendar."""
    moved = [change("floor_db_against_peers", "a", -9), change("floor_db", "a", -9)]
    before = days_before("microphone_or_site", 2, every=2, devices=("a",))
    for history in (before, before | others_alone((1, 3))):
        (cause,) = found(moved, history=history)
        assert (cause.cause, cause.n_days_of_four, cause.alert) == ("microphone_or_site", 3, True)
        assert (cause.since, cause.certainty) == (DAY - timedelta(days=4), "confirmed")
    # Days on which it recorded and was as it was count against it.
    seen = (change("floor_db", "a", 0.1, alarm=False),)
    quiet = {day: one.model_copy(update={"signals": seen}) for day, one in others_alone((1, 3)).items()}
    (cause,) = found(moved, history=before | quiet)
    assert (cause.n_days_of_four, cause.alert) == (2, False)
    # With more than two weeks between them they are two stories.
    (cause,) = found(moved, history=days_before("microphone_or_site", 2, every=15, devices=("a",)))
    assert (cause.n_days_of_four, cause.since) == (1, DAY)


def test_weather__that_lasts_is_the_seasons_at_a_site_of_every_second_day_too() -> None:
    history = days_before("weather_and_noise", 7, every=2)
    assert names(found(noise("abcde"), history=history)) == ["season_or_species_mix"]


def test_client__with_another_key_hides_nothing_and_with_another_format_does() -> None:
    def arrives_with(signal: str) -> list[SignalChange]:
        return [change(signal, name, 1.0, 0.2) for name in DEVICES]

    rain, season = noise("abcde"), [change("species_mix_jsd", None, 0.1, 0.05)]
    broken = [change("floor_db_against_peers", "a", -9), change("floor_db", "a", -9)]
    score = [change("score_given_species", None, -0.1, 0.04)]
    for others, cause in (
        (rain, "weather_and_noise"),
        (season, "season_or_species_mix"),
        (broken, "microphone_or_site"),
        (score, "model_decay"),
    ):
        for signal in ("client_share", "clock_fault_share", "decode_failure_share"):
            assert names(found([*arrives_with(signal), *others])) == ["client_or_pipeline", cause]
        for signal in ("format_share", "sample_rate_share", "duration_share"):
            assert names(found([*arrives_with(signal), *others])) == ["client_or_pipeline"]


def test_noise__of_one_device_alone_stays_what_it_was_called_once_it_lasted() -> None:
    loud, snr = change("floor_db", "a", 9), change("snr_db", "a", -6)
    history = days_before("weather_and_noise", 7)
    for back in range(30):
        day = DAY + timedelta(days=back)
        comparison_history = {one: verdict for one, verdict in history.items() if one < day}
        (cause,) = found([loud, snr], devices=("a",), history=comparison_history, day=day)
        assert (cause.cause, cause.certainty) == ("microphone_or_site", "suspected" if back == 0 else "likely")
        history[day] = SiteVerdict(site_id="s", outcome="changed", message="", causes=(cause,))


def test_microphone__without_peers_on_its_days_is_likely_at_most() -> None:
    """Of devices that came later than the others nobody knows how their peers were."""
    late = [change("floor_db", "e", -9)]
    others = [change("floor_db_against_peers", name, 0.1, alarm=False) for name in "abcd"]
    (cause,) = found([*late, *others], history=days_before("microphone_or_site", 9, devices=("e",)))
    assert (cause.cause, cause.devices, cause.certainty) == ("microphone_or_site", ("e",), "likely")
