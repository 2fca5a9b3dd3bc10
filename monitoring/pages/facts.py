"""`monitor.json`: what the pages show, for programs, and for the next run that cannot reach what this one could."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from monitoring.pages.prometheus import Alert
from silencio.errors import ConfigError

FILE = "monitor.json"


class _Fact(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AlertFact(_Fact):
    """An alert that fires or is pending.

    Attributes:
        name: Its name.
        state: `firing` or `pending`.
        labels: Its labels.
        since: Since when; null where only the past is known.
        summary: One sentence.
        description: More.
    """

    name: str
    state: str
    labels: dict[str, str]
    since: datetime | None
    summary: str
    description: str

    @classmethod
    def of(cls, alert: Alert) -> AlertFact:
        """The same as a fact."""
        return cls(
            name=alert.name,
            state=alert.state,
            labels=dict(alert.labels),
            since=alert.since,
            summary=alert.summary,
            description=alert.description,
        )


class ReleaseFact(_Fact):
    """A release's state, as its gauge has it.

    Attributes:
        release: Its id.
        state: Its state.
        share: Share of new sessions at the challenger.
    """

    release: str
    state: str
    share: float | None


class DashboardFact(_Fact):
    """A dashboard's page.

    Attributes:
        name: Name of the page.
        title: Its title.
        description: What it is for.
        n_panels: Panels that queries fill.
        empty: Titles of those in which no query found a number.
        refused: Titles of those with a query that Prometheus did not take.
    """

    name: str
    title: str
    description: str
    n_panels: int
    empty: tuple[str, ...]
    refused: tuple[str, ...]


class Facts(_Fact):
    """All of it.

    Attributes:
        format: Version of this document.
        written_at: When the pages were written.
        prometheus: Its address.
        answered_at: Moment of the numbers and alerts; null: it has never answered here.
        unreachable_since: First run in which it did not answer; null: it does.
        why_unreachable: In one sentence.
        hours: Length of what is drawn.
        alerts: Those of `answered_at`.
        releases: Those of `answered_at`.
        dashboards: Those of `answered_at`.
    """

    format: Literal[1] = 1
    written_at: datetime
    prometheus: str
    answered_at: datetime | None = None
    unreachable_since: datetime | None = None
    why_unreachable: str = ""
    hours: float
    alerts: tuple[AlertFact, ...] = ()
    releases: tuple[ReleaseFact, ...] = ()
    dashboards: tuple[DashboardFact, ...] = ()


def facts_of(folder: Path) -> Facts | None:
    """What the last run left in a folder of pages; None where there are none.

    Raises:
        ConfigError: The folder holds something else, which pages would replace.
    """
    path = folder / FILE
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    try:
        return Facts.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise ConfigError(f"{folder} is not empty and holds no {FILE}: name a folder for these pages alone") from error
    except NotADirectoryError as error:
        raise ConfigError(f"{folder} is no folder: name one for these pages") from error
    except ValidationError as error:
        raise ConfigError(f"{path} is not what this version writes: remove {folder}, and write it anew") from error
