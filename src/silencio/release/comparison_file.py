"""A comparison of answers as JSON, for the judge and the page: all numbers of it, and no recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from silencio.errors import ReleaseError
from silencio.release.comparison import AnswerComparison, Churn, NegativeFlip, SpeciesRow, WindowDisagreement
from silencio.release.evidence import ClassChange, Pairs, Replay, SpeciesPair

SCHEMA_VERSION = 1


def comparison_facts(comparison: AnswerComparison) -> dict[str, Any]:
    """Plain values, as JSON has them."""
    top = comparison.pairs.top_probability
    pairs = {
        "disagreement": comparison.pairs.disagreement.tolist(),
        "species": {code: asdict(pair) for code, pair in comparison.pairs.species.items()},
        "top_probability": None if top is None else top.tolist(),
    }
    replay = comparison.replay
    churn = comparison.churn_floor
    return {
        "schema_version": SCHEMA_VERSION,
        "n_recordings": comparison.n_recordings,
        "sound_s": comparison.sound_s,
        "pairs": pairs,
        "replay": None if replay is None else _replay_facts(replay),
        "classes": asdict(comparison.classes),
        "negative_flips": [asdict(one) for one in comparison.negative_flips],
        "churn_floor": None if churn is None else asdict(churn),
        "species": [asdict(one) for one in comparison.species],
        "windows": [asdict(one) for one in comparison.windows],
        "left_out": dict(comparison.left_out),
    }


def comparison_of(facts: Mapping[str, Any]) -> AnswerComparison:
    """The inverse of `comparison_facts`.

    Raises:
        ReleaseError: It is no comparison, or one of a later version.
    """
    version = facts.get("schema_version")
    if version != SCHEMA_VERSION:
        raise ReleaseError(
            f"a comparison of answers has schema_version {SCHEMA_VERSION}, this one has {version!r}: make it again "
            "with this version of Silencio"
        )
    try:
        pairs, replay, churn, classes = (facts[name] for name in ("pairs", "replay", "churn_floor", "classes"))
        top = pairs["top_probability"]
        return AnswerComparison(
            n_recordings=facts["n_recordings"],
            sound_s=facts["sound_s"],
            pairs=Pairs(
                disagreement=np.array(pairs["disagreement"], np.float64),
                species={code: SpeciesPair(**pair) for code, pair in pairs["species"].items()},
                top_probability=None if top is None else np.array(top, np.float64).reshape(-1, 2),
            ),
            replay=None if replay is None else _replay_of(replay),
            classes=ClassChange(
                **{
                    **classes,
                    **{name: tuple(classes[name]) for name in ("new", "gone")},
                    "thresholds": {code: (old, new) for code, (old, new) in classes["thresholds"].items()},
                }
            ),
            negative_flips=tuple(NegativeFlip(**one) for one in facts["negative_flips"]),
            churn_floor=None if churn is None else Churn(**churn),
            species=tuple(SpeciesRow(**one) for one in facts["species"]),
            windows=tuple(
                WindowDisagreement(
                    **{
                        **one,
                        **{name: tuple(one[name]) for name in ("champion_detected", "challenger_detected")},
                    }
                )
                for one in facts["windows"]
            ),
            left_out=facts["left_out"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ReleaseError(f"this is no comparison of answers ({type(error).__name__}: {error})") from error


def _replay_facts(replay: Replay) -> dict[str, Any]:
    return {
        "champion_right": replay.champion_right.tolist(),
        "challenger_right": replay.challenger_right.tolist(),
        "slices": {name: np.flatnonzero(mask).tolist() for name, mask in replay.slices.items()},
        "recordings": list(replay.recordings),
        "labels": list(replay.labels),
        "champion_named": list(replay.champion_named),
        "challenger_named": list(replay.challenger_named),
    }


def _replay_of(facts: Mapping[str, Any]) -> Replay:
    n = len(facts["champion_right"])
    slices = {}
    for name, rows in facts["slices"].items():
        slices[name] = np.zeros(n, bool)
        slices[name][rows] = True
    return Replay(
        champion_right=np.array(facts["champion_right"], np.int8),
        challenger_right=np.array(facts["challenger_right"], np.int8),
        slices=slices,
        **{name: tuple(facts[name]) for name in ("recordings", "labels", "champion_named", "challenger_named")},
    )
