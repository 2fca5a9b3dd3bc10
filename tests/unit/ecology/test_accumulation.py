"""Minutes to species: the expectation over draws of recordings, with what sessions reached beside it."""

from __future__ import annotations

import itertools
from datetime import timedelta

import numpy as np
import pytest

from silencio.ecology import Accumulation, Benchmark, Observations, accumulation, sessions_of
from tests.unit.ecology.made_log import AT, observed, recording

TWO_IN_TWO = Benchmark(2, 2.0)


def _observed(*species: str, session_id: str | None = None) -> Observations:
    """Recordings of a minute, an hour apart; each letter is a species."""
    return observed(
        *(
            recording(list(one), at=AT + timedelta(hours=i), duration_s=60, session_id=session_id)
            for i, one in enumerate(species)
        )
    )


def _curve(observations: Observations, benchmark: Benchmark = TWO_IN_TWO) -> Accumulation:
    return accumulation(observations.recordings, observations.accepted, sessions_of(observations), benchmark)


def test_accumulation__after_so_many_minutes_is_the_mean_over_every_choice_of_recordings() -> None:
    species = ["ab", "a", "c", "", "bd"]
    found = _curve(_observed(*species))
    pairs = list(itertools.combinations(species, 2))
    expected = sum(len(set("".join(one))) for one in pairs) / len(pairs)
    assert found.species_in_minutes.value == pytest.approx(expected)
    assert found.minutes[-1] == 5
    assert found.species[-1] == pytest.approx(4)
    assert found.species[0] == 0


def test_accumulation__minutes_to_species_invert_the_curve() -> None:
    found = _curve(_observed("a", "b", "c", "d"), Benchmark(3, 2.0))
    assert found.minutes_to_species.value == pytest.approx(3, abs=0.02)


def test_accumulation__minutes_to_species_hold_where_the_benchmark_is_a_small_part_of_what_was_recorded() -> None:
    """A recorder's month: the curve bends within its first thousandth."""
    species = ["abcdefgh"[i % 8] for i in range(3000)]
    observations = _observed(*species)
    draws = np.arange(1, 60)
    # Of eight species that are equally frequent, nearly as with replacement.
    expected = float(np.interp(6.0, 8 * (1 - (7 / 8) ** draws), draws))
    found = _curve(observations, Benchmark(6, 10.0))
    assert found.minutes_to_species.value == pytest.approx(expected, abs=0.3)


def test_accumulation__what_was_not_reached_or_not_recorded_has_no_value() -> None:
    found = _curve(_observed("a", "b"), Benchmark(3, 30.0))
    assert found.minutes_to_species.value is None
    assert found.species_in_minutes.value is None


def test_accumulation__a_recording_counts_a_species_once() -> None:
    rows = recording(["a"], [], ["a"], [], ["b"], duration_s=60)
    assert _curve(observed(rows)).species[-1] == pytest.approx(2)


def test_accumulation__bands_hold_the_curve_and_need_five_blocks() -> None:
    many = observed(
        *(
            recording([*"abcdef"[i % 6 :]], at=AT + timedelta(hours=12 * i), duration_s=60, device_id="d")
            for i in range(40)
        )
    )
    found = _curve(many)
    assert (found.low <= found.species + 1e-9).all()
    assert (found.high >= found.species - 1e-9).all()
    few = _curve(_observed("a", "b", "c"))
    assert np.isnan(few.low).all()
    assert few.minutes_to_species.low is None


def test_accumulation__long_sessions_are_counted_in_their_own_order() -> None:
    # Two minutes of sound: both species are there after 65 s in one, after 125 s, too late, in the other.
    early = _observed("a", "b", session_id="early")
    late = _observed("a", "", "b", session_id="late")
    assert (_curve(early).n_long_sessions, _curve(early).n_sessions_reached) == (1, 1)
    assert (_curve(late).n_long_sessions, _curve(late).n_sessions_reached) == (1, 0)


def test_accumulation__of_nothing_is_empty() -> None:
    found = accumulation([], [], [], Benchmark())
    assert found.n_recordings == 0
    assert found.species_in_minutes.value is None
