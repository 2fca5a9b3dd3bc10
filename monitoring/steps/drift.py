"""The step `drift`: one day of the prediction log becomes a verdict a site."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        predictions: Folder or `s3://` prefix of the prediction log.
        reports: Folder or `s3://` prefix that keeps references and gets the day's verdict, pages and actions.
        day: As 2026-05-08; empty: the last one that is over.
        policy: YAML of the thresholds; empty: those that ship.
        bundle: Of the bundle that answered; empty: without.
        reviews: Of people's judgements; empty: none.
        webhook: URL that alerts are sent to; empty: none.
        zone: Time zone of the sites; empty: each site's own.
    """

    predictions: str
    reports: str
    day: str = ""
    policy: str = ""
    bundle: str = ""
    reviews: str = ""
    webhook: str = ""
    zone: str = ""


@dataclass(frozen=True)
class Outputs:
    """What the step writes beside `reports`.

    Attributes:
        page: The day's verdict, for a person.
    """

    page: Path


class Findings(NamedTuple):
    """What the day showed.

    Attributes:
        day: The day that was looked at.
        n_changed: Sites at which something has changed.
        n_alerts: Alerts that are due.
    """

    day: str
    n_changed: int
    n_alerts: int


def run(inputs: Inputs, outputs: Outputs) -> Findings:
    """Look at one day."""
    raise NotImplementedError
