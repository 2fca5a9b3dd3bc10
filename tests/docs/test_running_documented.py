"""docs/running.md: which steps read which settings."""

from __future__ import annotations

import re
from pathlib import Path

from silencio.config import resolve
from silencio.config.parts import READ_BY, parts_by_step

PAGE = Path(__file__).parents[2] / "docs" / "running.md"
BASE = "{heads: {raw_cnn: {epochs: 3}}, supervisor: {}, student: {}, self_training: {}}"
# One setting for what a row of the table names with dots.
EXAMPLES = {
    "gates.…": "gates.champion_margin=0.05",
    "thresholds.…": "thresholds.least_positives=7",
    "calibration.…": "calibration.prior_strength=3.0",
    "evaluation.soundscapes.…": "evaluation.soundscapes.n_soundscapes=3",
    "evaluation.failure_modes.…": "evaluation.failure_modes.most_recordings=7",
    "export.…": "export.n_parity_clips=2",
    "supervisor.…": "supervisor.shrinkage=0.25",
    "stacking.keep_all_heads": "stacking.keep_all_heads=true",
    "heads.NAME.…": "heads.raw_cnn.epochs=9",
    "distillation.…": "distillation.temperature=2",
    "split.…": "split.seed=4",
    "validation.…": "validation.silent_below_db=-50",
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


def readers(override: str) -> set[str]:
    """Steps whose part the setting changes, by the names of their nodes; those of pool and student stand elsewhere."""
    before, after = (parts_by_step(resolve(BASE, overrides=one)) for one in ([], [override]))
    names = {name for name in before if before[name] != after[name]}
    names -= {"student", "fuse_student", "export_student", "evaluate_student", "pool", "label"}
    return {"train-NAME" if name == "head_1" else name for name in names}


def test_running__names_the_steps_that_read_a_setting() -> None:
    documented = rows()
    assert documented.keys() == EXAMPLES.keys()
    for setting, steps in documented.items():
        steps = {"train-NAME" if step == "train-…" else step for step in steps} - {"label"}
        assert steps == readers(EXAMPLES[setting]), setting


def test_running__names_a_reader_for_every_section_that_is_not_about_teaching() -> None:
    sections = {name.split(".")[0] for names in READ_BY.values() for name in names}
    left_out = {"encoders", "min_recordings", "seconds_per_shard", "seed", "self_training", "student"}
    assert {setting.split(".")[0] for setting in rows()} == sections - left_out
