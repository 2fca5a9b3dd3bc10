"""roll_back: why a release was not promoted, with every visitor back at the champion; of another, that it was."""

from __future__ import annotations

from serving.canary.steps.watching import Inputs, Outputs, watch
from silencio.errors import ReleaseError

__all__ = ["Inputs", "Outputs", "run"]


def run(inputs: Inputs, outputs: Outputs) -> str:
    """Write the page, and hold it against the record that no visitor is left at the challenger.

    Returns:
        One sentence: why it was taken back.

    Raises:
        ReleaseError: Visitors are left at the challenger, or another release has taken its place.
        RouteError: The record cannot be read.
    """
    record = watch(inputs, outputs)
    if record.state != "promoted" and record.share_percent:
        raise ReleaseError(
            f"release {record.release_id} is {record.state}, and {record.share_percent:g} % of the sessions are still "
            "at the challenger: run `silencio release rollback --now`"
        )
    return record.why
