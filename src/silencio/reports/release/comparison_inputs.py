"""From a comparison of two bundles' answers to the parts of the page that show it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from silencio.evaluation.simultaneous import GroupBound, PairedBounds, compare_paired
from silencio.release.comparison import AnswerComparison, SpeciesRow, WindowDisagreement
from silencio.release.policy import ReleasePolicy
from silencio.reports.release.comparison_facts import (
    Flip,
    FlipFacts,
    ReplayFacts,
    SliceDifference,
    SpeciesFacts,
    WindowFacts,
)
from silencio.reports.release.comparison_facts import SpeciesRow as SpeciesFact
from silencio.reports.release.inputs import ReleaseInputs
from silencio.reports.wording import hours

MAX_FLIPS = 20


def with_comparison(inputs: ReleaseInputs, comparison: AnswerComparison) -> ReleaseInputs:
    """Inputs with everything that a comparison shows: replay, flips, species, windows.

    Args:
        inputs: The record, and what else is known.
        comparison: That of both bundles' answers to the same recordings.

    Raises:
        ValueError: The record's policy is not what this version writes.
    """
    parts = comparison_parts(comparison, ReleasePolicy.model_validate(inputs.record.policy))
    return replace(inputs, replay=parts.replay, flips=parts.flips, species=parts.species, windows=parts.windows)


@dataclass(frozen=True)
class ComparisonParts:
    """What the page has of a comparison.

    Attributes:
        replay: None: there are no labels.
        flips: None: there are no labels.
        species: The species table.
        windows: The largest disagreement first.
    """

    replay: ReplayFacts | None
    flips: FlipFacts | None
    species: SpeciesFacts
    windows: tuple[WindowFacts, ...]


def comparison_parts(comparison: AnswerComparison, policy: ReleasePolicy) -> ComparisonParts:
    """From a comparison to parts of the page.

    Args:
        comparison: That of both bundles' answers to the same recordings.
        policy: That of the release: its alpha for the replay, slices that must pass, species that must be kept.
    """
    names = _names(comparison)
    return ComparisonParts(
        replay=_replay(comparison, policy),
        flips=_flips(comparison),
        species=_species(comparison, policy),
        windows=tuple(_window(one, names) for one in comparison.windows),
    )


def in_order(species: SpeciesFacts) -> SpeciesFacts:
    """Gone species first, then new ones, then by how much changes: what a reader of detections asks first."""
    order = {"gone": 0, "new": 1, "both": 2}

    def key(row: SpeciesFact) -> tuple[int, float, str]:
        per_day = abs((row.challenger_per_day or 0.0) - (row.champion_per_day or 0.0))
        return order[row.listed], -max(per_day, float(row.only_champion + row.only_challenger)), row.code

    return species.model_copy(update={"rows": tuple(sorted(species.rows, key=key))})


def _names(comparison: AnswerComparison) -> dict[str, str]:
    return {one.code: one.common_name for one in comparison.species}


def _replay(comparison: AnswerComparison, policy: ReleasePolicy) -> ReplayFacts | None:
    replay = comparison.replay
    if replay is None:
        return None
    n, alpha = len(replay.champion_right), policy.rules["replay"].alpha if "replay" in policy.rules else None
    nothing = ReplayFacts(
        n=n,
        champion_right=None,
        challenger_right=None,
        level=None,
        interval=None,
        slices=(),
        left_out=dict(comparison.left_out),
    )
    if not n:
        return nothing
    shares = {
        "champion_right": float(replay.champion_right.mean()),
        "challenger_right": float(replay.challenger_right.mean()),
    }
    if alpha is None:
        return nothing.model_copy(update=shares)
    bounds = compare_paired(
        replay.champion_right, replay.challenger_right, replay.slices, alpha=alpha, must_pass=policy.must_pass_slices
    )
    sizes = {name: int(mask.sum()) for name, mask in replay.slices.items()}
    small = [SliceDifference(name=name, n=sizes[name], difference=None, upper=None) for name in bounds.small_slices]
    slices = (_group(bounds.all, bounds), *(_group(one, bounds) for one in bounds.slices), *small)
    return nothing.model_copy(
        update=shares
        | {"level": 1 - alpha, "interval": (float(bounds.interval[0]), float(bounds.interval[1])), "slices": slices}
    )


def _group(group: GroupBound, bounds: PairedBounds) -> SliceDifference:
    return SliceDifference(
        name=group.name,
        n=group.n_recordings,
        better=group.n_better,
        worse=group.n_worse,
        difference=float(group.difference),
        upper=float(group.upper),
        outcome="fail" if group.is_worse else "inconclusive" if group.name in bounds.not_settled else "pass",
    )


def _flips(comparison: AnswerComparison) -> FlipFacts | None:
    replay, floor = comparison.replay, comparison.churn_floor
    if replay is None:
        return None
    gained = (replay.challenger_right == 1) & (replay.champion_right == 0)
    names = _names(comparison)
    return FlipFacts(
        n=len(replay.champion_right),
        negative=len(comparison.negative_flips),
        positive=int(gained.sum()),
        churn_floor=None if floor is None or not floor.n_recordings else floor.negative_flip_share,
        examples=tuple(
            Flip(
                recording=one.recording,
                label=names.get(one.label) or one.label,
                challenger=names.get(one.challenger_named) or one.challenger_named,
            )
            for one in comparison.negative_flips[:MAX_FLIPS]
        ),
    )


def _species(comparison: AnswerComparison, policy: ReleasePolicy) -> SpeciesFacts:
    sound = hours(comparison.sound_s)
    return SpeciesFacts(
        n=comparison.n_recordings,
        per_day_of=f"Detections a day are those in 24 hours of sound such as the {sound} that both answered.",
        rows=tuple(_row(one, policy) for one in comparison.species),
    )


def _row(one: SpeciesRow, policy: ReleasePolicy) -> SpeciesFact:
    return SpeciesFact(
        code=one.code,
        name=one.common_name,
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


def _window(one: WindowDisagreement, names: dict[str, str]) -> WindowFacts:
    def named(codes: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(names.get(code) or code for code in codes)

    return WindowFacts(
        recording=one.recording,
        begin_s=one.start_s,
        end_s=one.end_s,
        code=one.code,
        name=names.get(one.code) or one.code,
        champion_probability=one.champion_probability,
        challenger_probability=one.challenger_probability,
        champion_detected=named(one.champion_detected),
        challenger_detected=named(one.challenger_detected),
    )
