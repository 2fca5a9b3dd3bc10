"""Which finished step is which."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from types import SimpleNamespace

from pipelines.resume import FinishedSteps

CONTAINER = SimpleNamespace(image="image", command=["python"], args=[], env=[])
ARGUMENTS = {"data": "/data", "config": "heads: {}", "overrides": []}


def _key(folder: Path, arguments: dict[str, object], version: str = "v1") -> str:
    steps = FinishedSteps(folder, "identity", lambda text: version if text.startswith("/") else "")
    return steps.key("ingest", CONTAINER, arguments)


def test_key__does_not_depend_on_the_order_of_arguments(tmp_path: Path) -> None:
    # KFP hands them on in another order in every process: half of all starts would find nothing finished.
    assert len({_key(tmp_path, dict(order)) for order in permutations(ARGUMENTS.items())}) == 1


def test_key__depends_on_what_a_named_place_holds(tmp_path: Path) -> None:
    assert _key(tmp_path, dict(ARGUMENTS)) != _key(tmp_path, dict(ARGUMENTS), version="v2")


def test_key__depends_on_every_argument(tmp_path: Path) -> None:
    assert _key(tmp_path, dict(ARGUMENTS)) != _key(tmp_path, ARGUMENTS | {"config": "heads: {raw_cnn: {}}"})
