"""promote: the bake, watched until the challenger is the champion or is taken back; nothing is decided here."""

from __future__ import annotations

from serving.canary.steps.watching import Inputs, Outputs, watch

__all__ = ["Inputs", "Outputs", "run"]


def run(inputs: Inputs, outputs: Outputs) -> str:
    """Wait for the end.

    Returns:
        How the release ended.

    Raises:
        ReleaseError: Another release has taken its place.
        RouteError: The record cannot be read.
    """
    return watch(inputs, outputs).state
