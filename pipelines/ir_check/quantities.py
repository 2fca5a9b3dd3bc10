"""Processors, memory and other amounts, as Kubernetes writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from pipelines.ir_check.package import Fault, Package

# `apimachinery/pkg/api/resource`: a sign, digits, and a suffix or an exponent.
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?", re.ASCII)
_SUFFIXES = {
    **{"n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "k": Decimal(1000)},
    **{letter: Decimal(1000) ** power for power, letter in enumerate("MGTPE", start=2)},
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)},
}
_PARAMETER = re.compile(r"\{\{\$\.inputs\.parameters\['[^']+'\]\}\}")
_PAIRS = (("resourceCpuRequest", "resourceCpuLimit"), ("resourceMemoryRequest", "resourceMemoryLimit"))
_COUNT = "resourceCount"


def amount(text: str) -> Decimal | None:
    """How much that is; None where Kubernetes parses nothing."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return None
    number, suffix = match.groups()
    if suffix in _SUFFIXES:
        return Decimal(number) * _SUFFIXES[suffix]
    return Decimal(number + (suffix or ""))


def quantities(package: Package) -> Iterator[Fault]:
    """Amounts are parsed by Kubernetes, are above nothing, and no request is above its limit.

    `backend/src/v2/driver/driver.go` (`getPodResource`: `k8sres.ParseQuantity`; a placeholder of one input is resolved
    before); Kubernetes refuses a pod whose request is above its limit (`pkg/apis/core/validation`).
    """
    for label, container in package.containers():
        requested = container.get("resources", {})
        for words in _PAIRS:
            found = [_amount(requested.get(word)) for word in words]
            for word, value in zip(words, found, strict=True):
                if word in requested and value is None and not _PARAMETER.fullmatch(str(requested[word])):
                    yield Fault(label, f"{word} {requested[word]!r} is no amount", "write it like 500m, 2 or 8Gi")
                elif value is not None and value <= 0:
                    yield Fault(
                        label, f"{word} {requested[word]!r} is nothing", "ask for more than 0, or for nothing at all"
                    )
            if found[0] is not None and found[1] is not None and found[0] > found[1]:
                what = f"{words[0]} {requested[words[0]]} is above {words[1]} {requested[words[1]]}"
                yield Fault(label, what, "raise the limit or lower the request")
        if "accelerator" in requested:
            yield from _accelerator(label, requested["accelerator"])


def _accelerator(label: str, requested: Mapping[str, Any]) -> Iterator[Fault]:
    """`initPodSpecPatch` (driver.go) makes a limit of it: an extended resource, which comes in whole numbers."""
    count = str(requested.get(_COUNT, requested.get("count", "")))
    if not _PARAMETER.fullmatch(count) and not (count.isdecimal() and int(count) > 0):
        yield Fault(label, f"{count!r} accelerators are no whole number", "ask for 1 or more")
    if not requested.get("resourceType", requested.get("type")):
        yield Fault(label, "the accelerator has no kind", "name it, such as nvidia.com/gpu")


def _amount(value: Any) -> Decimal | None:
    return amount(value) if isinstance(value, str) else None
