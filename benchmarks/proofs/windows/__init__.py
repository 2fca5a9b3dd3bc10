"""What becomes of a recording's rest after its last full window: every rule on a reserve's recordings, five folds.

`SILENCIO_RESERVE` names the folder, in BirdCLEF's layout. Units are a fold, a head and a rule. Thresholds of a fold are
fitted on predictions for the other folds' recordings: on windows not trained on, as in a pipeline, but on
more of them than a fold's own validation split has.
"""

from __future__ import annotations

from typing import Any

from benchmarks.accuracy.folds import N_FOLDS
from benchmarks.proofs.units import Units
from benchmarks.proofs.windows.heads import Predictions, network, regression, regression_on_textures
from benchmarks.proofs.windows.metrics import head_metrics, rest_metrics
from benchmarks.proofs.windows.sound import RULES, Rule, Sound

_REGRESSIONS: dict[str, tuple[int, ...]] = {
    "logistic regression on birdnet at speed 1": (0,),
    "logistic regression on birdnet at all speeds": (0, 1),
}


def prove(units: Units) -> dict[str, Any]:
    """The metrics of every head under every rule, and how each rule stands to the first one."""
    sound = Sound.of_environment(units.folder)
    heads: dict[str, dict[Rule, list[Predictions]]] = {}
    for name, speeds in _REGRESSIONS.items():
        heads[name] = {rule: _folds(units, sound, name, rule, speeds) for rule in RULES}
    heads["logistic regression on texture's statistics"] = {rule: _textures(units, sound, rule) for rule in RULES}
    heads["embed_mlp on birdnet at all speeds"] = {rule: _networks(units, sound, rule) for rule in RULES}
    return {
        "rests": rest_metrics(sound),
        "heads": {name: head_metrics(sound, predictions) for name, predictions in heads.items()},
    }


def _folds(units: Units, sound: Sound, name: str, rule: Rule, speeds: tuple[int, ...]) -> list[Predictions]:
    short = name.rpartition(" at ")[2].replace(" ", "-")
    return [
        units.do(f"regression-{short}-{rule}-{fold}", lambda fold=fold: regression(sound, fold, rule, speeds))  # type: ignore[misc]
        for fold in range(N_FOLDS)
    ]


def _networks(units: Units, sound: Sound, rule: Rule) -> list[Predictions]:
    cut: Rule = "padded" if rule == "weighted" else rule  # a rest that counts for less trains as before
    return [
        units.do(
            f"embed-mlp-{cut}-{fold}",
            lambda fold=fold: network(sound, fold, cut, "embed_mlp"),  # type: ignore[misc]
        )
        for fold in range(N_FOLDS)
    ]


def _textures(units: Units, sound: Sound, rule: Rule) -> list[Predictions]:
    return [
        units.do(f"textures-{rule}-{fold}", lambda fold=fold: regression_on_textures(sound, fold, rule))  # type: ignore[misc]
        for fold in range(N_FOLDS)
    ]
