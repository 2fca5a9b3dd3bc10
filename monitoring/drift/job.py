"""What a run of drift is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import yaml
from pydantic import ValidationError

from monitoring.drift.actions import ActionPolicy
from monitoring.drift.bundle_facts import KnownBundle
from monitoring.drift.explained import WindowExplainer
from monitoring.drift.sounds import RecordingFolder
from monitoring.drift.webhook import Webhook
from silencio.drift import DriftPolicy
from silencio.errors import ConfigError
from silencio.storage import read_bytes

# Days before the day, of which a reference is made where there is none.
LOOKBACK_DAYS = 28
# Days with the day, whose detections are held against their reviews: labels come late.
REVIEW_DAYS = 14


@dataclass(frozen=True, kw_only=True)
class DriftJob:
    """What a run is given.

    Attributes:
        log: Folder or s3:// prefix of the prediction log.
        place: Folder or s3:// prefix that keeps days, references and actions.
        policy: Thresholds of the verdict.
        actions: Which verdicts make an action due.
        sites: These alone; empty: all of the log.
        left_out: Days that are in no reference: storms, works at the site.
        bundle: The bundle that answers, for its validation confusion and explanations; None without.
        reviews: File, folder or s3:// prefix of judgements; None without.
        recordings: Folder of recordings for spectrograms and explanations; None without.
        webhook: Receiver of actions; None without.
        evidently: Make Evidently's pages where it is installed.
        late_days: Days that a recording may come later than it was made.
    """

    log: str
    place: str
    policy: DriftPolicy
    actions: ActionPolicy = field(default_factory=ActionPolicy)
    sites: tuple[str, ...] = ()
    left_out: frozenset[date] = frozenset()
    bundle: KnownBundle | None = None
    reviews: str | None = None
    recordings: RecordingFolder | None = None
    webhook: Webhook | None = None
    evidently: bool = True
    late_days: int = 7

    @cached_property
    def explainer(self) -> WindowExplainer | None:
        """What explains windows; loaded once for all days of a run. None without a bundle."""
        return None if self.bundle is None else WindowExplainer(self.bundle)


def read_policy(uri: str | None) -> DriftPolicy:
    """Thresholds of a file; the shipped ones without one.

    Raises:
        StorageError: It cannot be read.
        ConfigError: It is no policy.
    """
    if uri is None:
        return DriftPolicy.shipped()
    try:
        return DriftPolicy.from_yaml(read_bytes(uri).decode())
    except (ConfigError, UnicodeDecodeError) as error:
        raise ConfigError(f"{uri}: {error}") from error


def read_action_policy(uri: str | None) -> ActionPolicy:
    """Which verdicts make an action due, of a YAML file; the default without one.

    Raises:
        StorageError: It cannot be read.
        ConfigError: It is no policy of actions.
    """
    if uri is None:
        return ActionPolicy()
    try:
        return ActionPolicy.model_validate(yaml.safe_load(read_bytes(uri)))
    except yaml.YAMLError as error:
        raise ConfigError(f"{uri} is no YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise ConfigError(f"{uri}: {where}: {first['msg']} (found {first['input']!r})") from error
