"""Queues as the forerunners promised them, with GPUs, and Kueue as it has to be set up for them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import yaml

from delivery.rendered import name_of
from pipelines.cluster_objects import GPU_NODES
from pipelines.ir_check.quantities import amount
from pipelines.queues import PRIORITIES
from pipelines.resources import TRAIN_BY_KIND, TRAIN_GPU
from tests.delivery.overlays import golden_objects


def _spec(kind: str, name: str) -> Any:
    (found,) = (one for one in golden_objects("queues") if (one["kind"], name_of(one)) == (kind, name))
    return found.get("spec")


def _quota(flavor: str) -> dict[str, Decimal]:
    (group,) = _spec("ClusterQueue", "cq-train")["resourceGroups"]
    (found,) = (one for one in group["flavors"] if one["name"] == flavor)
    return {one["name"]: amount(one["nominalQuota"]) or Decimal(0) for one in found["resources"]}


def test_queues__have_the_forerunners_names_and_figures() -> None:
    assert _spec("LocalQueue", "lq-train") == {"clusterQueue": "cq-train"}
    assert _spec("ClusterQueue", "cq-train")["queueingStrategy"] == "BestEffortFIFO"
    assert _quota("default") == {"cpu": 8, "memory": 16 << 30, "nvidia.com/gpu": 0}
    classes = {name_of(one): one["value"] for one in golden_objects("queues") if one["kind"] == "WorkloadPriorityClass"}
    assert classes == {"train-high": 1000, "train-normal": 100}
    assert tuple(classes) == PRIORITIES


def test_quota__of_gpus_lets_two_heads_train_at_once() -> None:
    heads = [TRAIN_GPU, *(one for one in TRAIN_BY_KIND.values() if one.n_gpus)]
    quota = _quota("gpu")
    assert quota["nvidia.com/gpu"] == 2 * max(one.n_gpus for one in heads)
    assert quota["cpu"] > 2 * max(int(one.cpu) for one in heads)
    assert quota["memory"] > 2 * max(amount(one.memory) or 0 for one in heads)


def test_flavor__is_of_the_nodes_that_steps_with_gpus_go_to() -> None:
    flavor = _spec("ResourceFlavor", "gpu")
    assert flavor["nodeLabels"] == {GPU_NODES.key: GPU_NODES.value}
    ((taint,), commands) = flavor["nodeTaints"], " ".join(GPU_NODES.commands)
    assert f"{taint['key']}={taint['value']}:{taint['effect']}" in commands


def test_preemption__never_ends_a_run() -> None:
    assert set(_spec("ClusterQueue", "cq-train")["preemption"].values()) == {"Never"}


def test_kueue__looks_at_pods_and_not_at_those_of_the_system() -> None:
    (kueue,) = (one for one in golden_objects("applications") if name_of(one) == "kueue")
    values = kueue["spec"]["source"]["helm"]["valuesObject"]
    config = yaml.safe_load(values["managerConfig"]["controllerManagerConfigYaml"])
    assert config["integrations"]["frameworks"] == ["pod"]
    (rule,) = config["managedJobsNamespaceSelector"]["matchExpressions"]
    assert rule["operator"] == "NotIn"
    assert {"kube-system", kueue["spec"]["destination"]["namespace"]} <= set(rule["values"]), "it would wait for itself"
