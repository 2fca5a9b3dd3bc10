"""What the API server writes back: amounts of processors, memory and storage, and claims of StatefulSets."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from delivery.rendered import Rendered, name_of, title
from pipelines.ir_check.quantities import amount

# Objects whose values are amounts, and fields that are one.
_MAPS = frozenset({"requests", "limits"})
_FIELDS = frozenset({"sizeLimit", "nominalQuota", "borrowingLimit", "lendingLimit", "averageValue"})
_BINARY = {
    suffix: Decimal(1024) ** power
    for power, suffix in zip(range(6, 0, -1), ("Ei", "Pi", "Ti", "Gi", "Mi", "Ki"), strict=True)
}
_DECIMAL = {
    suffix: Decimal(1000) ** power
    for power, suffix in zip(range(6, -2, -1), ("E", "P", "T", "G", "M", "k", "", "m"), strict=True)
}


def quantities(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Amounts are written as the API server writes them back: `1500m`, not `1.5`, which would differ for ever."""
    for one in rendered.objects:
        for path, value in _amounts(one, ""):
            written = canonical(value)
            if written is None:
                yield title(one), f"{path} is {value!r}, which is no amount"
            elif value != written:
                yield title(one), f"{path} is {value!r}, and comes back as {written!r}"


def claim_templates(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Claims of StatefulSets have apiVersion and kind, as the API server writes them back: else they differ."""
    for one in rendered.of_kind("StatefulSet"):
        for claim in one["spec"].get("volumeClaimTemplates") or ():
            found = claim.get("apiVersion"), claim.get("kind")
            if found != ("v1", "PersistentVolumeClaim"):
                yield title(one), f"its claim {name_of(claim)} is {found}, no v1 PersistentVolumeClaim"


def canonical(value: object) -> str | None:
    """As the API server writes it: a whole number of the largest unit that gives one; None: it is no amount."""
    text = str(value)
    found = amount(text) if not isinstance(value, bool) else None
    if found is None:
        return None
    units = _BINARY if text.endswith("i") else _DECIMAL
    for suffix, size in units.items():
        if found and found % size == 0:
            return f"{found / size:.0f}{suffix}"
    return "0" if not found else None


def _amounts(value: Any, path: str, is_amount: bool = False) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _amounts(
                one, f"{path}.{key}".lstrip("."), is_amount=key in _FIELDS or path.rpartition(".")[2] in _MAPS
            )
    elif isinstance(value, list):
        for i, one in enumerate(value):
            yield from _amounts(one, f"{path}[{i}]")
    elif is_amount:
        yield path, value
