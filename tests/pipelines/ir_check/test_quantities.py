"""Amounts that Kubernetes parses, and requests below their limits."""

from decimal import Decimal

import pytest

from pipelines.ir_check.quantities import amount
from tests.pipelines.ir_check.small import EXECUTORS, drop, faults, put

RESOURCES = (*EXECUTORS, "exec-part", "container", "resources")
INPUT = "{{$.inputs.parameters['number']}}"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("2", "2"), ("0.5", "0.5"), (".5", "0.5"), ("2.", "2"), ("+1", "1"), ("-1", "-1"), ("500m", "0.5")],
        *[("1n", "1e-9"), ("1u", "1e-6"), ("1k", "1e3"), ("1M", "1e6"), ("1G", "1e9"), ("1T", "1e12"), ("1P", "1e15")],
        *[("1E", "1e18"), ("1Ki", "1024"), ("1Mi", str(2**20)), ("1Gi", str(2**30)), ("1Ti", str(2**40))],
        *[("1Pi", str(2**50)), ("1Ei", str(2**60)), ("1e3", "1000"), ("1E3", "1000"), ("1.5e-3", "0.0015")],
    ],
)
def test_amount__is_kubernetes_own(text: str, value: str) -> None:
    assert amount(text) == Decimal(value)


@pytest.mark.parametrize(
    "text", ["", "G", "1 G", "1g", "1K", "1KB", "1GiB", "1,5", "1..5", "a", "1e", "0x10", "٣", "1G\n"]
)
def test_amount__that_kubernetes_does_not_parse_is_none(text: str) -> None:
    assert amount(text) is None


@pytest.mark.parametrize(
    "word", ["resourceCpuRequest", "resourceCpuLimit", "resourceMemoryRequest", "resourceMemoryLimit"]
)
@pytest.mark.parametrize("value", ["8GB", 8])
def test_resources__that_are_no_amount_are_named(word: str, value: object) -> None:
    found = faults(put(*RESOURCES, to={word: value}), drop("kubernetes", "exec-part", "emptyDirMounts"))
    assert found == [f"exec-part: {word} {value!r} is no amount: write it like 500m, 2 or 8Gi"]


def test_resources__of_nothing_are_named() -> None:
    assert faults(put(*RESOURCES, to={"resourceCpuLimit": "0"})) == [
        "exec-part: resourceCpuLimit '0' is nothing: ask for more than 0, or for nothing at all"
    ]


@pytest.mark.parametrize(
    ("request_word", "limit_word"),
    [("resourceCpuRequest", "resourceCpuLimit"), ("resourceMemoryRequest", "resourceMemoryLimit")],
)
def test_request__above_its_limit_is_named(request_word: str, limit_word: str) -> None:
    above = put(*RESOURCES, to={request_word: "1025Mi", limit_word: "1Gi"})
    assert faults(above, drop("kubernetes", "exec-part", "emptyDirMounts")) == [
        f"exec-part: {request_word} 1025Mi is above {limit_word} 1Gi: raise the limit or lower the request"
    ]
    same = put(*RESOURCES, to={request_word: "1024Mi", limit_word: "1Gi"})
    assert faults(same, drop("kubernetes", "exec-part", "emptyDirMounts")) == []


def test_resources__that_a_run_gives_are_taken() -> None:
    assert faults(put(*RESOURCES, to={"resourceCpuRequest": INPUT, "resourceMemoryLimit": INPUT})) == []
    found = faults(put(*RESOURCES, to={"resourceCpuRequest": f"{INPUT}m"}))
    assert found == [f'exec-part: resourceCpuRequest "{INPUT}m" is no amount: write it like 500m, 2 or 8Gi']


def test_container__that_asks_for_nothing_is_taken() -> None:
    assert faults(drop(*RESOURCES)) == []


@pytest.mark.parametrize("count", ["0", "-1", "0.5", "one", ""])
def test_accelerators__that_are_no_whole_number_are_named(count: str) -> None:
    requested = {"resourceCount": count, "resourceType": "nvidia.com/gpu"}
    assert faults(put(*RESOURCES, "accelerator", to=requested)) == [
        f"exec-part: {count!r} accelerators are no whole number: ask for 1 or more"
    ]


def test_accelerator__without_a_kind_is_named() -> None:
    assert faults(put(*RESOURCES, "accelerator", to={"resourceCount": "1"})) == [
        "exec-part: the accelerator has no kind: name it, such as nvidia.com/gpu"
    ]


@pytest.mark.parametrize(
    "requested",
    [
        {"resourceCount": "1", "resourceType": "nvidia.com/gpu"},
        {"resourceCount": INPUT, "resourceType": "nvidia.com/gpu"},
        {"count": 2, "type": "nvidia.com/gpu"},
    ],
)
def test_accelerator__of_a_kind_is_taken(requested: dict) -> None:
    assert faults(put(*RESOURCES, "accelerator", to=requested)) == []
