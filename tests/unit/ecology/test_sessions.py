"""Sessions: failed requests are requests, short ones are no walks, and species count once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from silencio.ecology import Review, Session, session_numbers, sessions_of
from tests.unit.ecology.made_log import AT, failed, observed, recording


def _walk(session_id: str, *species: str) -> list[dict[str, object]]:
    return recording(list(species), session_id=session_id, duration_s=60)


def _session(number: int, *species: str, sound_s: float = 60.0) -> Session:
    return Session(f"{number}", "mirador", "1", AT, 2, 1, sound_s, dict.fromkeys(species, 5.0))


def test_sessions__count_every_request_and_distinct_accepted_species() -> None:
    first = recording(["a"], ["a"], [], ["b"], session_id="s", request_id="r")
    later = recording(["a"], ["c"], at=AT + timedelta(minutes=1), session_id="s", duration_s=50)
    reviews = {("r-0", 3, "b"): Review("absent"), ("r-0", 3, "d"): Review("present")}
    (one,) = sessions_of(observed(first, later, failed(session_id="s"), recording(["z"]), reviews=reviews))
    assert (one.n_requests, one.n_failed, one.sound_s) == (3, 1, 70)
    # Seconds of the session's sound after which each was there: the second recording begins after 20.
    assert one.species == {"a": 5, "d": 20, "c": 30}


def test_sessions__one_whose_every_request_failed_is_one() -> None:
    (one,) = sessions_of(observed(failed(session_id="s"), failed(session_id="s")))
    assert (one.n_requests, one.n_failed, one.sound_s, one.is_walk) == (2, 2, 0, False)


def test_sessions__a_retried_recording_adds_a_request_and_no_minute() -> None:
    sound = {"session_id": "s", "waveform_sha256": "sound", "duration_s": 60}
    (one,) = sessions_of(observed(recording(["a"], **sound), recording(["a"], **sound)))
    assert (one.n_requests, one.sound_s) == (2, 60)


def test_numbers__are_those_of_the_forerunners_example() -> None:
    # 22 species in ten sessions: 2.2, as the forerunners have it; the mean of a session is another number.
    species = [f"s{i}" for i in range(22)]
    sessions = [_session(i, *species[2 * i : 2 * i + 5]) for i in range(10)]
    numbers = session_numbers(sessions)
    assert numbers.n_species == 22
    assert numbers.spotting_rate_pooled.value == pytest.approx(2.2)
    assert numbers.species_per_session.value == pytest.approx(sum(len(one.species) for one in sessions) / 10)
    assert numbers.species_in_10_sessions.value == pytest.approx(22)


def test_numbers__the_pooled_rate_falls_as_sessions_grow_and_the_rarefied_does_not() -> None:
    few = session_numbers([_session(i, "a", "b") for i in range(10)])
    many = session_numbers([_session(i, "a", "b") for i in range(100)])
    assert (few.spotting_rate_pooled.value, many.spotting_rate_pooled.value) == (0.2, 0.02)
    assert few.species_in_10_sessions.value == pytest.approx(2) == many.species_in_10_sessions.value


def test_numbers__species_are_of_walks_and_requests_of_all_sessions() -> None:
    numbers = session_numbers([_session(0, "a"), _session(1, "b", "c", sound_s=59.9), _session(2, sound_s=0)])
    assert (numbers.n_sessions, numbers.n_walks, numbers.n_species) == (3, 1, 1)
    assert numbers.species_per_session.value == 1
    assert numbers.requests_per_session.value == 2
    assert (numbers.n_requests, numbers.n_failed) == (6, 3)


def test_numbers__of_no_sessions_nothing_is_claimed() -> None:
    numbers = session_numbers([])
    assert numbers.species_per_session.value is None
    assert numbers.spotting_rate_pooled.value is None
    assert numbers.species_in_10_sessions.value is None


def test_numbers__of_walks_without_a_species_are_zero() -> None:
    numbers = session_numbers([_session(i) for i in range(12)])
    assert numbers.species_per_session.value == 0
    assert numbers.species_in_10_sessions.value == 0
