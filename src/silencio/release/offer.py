"""Why a challenger may not even be offered: what no visitor has to meet for it to be known."""

from __future__ import annotations

from silencio.bundle.licence_texts import read_licence
from silencio.bundle.manifest import BundleManifest
from silencio.release.evidence import ClassChange

_SHARE_ALIKE = "share alike"
# Bundles that say nothing of what they were made of: nothing is promised of them.
_NOTHING_KNOWN = frozenset({"unknown"})


def offer_refusal(
    champion: BundleManifest, challenger: BundleManifest, classes: ClassChange, *, accepted_licence: str = ""
) -> str | None:
    """One sentence with value and cure; None: it may be offered.

    Args:
        champion: What serves.
        challenger: What is offered.
        classes: How both differ, with what clients sent in the last 30 days.
        accepted_licence: Why a person takes a licence that asks for more; empty: nobody does.
    """
    return _specification(champion, challenger, classes) or (
        None if accepted_licence.strip() else _licence(champion, challenger)
    )


def licence_burdens(manifest: BundleManifest) -> frozenset[str]:
    """What the licences of a bundle's recordings and weights ask for beside attribution.

    Args:
        manifest: Its licence texts are read anew, so that bundles of any age are measured alike.
    """
    licences = manifest.licences
    texts = {*licences.get("recordings", {}), *map(str, licences.get("weights", {}).values())}
    if not texts:
        return _NOTHING_KNOWN
    read = [read_licence(text) for text in texts]
    shared = {_SHARE_ALIKE for one in read if one.share_alike}
    return frozenset(shared | {str(one.restriction) for one in read if one.restriction})


def _licence(champion: BundleManifest, challenger: BundleManifest) -> str | None:
    old, new = licence_burdens(champion), licence_burdens(challenger)
    # Of a champion of which nothing is known nothing was promised.
    if old == _NOTHING_KNOWN or not (more := sorted(new - old)):
        return None
    return (
        f"the licences of bundle {challenger.version} ask for more than those of the champion {champion.version}: "
        f"{', '.join(more)} ({challenger.licences.get('verdict', 'no verdict')}); train it without what is so "
        "licensed, or take it by `silencio release start --accept-licence REASON`"
    )


def _specification(champion: BundleManifest, challenger: BundleManifest, classes: ClassChange) -> str | None:
    if not classes.log_mel_requests or champion.spec_sha256 == challenger.spec_sha256:
        return None
    return (
        f"bundle {challenger.version} has another feature specification ({challenger.spec_sha256[:12]}) than the "
        f"champion's ({champion.spec_sha256[:12]}), by which {classes.log_mel_requests:,} requests of the last 30 days "
        "sent log_mel features: a breaking change; keep the specification, or move these clients to sound first"
    )
