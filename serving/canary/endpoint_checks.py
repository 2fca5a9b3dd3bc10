"""Whether an endpoint serves a bundle as it was exported, and refuses what is no recording."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from serving.canary.simulated import clips_of
from serving.client import UnreachableError
from serving.simulate.recordings import recordings_of
from serving.simulate.simulated_client import SimulatedClient
from serving.simulate.users import STREAM_S
from silencio.bundle.manifest import read_manifest
from silencio.bundle.parity import Parity
from silencio.errors import BundleError, ReleaseError

PARITY = "parity.npz"
# What a client may send that is no recording: refused by 4xx, never by 5xx.
_NO_RECORDINGS = (b"", b"RIFF", b"OggS" + bytes(64), b"<html>not found</html>")


def has_parity(client: SimulatedClient, bundle: Path, name: str = "the challenger") -> bool:
    """Whether an endpoint gives the bundle's numbers for its parity clips.

    Args:
        client: A connection to the endpoint.
        bundle: The bundle's folder.
        name: What is asked, for messages.

    Raises:
        ReleaseError: It does not answer, or the bundle cannot be read here.
    """
    try:
        manifest, parity = read_manifest(bundle), Parity.load(bundle / PARITY)
    except BundleError as error:
        raise ReleaseError(f"{name}'s bundle {bundle} cannot be read: {error}") from error
    for clip in parity.clips:
        try:
            response = client.client.post(clip.encoded, "application/octet-stream", {"top_k": "all"})
        except UnreachableError as error:
            raise ReleaseError(f"{name} does not answer: {error}") from error
        if not response.is_success:
            raise ReleaseError(f"{name} answers a parity clip by {response.status_code}")
        if not _is_close(response.json(), parity.codes, clip.probabilities, manifest.tolerances.cpu):
            return False
    return True


def integration_fault(client: SimulatedClient, clip: bytes, name: str = "the challenger") -> str:
    """What is wrong with the answers to one request as it should be and a few as they should not; empty: nothing.

    Args:
        client: A connection to the endpoint.
        clip: A recording that can be decoded.
        name: What is asked, for messages.
    """
    return _unanswered(client, clip, name) or _leniency(client)


def _unanswered(client: SimulatedClient, clip: bytes, name: str) -> str:
    first = client.send("a clip", clip, duration_s=STREAM_S)
    return "" if first.is_answered else f"{name} does not answer a clip: {first.fault or first.error or first.status}"


def _leniency(client: SimulatedClient) -> str:
    broken = [client.send("no recording", content, refusal_expected=True) for content in _NO_RECORDINGS]
    return next((f"what is no recording: {one.fault}" for one in broken if one.fault), "")


def refusal_of(client: SimulatedClient, bundle: Path, name: str) -> str:
    """Why an endpoint may not have visitors; empty: it gives the bundle's numbers and refuses what is no recording.

    Args:
        client: A connection to the endpoint.
        bundle: The bundle's folder.
        name: What is asked, for messages.

    Raises:
        ReleaseError: It does not answer, or the bundle cannot be read here.
    """
    version = read_manifest(bundle).version
    if not has_parity(client, bundle, name):
        return f"{name} gives other numbers than bundle {version} had at its export: it is not offered"
    if why := _unanswered(client, clips_of(recordings_of(None))[0], name):
        raise ReleaseError(why)
    fault = _leniency(client)
    return f"bundle {version} behind {name}: {fault}" if fault else ""


def _is_close(answer: Any, codes: Sequence[str], expected: Any, tolerance: float) -> bool:
    try:
        (prediction,) = answer["predictions"]
        windows = [
            {one["code"]: float(one["probability"]) for one in each["species"]} for each in prediction["windows"]
        ]
        if len(windows) != len(expected):
            return False
        pairs = [
            (window[code], float(probability))
            for window, row in zip(windows, expected, strict=True)
            for code, probability in zip(codes, row, strict=True)
        ]
    except (KeyError, TypeError, ValueError):
        return False
    return all(math.isclose(found, wanted, rel_tol=0.0, abs_tol=tolerance) for found, wanted in pairs)
