"""What each resource profile asks for, as docs/cluster.md has it: one table, made of what steps are given."""

from __future__ import annotations

from collections.abc import Callable

from pipelines.resources import (
    CPU,
    DECODE,
    EVALUATE,
    GPU,
    SMALL,
    SMALL_PRESETS,
    TRAIN_BY_KIND,
    Cluster,
    Resources,
    for_head,
    for_teacher,
    made_for,
    profile_of,
)
from silencio.config import preset_names

_OTHER_KIND = "other"
_LARGE_PRESET = "reserve-fast"


def profile_table() -> str:
    """Markdown: a row a kind of step, a column a profile that asks for anything."""
    small, large = min(SMALL_PRESETS), _LARGE_PRESET
    shown = ", ".join(f"`{name}`" for name in sorted(SMALL_PRESETS))
    rows = [
        ("`validate`, `pool-unlabelled`, `featurize`", DECODE, DECODE),
        ("`export`, `evaluate`, `compare-bundles`, `batch-score`", EVALUATE, EVALUATE),
        *((f"a head of kind `{kind}`", *_both(for_head, kind, large)) for kind in sorted(TRAIN_BY_KIND)),
        ("a head of another kind", *_both(for_head, _OTHER_KIND, large)),
        ("`pseudo-label`: all heads at work, for a student or self-training", *_both(for_teacher, large)),
        (f"in {shown}: a head", _both(for_head, _OTHER_KIND, small)[0], None),
        (f"in {shown}: `pseudo-label`", _both(for_teacher, small)[0], None),
        ("all other steps", SMALL, SMALL),
    ]
    lines = ["| step | `cpu` | `gpu` |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {what} | {_words(cpu)} | {_words(gpu)} |" for what, cpu, gpu in rows)])


def presets_of(profile: str) -> str:
    """The presets that are compiled for a profile unless another is named."""
    return ", ".join(f"`{name}`" for name in preset_names() if profile_of(name) == profile)


def _both(ask: Callable[..., Resources], *arguments: str) -> tuple[Resources, Resources]:
    found = []
    for profile in (CPU, GPU):
        with made_for(Cluster(profile)):
            found.append(ask(*arguments))
    return found[0], found[1]


def _words(resources: Resources | None) -> str:
    if resources is None:
        return "as in others"
    cores = f"{resources.cpu} core{'' if resources.cpu == '1' else 's'}"
    gpu = f", {resources.n_gpus} GPU" if resources.n_gpus else ""
    shared = f" ({resources.shared_memory} of it shared)" if resources.shared_memory else ""
    return f"{cores}, {resources.memory}{shared}{gpu}"
