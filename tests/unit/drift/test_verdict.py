"""Each cause by its name, two together, and days that cannot be compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import pytest

from benchmarks.drift.reserve import Reserve
from benchmarks.drift.world import Disturbance, World
from silencio.drift import sun
from silencio.drift.document import CauseFound, SiteVerdict
from silencio.drift.label_shift import Confusion
from silencio.drift.policy import DriftPolicy
from silencio.drift.recordings import Recordings
from silencio.drift.reference import as_day, reference_of
from silencio.drift.reviews import ReviewCounts, undisturbed
from silencio.drift.verdict import verdict_of
from tests.unit.drift.made_site import DAY, POLICY, reference, reserve, verdicts


def first_day() -> date:
    return reserve().first + timedelta(days=DAY)


def causes(*disturbances: Disturbance, **options: object) -> dict[str, tuple[str, ...]]:
    (verdict,) = verdicts(disturbances, **options)  # type: ignore[arg-type]
    return {one.cause: one.devices for one in verdict.causes}


def test_verdict__of_an_ordinary_day_is_no_change() -> None:
    (verdict,) = verdicts()
    assert (verdict.outcome, verdict.causes) == ("no_change", ())
    assert verdict.message == "Nothing has changed at 4 devices."
    assert (verdict.n_recordings, verdict.n_devices) == (4 * 144, 4)
    assert abs((verdict.expected_precision or 0) - (verdict.expected_precision_reference or 1)) < 0.03


def test_verdict__of_another_version_is_a_release_and_no_output_is_compared() -> None:
    (verdict,) = verdicts([Disturbance("release", 0.2)])
    (cause,) = verdict.causes
    assert (cause.cause, cause.certainty, cause.action) == ("release", "confirmed", "look")
    assert "1.1 100%; the reference is of 1.0" in cause.evidence[0]
    assert not {"species_mix_jsd", "score_given_species"} & {one.signal for one in verdict.signals}
    assert "level_db" in {one.signal for one in verdict.signals}


def test_verdict__of_another_format_is_the_clients_and_not_a_microphones() -> None:
    assert causes(Disturbance("client", 0.6, (0, 2))) == {"client_or_pipeline": ("device01", "device03")}


@pytest.mark.parametrize(("kind", "size"), [("gain", 7.0), ("gain", -7.0), ("band", 14.0)])
@pytest.mark.parametrize("n_devices", [1, 2, 3, 4])
def test_verdict__of_one_microphone_names_it_and_no_peer(kind: str, size: float, n_devices: int) -> None:
    device = min(1, n_devices - 1)
    found = causes(Disturbance(kind, size, (device,)), n_devices=n_devices)  # type: ignore[arg-type]
    assert found == {"microphone_or_site": (f"device{device + 1:02d}",)}


def test_verdict__of_rain_is_weather_at_all_devices() -> None:
    (verdict,) = verdicts([Disturbance("rain", 9)])
    (cause,) = verdict.causes
    assert (cause.cause, cause.devices, cause.action) == ("weather_and_noise", (), "none")


def test_verdict__of_other_species_is_the_season() -> None:
    codes = reference().blocks.codes
    validation = Confusion(codes, 10.0 * np.eye(len(codes)))
    for confusion, has_share in ((validation, True), (None, False)):
        (verdict,) = verdicts([Disturbance("mix", 5)], confusion=confusion)
        (cause,) = verdict.causes
        assert (cause.cause, cause.certainty, cause.action) == ("season_or_species_mix", "suspected", "review")
        # Without a confusion any prior explains all of it, which is no finding.
        assert any("explains" in text for text in cause.evidence) == has_share


def test_verdict__of_lower_scores_is_suspected_until_people_find_less_right() -> None:
    (suspected,) = verdicts([Disturbance("decay", 0.12)])
    assert [(one.cause, one.certainty, one.action) for one in suspected.causes] == [
        ("model_decay", "suspected", "review")
    ]
    reviews = {(first_day(), "device01"): ReviewCounts(n_right=24, n_wrong=36, expected_precision=0.75)}
    days = verdicts([Disturbance("decay", 0.12)], n_days=3, reviews=reviews)
    assert [(one.certainty, one.action) for day in days for one in day.causes] == [
        ("suspected", "retrain"),
        ("likely", "retrain"),
        ("confirmed", "retrain"),
    ]
    assert days[0].review_precision == 0.4
    (reviewed,) = verdicts(reviews=reviews)
    assert [one.cause for one in reviewed.causes] == ["model_decay"]


def test_reviews__of_rainy_days_are_left_out() -> None:
    """Any model names less right in the rain, and the reviews of two weeks remember it long after."""
    day = first_day()
    before = {(day - timedelta(days=1), "device01"): ReviewCounts(30, 10, 0.75)}
    rainy = {(day + timedelta(days=number), "device01"): ReviewCounts(8, 32, 0.75) for number in range(3)}
    for n_days in (1, 2, 3):
        known = before | dict(list(rainy.items())[:n_days])
        verdict = verdicts([Disturbance("rain", 9)], n_days=n_days, reviews=known)[-1]
        assert [one.cause for one in verdict.causes] == ["weather_and_noise"], n_days
        assert (verdict.n_reviews, verdict.review_precision) == (40, 0.75)
    assert [one.cause for one in verdicts(reviews=before | rainy)[-1].causes] == ["model_decay"]


def test_reviews__by_a_changed_microphone_are_left_out_and_those_of_its_peers_are_not() -> None:
    wrong = ReviewCounts(12, 48, 0.75)
    changed = Disturbance("gain", -9, (1,))
    for device, expected in (("device02", ["microphone_or_site"]), ("device03", ["microphone_or_site", "model_decay"])):
        (verdict,) = verdicts([changed], reviews={(first_day(), device): wrong})
        assert [one.cause for one in verdict.causes] == expected


def test_reviews__under_a_new_key_count_and_those_in_a_new_format_do_not() -> None:
    wrong = {(first_day(), "device02"): ReviewCounts(12, 48, 0.75)}
    for others, n in (((), 60), (("device02",), 0)):
        one = CauseFound(
            cause="client_or_pipeline",
            certainty="confirmed",
            since=first_day(),
            n_days_of_four=1,
            alert=False,
            devices=("device02",),
            devices_of_other_sound=others,
        )
        assert sum(found.n for found in undisturbed(wrong, {first_day(): [one]}).values()) == n


def test_reviews__of_the_newest_days_find_a_large_loss_that_two_weeks_hide() -> None:
    days = [first_day() - timedelta(days=ago) for ago in range(14)]
    reviews = {(one, "device01"): ReviewCounts(30, 10, 0.75) for one in days}
    assert verdicts(reviews=reviews)[0].causes == ()
    broken = reviews | {(one, "device01"): ReviewCounts(4, 36, 0.75) for one in days[:1]}
    (verdict,) = verdicts(reviews=broken)
    assert [one.cause for one in verdict.causes] == ["model_decay"]
    # Of the newest days that have fifty together: one of forty is too few, and takes the one before along.
    (change,) = [one for one in verdict.signals if one.signal == "review_precision"]
    assert (change.n_recordings, change.current) == (80, 34 / 80)


def test_verdict__of_other_names_that_people_find_wrong_is_the_model_and_no_season() -> None:
    mix = [Disturbance("mix", 5)]
    assert [one.cause for one in verdicts(mix)[0].causes] == ["season_or_species_mix"]
    reviews = {(first_day(), "device01"): ReviewCounts(12, 48, 0.75)}
    (verdict,) = verdicts(mix, reviews=reviews)
    assert [one.cause for one in verdict.causes] == ["model_decay"]


def test_verdict__of_a_microphone_and_rain_has_both() -> None:
    found = causes(Disturbance("gain", 9, (1,)), Disturbance("rain", 9))
    assert found["microphone_or_site"] == ("device02",)
    assert "weather_and_noise" in found


def test_verdict__alerts_on_the_third_of_four_days_since_the_first() -> None:
    days = verdicts([Disturbance("gain", 7, (1,))], n_days=3)
    found = [one for day in days for one in day.causes if one.cause == "microphone_or_site"]
    assert [(one.n_days_of_four, one.alert) for one in found] == [(1, False), (2, False), (3, True)]
    assert {one.since for one in found} == {reserve().first + timedelta(days=DAY)}
    assert [one.certainty for one in found] == ["suspected", "likely", "confirmed"]


def _next(number: int, history: Mapping[date, SiteVerdict], *disturbances: Disturbance) -> SiteVerdict:
    made = reserve()
    return verdict_of(
        made.recordings([number], disturbances),
        day=made.first + timedelta(days=number),
        reference=reference(),
        policy=POLICY,
        history=history,
    )


def test_since__is_known_by_the_day_before_however_few_days_are_at_hand() -> None:
    """A history of four weeks: an incident of five must not begin anew each day, nor its actions."""
    (first,) = verdicts([Disturbance("gain", 7, (1,))])
    long_ago = first_day() - timedelta(days=40)
    before = first.model_copy(
        update={"causes": tuple(one.model_copy(update={"since": long_ago}) for one in first.causes)}
    )
    (cause,) = _next(DAY + 1, {first_day(): before}, Disturbance("gain", 7, (1,))).causes
    assert cause.since == long_ago


def test_since__goes_over_a_days_gap_while_an_alert_is_due() -> None:
    gain = Disturbance("gain", 7, (1,))
    days = dict(zip((first_day() + timedelta(days=n) for n in range(3)), verdicts([gain], n_days=3), strict=True))
    days[first_day() + timedelta(days=3)] = _next(DAY + 3, days)
    assert days[first_day() + timedelta(days=3)].causes == ()
    (cause,) = _next(DAY + 4, days, gain).causes
    assert (cause.alert, cause.since, cause.certainty) == (True, first_day(), "suspected")
    # Without an alert it is another beginning.
    (alone,) = _next(DAY + 4, {day: one for day, one in days.items() if day in (first_day(), max(days))}, gain).causes
    assert (alone.alert, alone.since) == (False, first_day() + timedelta(days=4))


def test_expected_precision__has_no_reference_of_another_version() -> None:
    """Another bundle's probabilities have another mean: a loss of nothing would call somebody at night."""
    (same,), (other,) = verdicts(), verdicts([Disturbance("release", 0.2)])
    assert same.expected_precision_reference is not None
    assert (other.expected_precision_reference, other.expected_precision is None) == (None, False)


