"""docs/components.md: what every component reads and writes, made of the components and of graphs that have all."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import json_format  # type: ignore[import-untyped]  # it has no types
from kfp.dsl import python_component

import components
from pipelines import batch_score, deliver, drift, release, train, train_nodes
from pipelines.batch_score import batch_score_pipeline
from pipelines.cluster_objects import RECORDINGS, TRACKING
from pipelines.deliver import deliver_pipeline
from pipelines.drift import drift_pipeline
from pipelines.release import release_pipeline
from pipelines.resources import CPU, GPU, Cluster, made_for
from pipelines.train import train_pipeline
from silencio.config import preset_text, resolve

PRESET = "reserve-fast"
# With these, graphs have every node that there can be.
OVERRIDES = (("student={}", "self_training={pool: soundscapes}"), ("split.scheme=cross_fit",))
# Graphs import what they are made of.
_COMPONENTS = {
    one.python_func.__name__: one
    for module in (batch_score, deliver, drift, release, train, train_nodes)
    for one in vars(module).values()
    if isinstance(one, python_component.PythonComponent)
}
_PAGE = """\
# Components

Every step of the pipelines is a component of its own (`components/NAME`), and calls the function `run` of
`silencio.steps.NAME`, of `serving.canary.steps.NAME` where it asks what carries releases out, or of
`monitoring.steps.NAME` where it watches; none of them knows anything of KFP. Made by
`.venv/bin/python -m pipelines.component_table`; a test holds that this page is what the components and the compiled
graphs say.

