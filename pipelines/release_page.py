"""The page of a release, from its record and the comparison that was handed in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from silencio.release.replay_comparison import compare_replay

from serving.canary.staging import COMPARISON
from silencio.errors import SilencioError
from silencio.evaluation.simultaneous import compare_paired
from silencio.release.comparison import AnswerComparison
from silencio.release.comparison_file import comparison_of
from silencio.release.policy import ReleasePolicy
from silencio.release.record import ReleaseRecord
from silencio.release.verdict import RuleVerdict
from silencio.reports.release.collect import collect
from silencio.reports.release.comparison_facts import (
    Flip,
    FlipFacts,
    NamedSpecies,
    ReplayFacts,
    SliceDifference,
    SpeciesFacts,
    SpeciesRow,
    WindowFacts,
)
from silencio.reports.release.inputs import Licences, Look, ReleaseInputs
from silencio.reports.release.write import HTML, JSON, as_html, write_release_page

_MAX_FLIPS = 50


def write_page(record: ReleaseRecord, folder: Path, out: Path) -> list[Path]:
    """Write both files.

    Args:
        record: The release.
        folder: Its files.
        out: Gets `release.html` and `release.json`.

    Raises:
        StorageError: They cannot be written.
    """
    write_release_page(out, inputs_of(record, folder))
    return [out / HTML, out / JSON]


def html_of(record: ReleaseRecord, folder: Path) -> str:
    """The page alone, as MLflow keeps it."""
    return as_html(collect(inputs_of(record, folder)), {})


def inputs_of(record: ReleaseRecord, folder: Path) -> ReleaseInputs:
    """All that is known of a release: what cannot be read is said on the page, and stops nothing."""
    path = folder / COMPARISON
    base = ReleaseInputs(
        record=record,
        looks=list(_looks(record)),
        written_at=datetime.now(UTC).isoformat(timespec="seconds"),
        licences=Licences(champion=_licence(record.champion.place), challenger=_licence(record.challenger.place)),
        not_seen={} if path.is_file() else {"replay": "no labelled recordings were handed in"},
    )
    if not path.is_file():
        return base
    comparison = comparison_of(json.loads(path.read_bytes()))
    policy = ReleasePolicy.model_validate(record.policy)
    return ReleaseInputs(
        record=base.record,
        looks=base.looks,
        written_at=base.written_at,
        licences=base.licences,
        replay=_replay(comparison, policy),
        flips=_flips(comparison),
        species=_species(comparison, policy),
        windows=[_window(comparison, i) for i in range(len(comparison.windows))],
    )


def _looks(record: ReleaseRecord) -> Iterator[Look]:
    """Earlier looks have their E-values, the last one all of its verdicts."""
    last = [
        RuleVerdict(**{**one, "interval": tuple(one["interval"]) if one["interval"] else None})
        for one in record.verdicts
    ]
    thresholds = {one.rule: one.threshold for one in last}
    began = datetime.fromisoformat(record.began_at).timestamp()
    for point in record.trace[:-1]:
        at = datetime.fromtimestamp(began + point["at_s"], UTC).isoformat(timespec="seconds")
        verdicts = [
            RuleVerdict(rule=rule, outcome="pass", message="", e_value=value, threshold=thresholds.get(rule))
            for rule, value in point["e"].items()
        ]
        yield Look(at=at, verdicts=verdicts)
    if last:
        at_s = record.trace[-1]["at_s"] if record.trace else 0.0
        yield Look(at=datetime.fromtimestamp(began + at_s, UTC).isoformat(timespec="seconds"), verdicts=last)


def _licence(place: str) -> str | None:
    from silencio.bundle.manifest import read_manifest

    try:
        verdict = read_manifest(Path(place)).licences.get("verdict")
    except (SilencioError, OSError):
        return None  # served from elsewhere
    return None if verdict is None else str(verdict)


def _replay(comparison: AnswerComparison, policy: ReleasePolicy) -> ReplayFacts | None:
    replay, rule = comparison.replay, policy.rules.get("replay")
    if replay is None or not len(replay.champion_right) or rule is None or rule.alpha is None:
        return None
    found = compare_paired(replay.champion_right, replay.challenger_right, replay.slices, alpha=rule.alpha)
    low, high = found.interval
    return ReplayFacts(
        n=len(replay.champion_right),
        champion_right=float(replay.champion_right.mean()),
        challenger_right=float(replay.challenger_right.mean()),
        level=1.0 - rule.alpha,
        precision=(high - low) / 2,
        slices=tuple(
            SliceDifference(
                name=one.name,
                n=one.n_recordings,
                difference=one.difference,
                interval=(None, one.upper),
                outcome="fail" if one.upper < 0 else None,
            )
            for one in (found.all, *found.slices)
        ),
    )


def _flips(comparison: AnswerComparison) -> FlipFacts | None:
    replay = comparison.replay
    if replay is None:
        return None
    positive = int(((replay.champion_right == 0) & (replay.challenger_right == 1)).sum())
    floor = comparison.churn_floor
    return FlipFacts(
        n=len(replay.champion_right),
        negative=len(comparison.negative_flips),
        positive=positive,
        churn_floor=None if floor is None else floor.negative_flip_share,
        examples=tuple(
            Flip(recording=one.recording, label=one.label, challenger=one.challenger_named)
            for one in comparison.negative_flips[:_MAX_FLIPS]
        ),
    )


def _species(comparison: AnswerComparison, policy: ReleasePolicy) -> SpeciesFacts:
    rows = tuple(
        SpeciesRow(
            code=one.code,
            name=one.common_name or one.code,
            listed=one.status,
            must_keep=one.code in policy.must_keep,
            both=one.both,
            only_champion=one.only_champion,
            only_challenger=one.only_challenger,
            champion_per_day=one.champion_detections_a_day,
            challenger_per_day=one.challenger_detections_a_day,
            champion_threshold=one.champion_threshold,
            challenger_threshold=one.challenger_threshold,
        )
        for one in comparison.species
    )
    of = f"{comparison.sound_s / 3600:.1f} hours of labelled recordings, scaled to a day"
    return SpeciesFacts(n=comparison.n_recordings, per_day_of=of, rows=rows)


def _window(comparison: AnswerComparison, number: int) -> WindowFacts:
    one = comparison.windows[number]
    names = {row.code: row.common_name or row.code for row in comparison.species}
    name = names.get(one.code, one.code)
    return WindowFacts(
        recording=one.recording,
        begin_s=one.start_s,
        duration_s=one.end_s - one.start_s,
        difference=abs(one.challenger_probability - one.champion_probability),
        champion=(NamedSpecies(code=one.code, name=name, probability=one.champion_probability),),
        challenger=(NamedSpecies(code=one.code, name=name, probability=one.challenger_probability),),
    )