def test_verdict__of_two_parts_of_the_day_and_a_week_finds_a_large_change() -> None:
    """Permutations alone have no p below 1 in 64 there."""
    made, day = reserve(), reserve().first + timedelta(days=DAY)

    def by_day(number: Sequence[int], *disturbances: Disturbance) -> Recordings:
        one = made.recordings(number, disturbances)
        return one.of((one.part == sun.DAY) | (one.part == sun.NIGHT))

    frozen = reference_of(by_day(range(8)), POLICY)
    assert frozen is not None
    assert len(frozen.days) == 7
    for disturbances, expected in (((), []), ([Disturbance("gain", 9, (1,))], ["microphone_or_site"])):
        verdict = verdict_of(by_day([DAY], *disturbances), day=day, reference=frozen, policy=POLICY)
        assert [one.cause for one in verdict.causes] == expected


def _by_turns(days: Sequence[int], *disturbances: Disturbance) -> Recordings:
    """Three recorders of even days, three of odd ones, as those who share batteries have them."""
    one = reserve(6).recordings(days, disturbances)
    return one.of((one.device < 3) == ((one.day - as_day(reserve(6).first)) % 2 == 0))


def _late(days: Sequence[int], *disturbances: Disturbance) -> Recordings:
    """Three recorders that were there, three that came after two weeks."""
    one = reserve(6).recordings(days, disturbances)
    return one.of((one.device < 3) | (one.day - as_day(reserve(6).first) >= 14))


