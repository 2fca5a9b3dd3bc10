"""Sessions: one visitor's walk, with its requests, minutes and species."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from silencio.ecology.detections import Observations
from silencio.ecology.recordings import Request
from silencio.ecology.richness import Estimate, mean_of, moved, rarefied, resamples

# Shorter ones are a look at the app, not a walk.
MIN_SOUND_S = 60.0
N_SESSIONS_COMPARED = 10


@dataclass(frozen=True)
class Session:
    """All that came under one `session_id`.

    Attributes:
        session_id: As the client named it.
        site_id: Site of its first request.
        bundle_version: Bundle of its first request.
        at: Time of its first request.
        n_requests: Requests, failed ones too.
        n_failed: Requests that failed.
        sound_s: Seconds of sound that were answered, each recording once.
        species: Seconds of sound after which each accepted species was there first.
    """

    session_id: str
    site_id: str
    bundle_version: str
    at: datetime
    n_requests: int
    n_failed: int
    sound_s: float
    species: dict[str, float] = field(default_factory=dict)

    @property
    def is_walk(self) -> bool:
        """Whether it is long enough for its species to be counted."""
        return self.sound_s >= MIN_SOUND_S


@dataclass(frozen=True)
class SessionNumbers:
    """What sessions come to.

    Attributes:
        n_sessions: All sessions, those without an answer too.
        n_walks: Sessions of at least a minute of sound: of these alone species are counted.
        n_species: Distinct accepted species of all walks.
        species_per_session: Mean over walks of distinct accepted species.
        spotting_rate_pooled: Distinct species of all walks together, divided by walks. It falls as walks become more:
            the species of a place are soon all found, and the divisor grows on.
        species_in_10_sessions: Species expected in ten walks.
        requests_per_session: Mean over all sessions.
        minutes_per_session: Mean over all sessions, in minutes of sound.
        n_requests: Requests of all sessions.
        n_failed: Those that failed.
    """

    n_sessions: int
    n_walks: int
    n_species: int
    species_per_session: Estimate
    spotting_rate_pooled: Estimate
    species_in_10_sessions: Estimate
    requests_per_session: Estimate
    minutes_per_session: Estimate
    n_requests: int
    n_failed: int


def sessions_of(observations: Observations) -> list[Session]:
    """Sessions by their first request; requests that name none belong to none.

    Args:
        observations: The period.
    """
    requests: dict[str, list[Request]] = {}
    for request in observations.requests:
        if request.session_id is not None:
            requests.setdefault(request.session_id, []).append(request)
    sound_s: dict[str, float] = {}
    # Second of the session's sound at which each recording begins.
    begins_s: dict[str, float] = {}
    for recording in observations.recordings:
        if recording.session_id is not None:
            begins_s[recording.prediction_id] = sound_s.get(recording.session_id, 0.0)
            sound_s[recording.session_id] = begins_s[recording.prediction_id] + recording.duration_s
    species: dict[str, dict[str, float]] = {}
    for one in observations.accepted:
        if one.recording.session_id is not None:
            first_window_s = min(one.start_s + one.recording.window_s, one.end_s)
            after_s = begins_s[one.recording.prediction_id] + first_window_s
            known = species.setdefault(one.recording.session_id, {})
            known[one.code] = min(known.get(one.code, after_s), after_s)
    return [
        Session(
            session_id,
            of_session[0].site_id,
            of_session[0].bundle_version,
            of_session[0].at,
            len(of_session),
            sum(not one.is_answered for one in of_session),
            sound_s.get(session_id, 0.0),
            species.get(session_id, {}),
        )
        for session_id, of_session in requests.items()
    ]


def session_numbers(sessions: Sequence[Session], n_resamples: int = 1000, seed: int = 0) -> SessionNumbers:
    """Numbers of a group of sessions, with 95 % intervals over sessions.

    The intervals take sessions as independent. Visitors of one guide hear the same birds: then they are too narrow.

    Args:
        sessions: Sessions of one trail, season or bundle.
        n_resamples: Resamples of the bootstrap.
        seed: Seed of its draws.
    """
    walks = [one for one in sessions if one.is_walk]
    present = incidence(walks)
    n_species = present.shape[1]
    return SessionNumbers(
        n_sessions=len(sessions),
        n_walks=len(walks),
        n_species=n_species,
        species_per_session=mean_of(present.sum(axis=1), n_resamples, seed),
        spotting_rate_pooled=_pooled(present, n_resamples, seed),
        species_in_10_sessions=rarefied(present, N_SESSIONS_COMPARED, n_resamples, seed),
        requests_per_session=mean_of(np.array([one.n_requests for one in sessions]), n_resamples, seed),
        minutes_per_session=mean_of(np.array([one.sound_s / 60 for one in sessions]), n_resamples, seed),
        n_requests=sum(one.n_requests for one in sessions),
        n_failed=sum(one.n_failed for one in sessions),
    )


def incidence(sessions: Sequence[Session]) -> NDArray[np.bool_]:
    """Which species each session has, (n_sessions, n_species), species by code."""
    codes = sorted({code for one in sessions for code in one.species})
    return np.array([[code in one.species for code in codes] for one in sessions], bool).reshape(
        len(sessions), len(codes)
    )


def _pooled(present: NDArray[np.bool_], n_resamples: int, seed: int) -> Estimate:
    n_sessions, n_species = present.shape
    if not n_sessions:
        return Estimate(None)
    found = (resamples(n_sessions, n_resamples, seed) @ present.astype(np.float64) > 0).sum(axis=1)
    return moved(n_species / n_sessions, found / n_sessions, n_sessions)
