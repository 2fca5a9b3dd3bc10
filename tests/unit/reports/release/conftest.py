"""Made-up releases: one in the midst of its steps, with all evidence there is, and what a state makes of it."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from silencio.features import FeatureSpec
from silencio.release.evidence import ArmCounts, Interval
from silencio.release.policy import ReleasePolicy
from silencio.release.record import BundleIdentity, Event, ReleaseRecord
from silencio.release.verdict import RuleVerdict
from silencio.reports.release import Licences, Look, ReleaseInputs, WindowSound
from silencio.reports.release.comparison_facts import (
    Flip,
    FlipFacts,
    ReplayFacts,
    SliceDifference,
    SpeciesFacts,
    SpeciesRow,
    WindowFacts,
)
from silencio.reports.release.facts import Link

SPEC = FeatureSpec(sample_rate_hz=16000, window_s=2.0, hop_s=2.0, n_fft=512, hop_length=256, n_mels=32, f_max_hz=8000.0)
BEGAN = "2026-11-30T07:00:00+00:00"


def at(minutes: int) -> str:
    return f"2026-11-30T{7 + minutes // 60:02d}:{minutes % 60:02d}:00+00:00"


def bundle(version: str) -> BundleIdentity:
    return BundleIdentity(version=version, manifest_sha256=version[0] * 64, place=f"bundles/{version}")


def event(minutes: int, state: Any, share_percent: float, why: str = "every rule passed", by: str = "auto") -> Event:
    return Event(at=at(minutes), state=state, share_percent=share_percent, why=why, by=by)


def made_record(**changes: Any) -> ReleaseRecord:
    facts: dict[str, Any] = {
        "release_id": "silencio-13-a1b2",
        "champion": bundle("12"),
        "challenger": bundle("13"),
        "policy": ReleasePolicy.shipped().model_dump(),
        "state": "step",
        "step": 1,
        "share_percent": 5.0,
        "began_at": BEGAN,
        "step_began_at": at(40),
        "why": "Simulated users, replay and shadow traffic passed.",
        "by": "Ana",
        "history": (
            event(0, "staged", 0.0, "Ana offered bundle 13", "Ana"),
            event(10, "dark", 0.0),
            event(40, "step", 5.0, "Simulated users, replay and shadow traffic passed."),
        ),
        "intervals": tuple(asdict(one) for one in intervals()),
    }
    return ReleaseRecord.model_validate(facts | changes)


def intervals() -> list[Interval]:
    simulated = ArmCounts(requests=150, units=15)
    rest = ArmCounts(requests=950, failed_requests=19, units=100, failed_units=2)
    seen = ArmCounts(requests=50, failed_requests=3, units=10, failed_units=1, slow_units=2, rejected_units=1)
    minutes = {"began_s": 2400.0, "ended_s": 4200.0}
    return [
        Interval(step=0, share=0.5, began_s=600, ended_s=900, champion=simulated, challenger=simulated, simulated=True),
        Interval(step=1, share=0.05, champion=rest, challenger=seen, **minutes),
        Interval(step=1, share=0.05, champion=rest, challenger=seen, **minutes),
    ]


def errors(e_value: float | None, **changes: Any) -> RuleVerdict:
    made = RuleVerdict(
        rule="errors",
        outcome="pass",
        message="2 of 20 sessions failed, 4 of 200 of the champion: nothing says that it is worse.",
        n=20,
        champion=0.02,
        challenger=0.1,
        ratio=5.0,
        interval=(0.4, float("inf")),
        e_value=e_value,
        threshold=400.0,
        smallest_visible="a failure rate 6.2 times the champion's",
    )
    return replace(made, **changes)


def looks() -> list[Look]:
    silent = RuleVerdict(rule="slow", outcome="no_data", message="The champion's p95 is not known yet.")
    return [Look(at=at(41 + number), verdicts=[errors(2.0**number), silent]) for number in range(5)]


def a_replay() -> ReplayFacts:
    slices = (
        SliceDifference(name="all", n=80, better=8, worse=4, difference=0.05, upper=0.15, outcome="pass"),
        SliceDifference(
            name="taxon class Amphibia", n=40, better=1, worse=13, difference=-0.3, upper=-0.1, outcome="fail"
        ),
        SliceDifference(name="night", n=3, difference=None, upper=None),
    )
    return ReplayFacts(
        n=80,
        champion_right=0.5,
        challenger_right=0.55,
        level=0.998,
        interval=(-0.03, 0.12),
        slices=slices,
        left_out={"the champion learned from it": 7},
    )


def some_species() -> SpeciesFacts:
    common = {"champion_per_day": 37.0, "challenger_per_day": 19.0}
    thresholds = {"champion_threshold": 0.25, "challenger_threshold": 0.4}
    rows = (
        SpeciesRow(
            code="grekis", name="Great Kiskadee", listed="both", both=9, only_champion=3, **common, **thresholds
        ),
        SpeciesRow(code="newfrog", name="A new frog", listed="new", challenger_per_day=4.5, challenger_threshold=0.5),
        SpeciesRow(code="41970", name="Jaguar", listed="gone", must_keep=True, champion_per_day=0.5),
    )
    return SpeciesFacts(n=80, per_day_of="Of the prediction log of the last 7 days.", rows=rows)


def a_window(number: int) -> WindowFacts:
    return WindowFacts(
        recording=f"dawn-{number}.ogg",
        begin_s=4.0,
        end_s=6.0,
        code="grekis",
        name="Great Kiskadee",
        champion_probability=0.9,
        challenger_probability=0.1,
        champion_detected=("Great Kiskadee",),
        challenger_detected=(),
    )


@pytest.fixture(scope="session")
def inputs() -> ReleaseInputs:
    """For reading; `dataclasses.replace` makes another."""
    noise = np.random.default_rng(0).integers(-3000, 3000, SPEC.window_samples).astype(np.int16)
    return ReleaseInputs(
        record=made_record(),
        looks=looks(),
        written_at=at(75),
        replay=a_replay(),
        flips=FlipFacts(
            n=80,
            negative=4,
            positive=8,
            churn_floor=0.06,
            examples=(Flip(recording="grekis/1.ogg", label="grekis", challenger="41970"),),
        ),
        species=some_species(),
        windows=[a_window(number) for number in range(12)],
        sounds={("dawn-0.ogg", 4.0): WindowSound(waveform=noise, spec=SPEC)},
        licences=Licences(champion="commercial use not excluded", challenger="non-commercial use only"),
        not_seen={"shadow traffic": "The transformer was started without --shadow."},
        links=[Link(name="In MLflow", address="http://127.0.0.1:5000/#/models/silencio/versions/13")],
    )
