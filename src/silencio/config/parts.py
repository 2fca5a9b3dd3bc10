"""What each step reads of a configuration: a step is done again when that was changed, and for no other setting.

A part is JSON: sections, or single settings of one, as `model_dump` gives them, under `reads` their names, and under
`files` what is known of every file and place that they name (size and time of change, or a version of what lies there).
What is made of it (`RunConfig.of_part`, `DataConfig.of_part`) has nothing else: a step that reads a setting that is not
listed here ends in an AttributeError.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from silencio.data.config import FILES, READS
from silencio.data.place_version import digest, named_files, named_places

if TYPE_CHECKING:
    from silencio.config.run import RunConfig

# Sections by step; `a.b` is one setting of a section.
READ_BY: dict[str, tuple[str, ...]] = {
    "preflight": ("features", "encoders", "heads", "student"),
    "ingest": ("min_recordings",),
    "validate": ("validation", "features"),
    "split": ("split", "self_training.pool", "self_training.hidden_share", "seconds_per_shard"),
    "pool_unlabelled": ("validation", "seconds_per_shard"),
    "featurize": ("features", "encoders"),
    "train_head": ("features", "seed", "heads", "stacking.n_folds", "split.scheme", "split.n_folds"),
    "fit_ensemble": ("seed", "heads", "supervisor", "stacking"),
    "pseudo_label": ("features", "heads", "distillation", "self_training.power", "self_training.min_probability"),
    "calibrate": ("calibration", "thresholds", "evaluation.slices.n_confusable_pairs"),
    "export": ("features", "encoders", "heads", "export"),
    "evaluate": ("features", "encoders", "heads", "evaluation"),
    "apply_gates": ("features", "evaluation.slices", "gates"),
    "compare_bundles": ("evaluation.n_resamples",),
}
# Places for heads in a pipeline: KFP has no lists of artifacts of different tasks.
MAX_HEADS = 6
_DATA = ("ingest", "validate", "split", "pool_unlabelled", "featurize")


def part_of(config: RunConfig, step: str, head: str = "") -> str:
    """What a step reads of a configuration.

    Args:
        config: The resolved configuration.
        step: One of `READ_BY`.
        head: Name of the only head that stays, for `train_head`.

    Returns:
        JSON.
    """
    values = config.model_dump(mode="json")
    if head:
        values["heads"] = {head: values["heads"][head]}
    part: dict[str, Any] = {READS: READ_BY[step]}
    for name in READ_BY[step]:
        *above, last = name.split(".")
        source, target = values, part
        for word in above:
            if source[word] is None:  # a section that is not there has no settings
                target[word] = None
                break
            source, target = source[word], target.setdefault(word, {})
        else:
            target[last] = source[last]
    if named := named_files(part) + named_places(part):
        part[FILES] = named
    return json.dumps(part)


def parts_by_step(config: RunConfig) -> dict[str, str]:
    """The part of every step of `train`; `head_1` is the first head by name, places that are left over are empty."""
    parts = {step: part_of(config, step) for step in READ_BY if step != "train_head"}
    names = sorted(config.heads)
    for number in range(MAX_HEADS):
        parts[f"head_{number + 1}"] = part_of(config, "train_head", names[number]) if number < len(names) else ""
    alone = config.of_student() if config.student else None
    parts["student"] = part_of(alone, "train_head") if alone else ""
    for step in ("fit_ensemble", "export", "evaluate"):
        parts[f"{step}_student"] = part_of(alone, step) if alone else ""
    return parts


def settings_before(config: RunConfig, parts: Mapping[str, str]) -> dict[str, str]:
    """By step, a digest of the parts of all steps whose work it is handed, however indirectly.

    A cache that knows artifacts by name alone is told by it that they are others.

    Args:
        config: The resolved configuration.
        parts: As `parts_by_step`.
    """
    return {step: _digest(parts, names) for step, names in steps_before(config, parts).items() if names}


def config_sha256(config: RunConfig, parts: Mapping[str, str], suffix: str = "") -> str:
    """Identity of all settings that a bundle is made with; how it is evaluated is none of them, nor where files lie.

    Args:
        config: The resolved configuration.
        parts: As `parts_by_step`.
        suffix: `_student` for the student's.
    """
    settings = {name: json.loads(text or "{}") for name, text in parts.items()}
    for one in settings.values():
        one.pop(FILES, None)
    export = f"export{suffix}"
    made_by = [*steps_before(config, parts)[export], export]
    return _digest({name: json.dumps(one) for name, one in settings.items()}, made_by)


def steps_before(config: RunConfig, parts: Mapping[str, str]) -> dict[str, list[str]]:
    """By step, whose parts have decided what it is handed; see `settings_before`."""
    before = {step: list(_DATA[:number]) for number, step in enumerate(_DATA)}
    before["train_head"] = list(_DATA)
    heads = [*_DATA, *(name for name in parts if name.startswith("head_"))]
    if config.self_training:
        # Labels come of a supervisor, and the next supervisor of what was learned from them.
        heads += ["fit_ensemble", "pseudo_label"]
    before |= _before_steps_of_bundle(heads, "", [])
    before["pseudo_label"] = [*heads, "fit_ensemble"]
    before["distill"] = [*heads, "fit_ensemble", "pseudo_label"]
    # A student's metrics stand beside its teacher's.
    teacher = [*before["apply_gates"]]
    before |= _before_steps_of_bundle([*before["distill"], "student"], "_student", teacher)
    before["compare_bundles"] = [*before["apply_gates"], *before["apply_gates_student"], "apply_gates"]
    return before


def _before_steps_of_bundle(before: Sequence[str], suffix: str, compared_with: Sequence[str]) -> dict[str, list[str]]:
    found, steps = {}, list(before)
    for step in ("fit_ensemble", "calibrate", "export", "evaluate", "apply_gates"):
        if step == "evaluate":
            steps += compared_with
        found[step + suffix] = list(steps)
        # Calibration and gates are the same for both.
        steps.append(step if step in ("calibrate", "apply_gates") else step + suffix)
    return found


def _digest(parts: Mapping[str, str], names: Sequence[str]) -> str:
    return digest(f"{name} {parts[name]}" for name in dict.fromkeys(names))
