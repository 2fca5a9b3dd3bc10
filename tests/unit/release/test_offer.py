"""What is refused of a challenger by both manifests alone."""

from __future__ import annotations

from typing import Any

import pytest

from silencio.bundle.manifest import BundleManifest
from silencio.release.evidence import ClassChange
from silencio.release.offer import licence_burdens, offer_refusal
from tests.unit.release.made_answers import manifest

OPEN = {"CC BY 4.0": 40}
NON_COMMERCIAL = {"CC BY 4.0": 40, "CC BY-NC 4.0": 1}
SHARED = {"CC BY-SA 4.0": 3}


def _bundle(version: str = "1", recordings: dict[str, int] | None = None, **changes: Any) -> BundleManifest:
    weights = changes.pop("weights", {})
    licences = {"recordings": recordings, "weights": weights, "verdict": f"of {version}"} if recordings else {}
    return manifest(("a", "b"), version=version).model_copy(update={"licences": licences, **changes})


@pytest.mark.parametrize(
    ("old", "new", "more"),
    [
        (OPEN, NON_COMMERCIAL, "non-commercial"),
        (OPEN, SHARED, "share alike"),
        (NON_COMMERCIAL, {**NON_COMMERCIAL, "all rights reserved": 1}, "all rights reserved"),
        (NON_COMMERCIAL, {**NON_COMMERCIAL, "see the notes": 2}, "unknown"),
        # A bundle that says nothing of what it was made of.
        (OPEN, None, "unknown"),
    ],
)
def test_licence__that_asks_for_more_is_refused(old: dict[str, int], new: dict[str, int] | None, more: str) -> None:
    why = offer_refusal(_bundle("12", old), _bundle("13", new), ClassChange())
    assert why is not None and "bundle 13" in why and "champion 12" in why
    assert more in why and "--accept-licence" in why


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (OPEN, OPEN),
        (NON_COMMERCIAL, OPEN),
        # More recordings of a kind that was there already change nothing of what may be done with it.
        (NON_COMMERCIAL, {"CC BY-NC 4.0": 900, "CC BY 4.0": 1}),
        # Nothing was promised of a champion of which nothing is known.
        (None, NON_COMMERCIAL),
        (None, None),
    ],
)
def test_licence__that_asks_for_no_more_is_offered(old: dict[str, int] | None, new: dict[str, int] | None) -> None:
    assert offer_refusal(_bundle("12", old), _bundle("13", new), ClassChange()) is None


def test_licence__of_weights_counts() -> None:
    weighted = _bundle("13", OPEN, weights={"an encoder": "CC BY-NC-SA 4.0"})
    assert licence_burdens(weighted) == {"non-commercial", "share alike"}
    assert offer_refusal(_bundle("12", OPEN), weighted, ClassChange()) is not None


def test_licence__may_be_taken_by_a_person_who_says_why() -> None:
    bundles = _bundle("12", OPEN), _bundle("13", NON_COMMERCIAL)
    assert offer_refusal(*bundles, ClassChange(), accepted_licence="the reserve sells nothing") is None
    assert offer_refusal(*bundles, ClassChange(), accepted_licence=" ") is not None


@pytest.mark.parametrize(
    ("n_requests", "spec", "is_refused"), [(4_000, "other", True), (0, "other", False), (4_000, "same", False)]
)
def test_specification__is_refused_where_clients_send_features_of_it(
    n_requests: int, spec: str, is_refused: bool
) -> None:
    champion = _bundle("12", OPEN, spec_sha256="same")
    challenger = _bundle("13", OPEN, spec_sha256=spec)
    classes = ClassChange(spec_gone=spec != "same", log_mel_requests=n_requests)
    why = offer_refusal(champion, challenger, classes, accepted_licence="a licence is no specification")
    assert (why is not None) is is_refused
    if why is not None:
        assert "4,000 requests" in why and "breaking" in why and "move these clients" in why
