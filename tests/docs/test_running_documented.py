"""docs/running.md: which steps read which settings."""

from __future__ import annotations

import functools
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipelines.train import train_pipeline
from silencio.config import resolve
from silencio.config.parts import READ_BY, parts_by_step

PAGE = Path(__file__).parents[2] / "docs" / "running.md"
ALONE = "{heads: {raw_cnn: {epochs: 3}}, supervisor: {}}"
TAUGHT = f"{{student: {{}}, self_training: {{pool: soundscapes}}, {ALONE[1:]}"
# One setting for what a row of the table names with dots.
EXAMPLES = {
    "seed": "seed=9",
    "min_recordings": "min_recordings=2",
    "gates.…": "gates.champion_margin=0.05",
    "thresholds.…": "thresholds.min_positives=7",
    "calibration.…": "calibration.prior_strength=3.0",
    "evaluation.soundscapes.…": "evaluation.soundscapes.n_soundscapes=3",
    "evaluation.failure_modes.…": "evaluation.failure_modes.max_recordings=7",
    "evaluation.n_resamples": "evaluation.n_resamples=200",
    "evaluation.slices.…": "evaluation.slices.counts_from=7",
    "evaluation.slices.n_confusable_pairs": "evaluation.slices.n_confusable_pairs=4",
    "export.…": "export.n_parity_clips=2",
    "supervisor.…": "supervisor.shrinkage=0.25",
    "stacking.keep_all_heads": "stacking.keep_all_heads=true",
    "stacking.n_folds": "stacking.n_folds=4",
    "heads.NAME.…": "heads.raw_cnn.epochs=9",
    "distillation.…": "distillation.temperature=2",
    "split.…": "split.seed=4",
    "seconds_per_shard": "seconds_per_shard=99.0",
    "validation.…": "validation.silent_below_db=-50",
    "encoders.…": "encoders.yamnet.speeds=[0.5]",
    "features.…": "features.n_mels=64",
}


def rows() -> dict[str, set[str]]:
    """By setting, the steps that read it as the page has them."""
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 2 and set(re.findall(r"`([^`]+)`", cells[0])) & EXAMPLES.keys():
            for setting in re.findall(r"`([^`]+)`", cells[0]):
                found[setting] = set(re.findall(r"`([^`]+)`", cells[1]))
    return found


@functools.cache
def tasks(config: str) -> dict[str, bool]:
    """The steps of the graph, those in loops included, and whether a finished one may be taken up."""
    # KFP looks at the whole stack for every task, and pytest's is deep; a thread's is not.
    with ThreadPoolExecutor(1) as thread:
        spec = thread.submit(train_pipeline, "own", resolve(config), config).result().pipeline_spec
    dags = [spec.root.dag, *(component.dag for component in spec.components.values())]
    nodes = {name: task for dag in dags for name, task in dag.tasks.items()}
    loops = {name for name, task in nodes.items() if spec.components[task.component_ref.name].HasField("dag")}
    return {name: task.caching_options.enable_cache for name, task in nodes.items() if name not in loops}


def readers(config: str, override: str) -> set[str]:
    """Steps of the graph whose part of the configuration the setting changes; a student's as its teacher's."""
    before, after = (parts_by_step(resolve(config, overrides=one)) for one in ([], [override]))
    changed = {name.removesuffix("_student").replace("_", "-") for name in before if before[name] != after[name]}
    names = {"train" if name in ("head-1", "student") else name for name in changed}
    nodes = tasks(config)
    names = {name for name in names if any(f"{node}-".startswith(f"{name}-") for node in nodes)}
    return {"train-NAME" if name == "train" else name for name in names}


def documented_readers() -> dict[str, set[str]]:
    """The table's rows, a head's own training called the same in all."""
    return {name: {"train-NAME" if step == "train-…" else step for step in steps} for name, steps in rows().items()}


def test_running__names_the_steps_that_read_a_setting() -> None:
    documented = documented_readers()
    assert documented.keys() == EXAMPLES.keys()
    for setting, steps in documented.items():
        if setting != "distillation.…":  # it has no reader where nothing is taught
            assert steps == readers(ALONE, EXAMPLES[setting]), setting


def test_running__names_the_steps_that_read_a_setting_where_something_is_taught() -> None:
    documented = documented_readers()
    text = PAGE.read_text(encoding="utf-8")
    (sentences,) = re.findall(r"^With a student or self-training, (.*?)\.\n\n", text, flags=re.M | re.S)
    for step, settings in re.findall(
        r"`(pseudo-label|pool-unlabelled|compare-bundles)`\s+reads\s+((?:`[^`]+`(?:\s+and\s+)?)+)", sentences
    ):
        for setting in re.findall(r"`([^`]+)`", settings):
            documented[setting].add(step)
    assert {step for steps in documented.values() for step in steps} >= {
        "pseudo-label",
        "pool-unlabelled",
        "compare-bundles",
    }
    for setting, steps in documented.items():
        assert steps == readers(TAUGHT, EXAMPLES[setting]), setting


def test_running__a_students_settings_are_read_as_a_heads_are() -> None:
    assert "with `student.…` in place of `heads.NAME.…`" in PAGE.read_text(encoding="utf-8")
    assert readers(TAUGHT, "student.epochs=9") == documented_readers()["heads.NAME.…"]


def test_running__says_where_labels_and_pool_are_made() -> None:
    student, hidden = f"{{student: {{}}, {ALONE[1:]}", f"{{self_training: {{pool: hidden}}, {ALONE[1:]}"
    for config, node in ((student, "pseudo-label"), (hidden, "pseudo-label-first")):
        assert node in tasks(config)
        assert "pool-unlabelled" not in tasks(config)
    assert {
        "pool-unlabelled",
        "pseudo-label",
        "pseudo-label-first",
        "distill-student",
        "fit-ensemble-student",
    } <= tasks(TAUGHT).keys()


def test_running__names_the_steps_that_run_in_every_start() -> None:
    (paragraph,) = re.findall(
        r"^Some steps run in every start: .*?\n\n", PAGE.read_text(encoding="utf-8"), flags=re.M | re.S
    )
    named = {name.removesuffix("…") for name in re.findall(r"`([^`]+)`", paragraph)}
    again = {name for name, is_taken_up in tasks(TAUGHT).items() if not is_taken_up}
    assert {re.sub(r"^record-heads-.*", "record-heads-", name) for name in again} == named
    # Without a student there are none of these.
    assert {name for name, is_taken_up in tasks(ALONE).items() if not is_taken_up} == {
        name for name in named if not name.startswith("record")
    }


def test_running__names_a_reader_for_every_section_that_is_not_about_teaching() -> None:
    sections = {name.split(".")[0] for names in READ_BY.values() for name in names}
    assert {setting.split(".")[0] for setting in rows()} == sections - {"self_training", "student"}
