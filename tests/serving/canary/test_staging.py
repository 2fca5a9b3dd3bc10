"""What is found out of a challenger before any visitor, against two servers that answer as a test wants it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.canary.clock import SystemClock, iso
from serving.canary.simulated import Endpoints
from serving.canary.staging import HttpStaging
from serving.simulate.recordings import Recording, recordings_of
from silencio.bundle.manifest import PARITY, read_manifest
from silencio.bundle.parity import Parity
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.errors import ReleaseError
from silencio.network import free_ports
from silencio.release.policy import ReleasePolicy
from silencio.release.record import BundleIdentity, ReleaseRecord
from tests.serving.answering import WELL, Answering, answering

REFUSED = (400, {"error": "body: is no recording"}, {})


class Arms:
    """Two arms, and staging of the challenger by both."""

    def __init__(self, champion: Answering, challenger: Answering) -> None:
        self.champion, self.challenger = champion, challenger

    def staging(self, tmp_path: Path, recordings: list[Recording] | None = None, url: str = "") -> HttpStaging:
        return HttpStaging(
            endpoints=lambda: Endpoints(champion=self.champion.url, challenger=url or self.challenger.url),
            recordings=recordings_of(None)[:3] if recordings is None else recordings,
            folder=lambda release: tmp_path / release,
            clock=SystemClock(),
            load_users=(1, 2),
        )


@pytest.fixture
def arms() -> Iterator[Arms]:
    with answering() as champion, answering() as challenger:
        yield Arms(champion, challenger)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_placeholder_bundle(tmp_path_factory.mktemp("bundle"))


def _record(place: Path | str = "", **policy: Any) -> ReleaseRecord:
    shipped = ReleasePolicy.shipped().model_dump(mode="json") | {"min_simulated_requests": 8}
    identity = BundleIdentity(version="1", manifest_sha256="a" * 64, place=str(place))
    return ReleaseRecord(
        release_id="r1",
        champion=identity,
        challenger=identity,
        policy=shipped | policy,
        began_at=iso(SystemClock().now_s()),
    )


def _parity_answers(bundle: Path, shift: float = 0.0) -> list[tuple[int, Any, dict[str, str]]]:
    """What a server of this bundle answers to its clips, each probability so much higher."""
    parity = Parity.load(bundle / PARITY)
    found = []
    for clip in parity.clips:
        windows = [
            {"species": [{"code": c, "probability": float(p) + shift} for c, p in zip(parity.codes, row, strict=True)]}
            for row in clip.probabilities
        ]
        found.append((200, {"predictions": [{"windows": windows}]}, {}))
    return found


def test_parity__passes_by_the_bundles_own_numbers_of_every_class(arms: Arms, bundle: Path, tmp_path: Path) -> None:
    arms.challenger.answers = _parity_answers(bundle)
    assert arms.staging(tmp_path).parity(_record(bundle))
    assert arms.challenger.bodies == [clip.encoded for clip in Parity.load(bundle / PARITY).clips]
    assert all("top_k=all" in path for path in arms.challenger.paths)
    assert arms.champion.bodies == [], "the challenger is looked at, and not what serves"


@pytest.mark.parametrize(("times", "passes"), [(0.5, True), (4.0, False), (-4.0, False)])
def test_parity__is_as_close_as_the_bundle_tolerates(
    arms: Arms, bundle: Path, tmp_path: Path, times: float, passes: bool
) -> None:
    shift = times * read_manifest(bundle).tolerances.cpu
    arms.challenger.answers = _parity_answers(bundle, shift)
    assert arms.staging(tmp_path).parity(_record(bundle)) == passes


def test_parity__an_answer_with_fewer_windows_or_species_is_another_ones(
    arms: Arms, bundle: Path, tmp_path: Path
) -> None:
    for spoil in (lambda windows: windows.pop(), lambda windows: windows[0]["species"].pop()):
        answers = copy.deepcopy(_parity_answers(bundle))
        spoil(answers[0][1]["predictions"][0]["windows"])
        arms.challenger.answers = answers
        assert not arms.staging(tmp_path).parity(_record(bundle))
        arms.challenger.answers = []


def test_parity__a_challenger_that_does_not_answer_is_no_verdict_on_its_bundle(
    arms: Arms, bundle: Path, tmp_path: Path
) -> None:
    arms.challenger.answers = [(500, {"error": "internal error"}, {})]
    with pytest.raises(ReleaseError, match="answers a parity clip by 500"):
        arms.staging(tmp_path).parity(_record(bundle))
    nobody = f"http://127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(ReleaseError, match="does not answer"):
        arms.staging(tmp_path, url=nobody).parity(_record(bundle))


def test_parity__of_a_bundle_that_is_served_from_elsewhere_is_its_servers_own(arms: Arms, tmp_path: Path) -> None:
    assert arms.staging(tmp_path).parity(_record("s3://bundles/13"))
    assert arms.challenger.bodies == []


def _takes_recordings(arm: Answering) -> None:
    """The first clip is answered, the four that are no recordings are refused, and what follows is answered."""
    arm.answers = [arm.default, *[REFUSED] * 4]


def test_run__users_of_both_arms_are_the_evidence_of_simulated_ones(arms: Arms, tmp_path: Path) -> None:
    _takes_recordings(arms.challenger)
    staged = arms.staging(tmp_path).run(_record())
    assert staged.reasons == ()
    (interval,) = staged.intervals
    assert (interval.simulated, interval.share, interval.step) == (True, 0.5, 0)
    for counts in (interval.champion, interval.challenger):
        assert (counts.requests, counts.units, counts.failed_units, counts.client_errors) == (4, 4, 0, 0)
    # Both got what the other got: load of one and two users, two requests each, and the simulated ones.
    n_load, n_integration = 2 * (1 + 2), 5
    assert len(arms.champion.bodies) == n_load + 4
    assert len(arms.challenger.bodies) == n_integration + n_load + 4
    assert {one["x-silencio-simulated"] for one in arms.champion.headers + arms.challenger.headers} == {"1"}


def test_run__a_challenger_that_does_not_answer_a_clip_is_refused_before_any_load(arms: Arms, tmp_path: Path) -> None:
    arms.challenger.answers = [(500, {"error": "internal error"}, {})]
    staged = arms.staging(tmp_path).run(_record())
    assert len(staged.reasons) == 1 and "does not answer a clip" in staged.reasons[0]
    assert len(arms.challenger.bodies) == 1 and arms.champion.bodies == []


@pytest.mark.parametrize("wrong", [(500, {"error": "internal error"}, {}), (200, WELL, {})])
def test_run__a_challenger_that_takes_what_is_no_recording_is_refused(
    arms: Arms, tmp_path: Path, wrong: tuple[int, Any, dict[str, str]]
) -> None:
    arms.challenger.answers = [arms.challenger.default, REFUSED, wrong, REFUSED, REFUSED]
    staged = arms.staging(tmp_path).run(_record())
    assert len(staged.reasons) == 1 and staged.reasons[0].startswith("what is no recording: ")


def test_run__a_challenger_that_fails_under_load_is_refused_where_the_champion_does_not(
    arms: Arms, tmp_path: Path
) -> None:
    _takes_recordings(arms.challenger)
    arms.challenger.default = (503, {"error": "busy"}, {"Retry-After": "1"})
    staging = replace(arms.staging(tmp_path), load_users=(6,))
    staged = staging.run(_record())
    assert len(staged.reasons) == 1
    assert "with 6 users at once 12 of 12 requests failed, of the champion's 0 of 12" in staged.reasons[0]


def test_run__a_load_that_both_do_not_take_says_nothing_of_the_challenger(arms: Arms, tmp_path: Path) -> None:
    _takes_recordings(arms.challenger)
    arms.challenger.default = arms.champion.default = (503, {"error": "busy"}, {"Retry-After": "1"})
    staged = replace(arms.staging(tmp_path), load_users=(6,)).run(_record())
    assert staged.reasons == ()
    assert staged.intervals[0].challenger.failed_units == staged.intervals[0].champion.failed_units == 4


def test_run__needs_a_recording_that_can_be_played(arms: Arms, tmp_path: Path) -> None:
    broken = tmp_path / "broken.ogg"
    broken.write_bytes(b"no sound")
    with pytest.raises(ReleaseError, match="none of the recordings"):
        arms.staging(tmp_path, list(recordings_of(tmp_path))).run(_record())


def test_run__keeps_the_slow_bound_that_visitors_gave_and_else_takes_the_champions(arms: Arms, tmp_path: Path) -> None:
    for frozen, n_requests in ((0.25, 8), (None, 40)):
        _takes_recordings(arms.challenger)
        record = _record(min_simulated_requests=n_requests).model_copy(update={"slow_bound_s": frozen})
        staged = arms.staging(tmp_path).run(record)
        assert staged.slow_bound_s == frozen if frozen else staged.slow_bound_s is not None
    assert np.isfinite(staged.slow_bound_s)  # type: ignore[arg-type]
