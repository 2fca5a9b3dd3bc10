"""Model decay: scores given the species fell, or people find less right than promised, while the sound is as it was."""

from __future__ import annotations

from collections.abc import Sequence

from silencio.drift.document import Action, Certainty
from silencio.drift.rows.finding import Evidence, Finding, all_devices_changed, has, sentence
from silencio.drift.signals import MIX, REVIEW, SCORE


def row(evidence: Evidence, found: Sequence[Finding]) -> list[Finding]:
    """Without labels it is suspected only: rain and distance lower scores too."""
    comparison, limits = evidence.comparison, evidence.policy.attribution
    score, review, moved = (comparison.find(signal.name) for signal in (SCORE, REVIEW, MIX))
    scores_fell = score is not None and score.alarm
    less_right = review is not None and review.alarm
    mix_fits = (
        moved is None
        or not moved.alarm
        or (comparison.mix is not None and comparison.mix.explained_named_share >= limits.min_explained_share)
    )
    hidden = all_devices_changed(evidence, found) or (
        has(found, "weather_and_noise") and evidence.days_with("model_decay", 3) < 2
    )
    by_scores = scores_fell and mix_fits and not hidden
    if not by_scores and not less_right:
        return []
    certainty: Certainty = "confirmed" if by_scores and less_right else "likely" if less_right else "suspected"
    action: Action = "retrain" if less_right else "review"
    return [
        Finding(
            cause="model_decay",
            evidence=tuple(
                sentence(one)
                for one in (score if by_scores else None, review if less_right else None)
                if one is not None
            ),
            action=action,
            max_certainty=certainty,
        )
    ]
