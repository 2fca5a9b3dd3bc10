"""Which finished step is which."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from types import SimpleNamespace

from kfp import dsl

from pipelines.cache_keys import MADE_WITH
from pipelines.local.resume import FinishedSteps

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


def _artifact(path: Path, *files: tuple[str, str]) -> dsl.Artifact:
    for name, text in files:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    return dsl.Artifact(uri=str(path))


def test_key__is_the_same_for_an_input_with_the_same_bytes_wherever_and_whenever_it_was_made(tmp_path: Path) -> None:
    first = _artifact(tmp_path / "first", ("a", "sound"), ("b/c", "more"))
    again = _artifact(tmp_path / "again", ("b/c", "more"), ("a", "sound"))
    assert _key(tmp_path, {"shards": [first]}) == _key(tmp_path, {"shards": [again]})


def test_key__is_another_for_an_input_with_other_bytes_or_names(tmp_path: Path) -> None:
    inputs = [
        _artifact(tmp_path / "1", ("a", "sound"), ("b", "more")),
        _artifact(tmp_path / "2", ("a", "sound"), ("b", "less")),
        _artifact(tmp_path / "3", ("a", "sound"), ("c", "more")),
        _artifact(tmp_path / "4", ("a", "soundmore")),
    ]
    assert len({_key(tmp_path, {"waveforms": one}) for one in inputs}) == len(inputs)
    # A head that stands in another place is another head.
    assert _key(tmp_path, {"head_1": inputs[0], "head_2": inputs[1]}) != _key(
        tmp_path, {"head_1": inputs[1], "head_2": inputs[0]}
    )


def test_key__sees_a_file_that_was_written_again(tmp_path: Path) -> None:
    steps = FinishedSteps(tmp_path / "run", "identity", lambda text: "")
    artifact = _artifact(tmp_path / "artifact", ("a", "sound"))
    before = steps.key("fuse", CONTAINER, {"head": artifact})
    (tmp_path / "artifact" / "a").write_text("louder sound")
    assert steps.key("fuse", CONTAINER, {"head": artifact}) != before


def test_key__does_not_ask_with_which_settings_inputs_were_made(tmp_path: Path) -> None:
    # A cluster's cache sees no bytes and needs it; here it would train again for a setting that changed nothing.
    assert _key(tmp_path, ARGUMENTS | {MADE_WITH: "1"}) == _key(tmp_path, ARGUMENTS | {MADE_WITH: "2"})


def test_step__is_found_by_a_later_start_whose_input_was_made_again(tmp_path: Path) -> None:
    def start(name: str) -> tuple[FinishedSteps, str]:
        steps = FinishedSteps(tmp_path / "run", "identity", lambda text: "")
        return steps, steps.key("fuse", CONTAINER, {"head": _artifact(tmp_path / name, ("weights", "0.5"))})

    steps, key = start("first")
    fusion = _artifact(tmp_path / "run" / "toy-2026-01-01-00-00-00-000000" / "fuse" / "fusion", ("weights", "1"))
    steps.keep(key, {"fusion": fusion}, 1.0)
    again, key = start("again")
    assert again.find(key).outputs["fusion"].uri == fusion.uri