Artifacts stand with their type, parameters without; `[…]` is a list of artifacts, `?` need not be there. *Metrics* and
*HTML* are shown on the step's page in KFP. Resources are those of the preset `{preset}` in the profile `cpu`, and in
`gpu` where that asks for something else; what a head asks for is in [cluster.md](cluster.md#what-steps-ask-for). A step
that is cached is answered by an earlier run where nothing that it reads is another ([running.md](running.md)).

{tables}
"""


@dataclass
class _Use:
    """How graphs use a component, by profile.

    Attributes:
        resources: What its pods ask for, in words.
        reaches: What they are given beside artifacts: the recordings' volume, the tracking server.
        cached: Whether KFP may answer with an earlier run.
    """

    resources: dict[str, set[str]] = field(default_factory=dict)
    reaches: set[str] = field(default_factory=set)
    cached: set[bool] = field(default_factory=set)


def page() -> str:
    """docs/components.md, in Markdown."""
    return _PAGE.format(preset=PRESET, tables="\n\n".join(_tables()))


def component_names() -> list[str]:
    """Of every folder with a component."""
    return sorted(path.parent.name for path in Path(components.__path__[0]).glob("*/component.py"))


def _tables() -> Iterator[str]:
    graphs = {
        "train": _uses_of_train(),
        "batch_score": _uses([("", batch_score_pipeline())]),
        "release": _uses([("", release_pipeline())]),
        "deliver": _uses([("", deliver_pipeline())]),
        "drift": _uses([("", drift_pipeline())]),
    }
    known: set[str] = set()
    for pipeline, uses in graphs.items():
        # Each component once, where it comes first; `deliver` holds all of `release`.
        own = [name for name in uses if name not in known]
        known.update(own)
        lines = [
            f"## Pipeline `{pipeline}`",
            "",
            "| component | reads | writes | asks for | cached |",
            "|---|---|---|---|---|",
        ]
        yield "\n".join([*lines, *(_row(name, uses[name]) for name in own)])


def _uses_of_train() -> dict[str, _Use]:
    graphs = []
    for overrides in OVERRIDES:
        resolved = resolve(preset_text(PRESET), overrides=overrides)
        for profile in (CPU, GPU):
            with made_for(Cluster(profile)):
                graphs.append((profile, train_pipeline(PRESET, resolved, "{}")))
    return _uses(graphs)


def _uses(graphs: list[tuple[str, Any]]) -> dict[str, _Use]:
    """By component, in the order in which the graph runs them."""
    found: dict[str, _Use] = {}
    for profile, graph in graphs:
        spec = json_format.MessageToDict(graph.pipeline_spec)
        pods = json_format.MessageToDict(graph.platform_spec)["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        for task in _tasks(spec, spec["root"]["dag"]):
            label = spec["components"][task["componentRef"]["name"]]["executorLabel"]
            container, pod = spec["deploymentSpec"]["executors"][label]["container"], pods.get(label, {})
            use = found.setdefault(container["args"][-1], _Use())
            use.resources.setdefault(profile, set()).add(_resources(container.get("resources", {}), pod))
            use.reaches |= _reaches(pod)
            use.cached.add(task.get("cachingOptions", {}).get("enableCache", False))
    return found


def _tasks(spec: Mapping[str, Any], dag: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Tasks of a graph and of its loops, each after those that it waits for."""
    left = dict(dag["tasks"])
    while left:
        name = next(one for one in sorted(left) if not left.keys() & set(left[one].get("dependentTasks", [])))
        task = left.pop(name)
        component = spec["components"][task["componentRef"]["name"]]
        if "dag" in component:
            yield from _tasks(spec, component["dag"])
        else:
            yield task


def _resources(requested: Mapping[str, Any], pod: Mapping[str, Any]) -> str:
    n_cores = requested["resourceCpuRequest"]
    words = f"{n_cores} core{'' if n_cores == '1' else 's'}, {requested['resourceMemoryRequest']}"
    words += "".join(f" ({mount['sizeLimit']} of it shared)" for mount in pod.get("emptyDirMounts", []))
    gpu = requested.get("accelerator")
    return words + (f", {gpu['resourceCount']} GPU" if gpu else "")


def _reaches(pod: Mapping[str, Any]) -> set[str]:
    configs = {one["configMapName"] for one in pod.get("configMapAsEnv", [])}
    found = {"recordings"} if any(one["constant"] == RECORDINGS.name for one in pod.get("pvcMount", [])) else set()
    return found | ({"MLflow"} if TRACKING.name in configs else set())


def _row(name: str, use: _Use) -> str:
    spec = _COMPONENTS[name].component_spec
    inputs = [_named(one, value) for one, value in (spec.inputs or {}).items()]
    outputs = [_named(one, value) for one, value in (spec.outputs or {}).items()]
    does = (spec.description or "").split("\n")[0]
    cells = [f"`{name}`: {does}", _list(inputs), _list(outputs), _asks_for(use), _cached(use)]
    return f"| {' | '.join(cells)} |"


def _named(name: str, value: Any) -> str:
    """`usable` (Dataset): a name with its type, if it is an artifact."""
    artifact = re.fullmatch(r"system\.(\w+)@.*", str(value.type))
    optional = "?" if getattr(value, "optional", False) and artifact else ""
    if not artifact:
        return f"`{name}`"
    kind = f"[{artifact[1]}]" if value.is_artifact_list else artifact[1]
    return f"`{name}`{optional} ({kind})"


def _list(names: list[str]) -> str:
    """Comma by comma; what is numbered stands once, with its first and its last name, and so does `before_STEP`."""
    shown: list[str] = []
    n_before = sum(one.startswith("`before_") for one in names)
    if n_before:
        names = [*(one for one in names if not one.startswith("`before_")), f"`before_STEP` of {n_before} steps"]
    for one in names:
        number = re.match(r"`(\w+_)(\d+)`", one)
        if number and number[2] != "1":
            shown[-1] = re.sub(r"`(\w+_1)`(?: to `\w+`)?", rf"`\1` to `{number[1]}{number[2]}`", shown[-1])
        else:
            shown.append(one)
    return ", ".join(shown)


def _asks_for(use: _Use) -> str:
    by_profile = [" or ".join(sorted(words)) for words in use.resources.values()]
    words = "; `gpu`: ".join(dict.fromkeys(by_profile))
    return words + "".join(f"; {what}" for what in sorted(use.reaches, reverse=True))


def _cached(use: _Use) -> str:
    return {frozenset({True}): "yes", frozenset({False}): "no"}[frozenset(use.cached)]


if __name__ == "__main__":
    target = Path(__file__).parents[1] / "docs" / "components.md"
    target.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"wrote {target}\n")