@pytest.mark.parametrize("recorded", [_by_turns, _late])
def test_verdict__of_recorders_that_do_not_share_their_days_finds_what_one_of_shared_days_does(
    recorded: Callable[..., Recordings],
) -> None:
    """Arrangements over days that a device does not have would lack parts of its day, and find nothing."""
    made = reserve(6)
    frozen = reference_of(recorded(range(28)), POLICY)
    assert frozen is not None
    assert len(frozen.devices) == 6
    for disturbances, expected in (
        ((), {}),
        ([Disturbance("gain", 7, (1,))], {"microphone_or_site": ("device02",)}),
        ([Disturbance("mix", 5)], {"season_or_species_mix": ()}),
        ([Disturbance("decay", 0.15)], {"model_decay": ()}),
    ):
        day = made.first + timedelta(days=28)
        verdict = verdict_of(recorded([28], *disturbances), day=day, reference=frozen, policy=POLICY)
        assert {one.cause: one.devices for one in verdict.causes} == expected


@pytest.mark.parametrize("minutes_between", [30, 60])
def test_verdict__of_a_minute_an_hour_is_of_whole_days(minutes_between: int) -> None:
    """A usual schedule of batteries that last: no part of the day has twenty recordings."""
    made = Reserve(World(n_devices=5, minutes_between=minutes_between), 5)
    frozen = reference_of(made.recordings(range(12)), POLICY)
    assert frozen is not None
    for disturbances, expected in (
        ((), {}),
        ([Disturbance("gain", 9, (1,))], {"microphone_or_site": ("device02",)}),
        ([Disturbance("mix", 8)], {"season_or_species_mix": ()}),
    ):
        day = made.first + timedelta(days=12)
        verdict = verdict_of(made.recordings([12], disturbances), day=day, reference=frozen, policy=POLICY)
        assert {one.cause: one.devices for one in verdict.causes} == expected
    # Rain of twenty-four minutes is not the same at all devices.
    rainy = verdict_of(made.recordings([12], [Disturbance("rain", 8)]), day=day, reference=frozen, policy=POLICY)
    assert "weather_and_noise" in {one.cause for one in rainy.causes}


