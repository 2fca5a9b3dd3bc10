"""A run that is taken up has to be the run that was begun: jobs of two configurations must not share a table."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from benchmarks.accuracy.jobs import Run
from silencio.errors import ConfigError
from silencio.storage import write_atomically

# What no job of a fold looks at: how a model is exported and evaluated in a pipeline, and where shards would end.
_WITHOUT_EFFECT = {
    "calibration",
    "evaluation",
    "export",
    "gates",
    "release",
    "seconds_per_shard",
    "thresholds",
    "validation",
}
_NAME = "begun.json"


def take_up(run: Run) -> None:
    """Begin the run, or go on with it.

    Raises:
        ConfigError: The folder holds folds of another configuration or of other recordings.
    """
    path, facts = run.out / _NAME, _facts(run)
    if not path.exists():
        write_atomically(path, json.dumps(facts, indent=1) + "\n")
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    differing = sorted(name for name in before.keys() | facts.keys() if before.get(name) != facts.get(name))
    if differing:
        changes = ", ".join(f"{name} ({before.get(name)!r} then, {facts.get(name)!r} now)" for name in differing[:5])
        more = f" and {len(differing) - 5} more" if len(differing) > 5 else ""
        raise ConfigError(f"{run.out} holds folds of another run: {changes}{more}; give another --out, or delete it")


def _facts(run: Run) -> dict[str, Any]:
    """By dotted name, what decides the metrics."""
    decided = run.config.model_dump(mode="json", exclude=_WITHOUT_EFFECT)
    for encoder in decided["encoders"].values():
        encoder.pop("weights", None)  # a place; what lies there is known by its bytes
    table = run.reserve().recordings[["recording_id", "sha256", "primary_label"]]
    return {"recordings": hashlib.sha256(table.to_csv(index=False).encode()).hexdigest(), **_flat(decided)}


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found