def test_verdict__of_a_recorder_that_stopped_is_not_held_against_whole_days() -> None:
    verdict = looked_at(lambda one: np.arange(len(one)) % 144 % 6 == 0)
    assert verdict.n_recordings == 96  # type: ignore[attr-defined]
    assert verdict.outcome == "not_enough"  # type: ignore[attr-defined]


def looked_at(keep: object = None, **options: object) -> object:
    recordings = reserve().recordings([DAY])
    if keep is not None:
        recordings = recordings.of(keep(recordings))  # type: ignore[operator]
    known = {"day": reserve().first + timedelta(days=DAY), "reference": reference(), "policy": POLICY}
    return verdict_of(recordings, **{**known, **options})  # type: ignore[arg-type]


def test_verdict__of_nothing_says_so() -> None:
    verdict = looked_at(lambda one: np.zeros(len(one), bool))
    assert verdict.outcome == "not_enough"  # type: ignore[attr-defined]
    assert verdict.message == "Nothing was received of made-up on 2026-03-10."  # type: ignore[attr-defined]


def test_verdict__without_reference_says_what_it_takes() -> None:
    verdict = looked_at(reference=None)
    assert verdict.outcome == "no_reference"  # type: ignore[attr-defined]
    assert "it takes 7 days with 50 recordings" in verdict.message  # type: ignore[attr-defined]


def test_verdict__of_too_few_recordings_is_not_enough() -> None:
    verdict = looked_at(lambda one: np.arange(len(one)) % 10 == 0)
    assert verdict.outcome == "not_enough"  # type: ignore[attr-defined]
    assert "No device has 20 recordings in a part of the day" in verdict.message  # type: ignore[attr-defined]


def test_verdict__names_devices_that_sent_nothing_and_those_without_a_reference() -> None:
    frozen = reference()
    without = frozen.blocks.of(devices=frozen.devices[:3])
    smaller = type(frozen)(frozen.site_id, frozen.bundle_version, frozen.spec_sha256, frozen.middles, without)
    verdict = looked_at(lambda one: one.device != 0, reference=smaller)
    assert "Nothing from device01." in verdict.message  # type: ignore[attr-defined]
    assert "Without a reference: device04." in verdict.message  # type: ignore[attr-defined]


def test_verdict__is_the_same_again() -> None:
    assert looked_at() == looked_at()


def test_verdict__of_clocks_that_jump_is_the_clients() -> None:
    recordings = reserve().recordings([DAY])
    wrong = (recordings.device == 1) & (np.arange(len(recordings)) % 3 == 0)
    object.__setattr__(recordings, "clock_fault", wrong)
    day = reserve().first + timedelta(days=DAY)
    verdict = verdict_of(recordings, day=day, reference=reference(), policy=POLICY)
    assert [(one.cause, one.devices) for one in verdict.causes] == [("client_or_pipeline", ("device02",))]
    assert any("clock_fault_share" in text for text in verdict.causes[0].evidence)


def test_verdict__of_unreadable_requests_is_the_clients() -> None:
    recordings = reserve().recordings([DAY])
    day = recordings.day[0]
    failing = recordings.with_failed(np.full(12, 2), np.full(12, day))
    verdict = verdict_of(failing, day=reserve().first + timedelta(days=DAY), reference=reference(), policy=POLICY)
    assert [(one.cause, one.devices) for one in verdict.causes] == [("client_or_pipeline", ("device03",))]


def test_policy__of_tests_differs_in_the_number_of_draws_alone() -> None:
    shipped = DriftPolicy.shipped()
    names = ("n_permutations", "n_permutations_of_large_effects", "n_bootstraps")
    assert POLICY.model_copy(update={name: getattr(shipped, name) for name in names}) == shipped
