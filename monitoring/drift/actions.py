"""What a verdict makes people or programs do: one file an action, written once, so that S3 needs no appending."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from datetime import date, datetime
from typing import Literal
from urllib.parse import urlsplit

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from silencio.drift.document import Action, Cause, Certainty, DriftDocument
from silencio.errors import DataError, StorageError
from silencio.storage import exists, is_local, is_missing, join, list_objects, local_path, read_bytes, write_bytes

FOLDER = "actions"
_SUFFIX, _DELIVERED = ".json", ".delivered"
# Of RFC 4122's name space for URLs: this page's, in effect.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "silencio:drift:action")


class DriftAction(BaseModel):
    """One thing to be done, as later steps and a webhook get it.

    Attributes:
        format: Version of this row.
        id: The same for the same site, cause, beginning, action and device: whoever gets it twice does it once.
        made_at: When it was written.
        day: Day of the verdict that made it due.
        site: The site.
        cause: By the table of docs/monitoring.md.
        certainty: How sure the verdict was.
        since: First day of the days with this cause.
        devices: Devices that changed, of which each is inspected by an action of its own; all where it is empty.
        action: What is to be done.
        message: One sentence for a person.
        bundle_version: Bundle that answered on that day.
        document: URI of the verdict's drift.json.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal[1] = 1
    id: str
    made_at: AwareDatetime
    day: date
    site: str
    cause: Cause
    certainty: Certainty
    since: date
    devices: tuple[str, ...]
    action: Action
    message: str
    bundle_version: str
    document: str


class ActionPolicy(BaseModel):
    """Which verdicts make an action due.

    Attributes:
        when: `alert`: the cause held on three of four days; `found`: on the day it is found.
        min_certainty: How sure a verdict has to be.
        actions: Action by cause, in place of the verdict's own; `none` leaves a cause to people.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    when: Literal["alert", "found"] = "alert"
    min_certainty: Certainty = "suspected"
    actions: dict[Cause, Action] = {}


_ORDER: tuple[Certainty, ...] = ("suspected", "likely", "confirmed")


def action_id(site: str, cause: Cause, since: date, action: Action, device: str = "") -> str:
    """The identifier of one thing that a cause at a site makes due, however often it is found.

    Args:
        site: The site.
        cause: The cause.
        since: Its first day.
        action: What is to be done: reviews may turn `review` into `retrain`.
        device: The device that is to be inspected; empty for the site.
    """
    return str(uuid.uuid5(_NAMESPACE, f"{site}\n{cause}\n{since}\n{action}\n{device}"))


def due_actions(document: DriftDocument, uri: str, policy: ActionPolicy, made_at: datetime) -> list[DriftAction]:
    """Actions that a day's verdicts make due.

    Args:
        document: The day's.
        uri: Where it is kept.
        policy: Which verdicts count.
        made_at: Time that stands in the rows; with a time zone.
    """
    found = []
    for site in document.sites:
        for cause in site.causes:
            action = policy.actions.get(cause.cause, cause.action)
            is_due = cause.alert or policy.when == "found"
            if action == "none" or not is_due or _ORDER.index(cause.certainty) < _ORDER.index(policy.min_certainty):
                continue
            # One that breaks later is another thing to do.
            each = [(name,) for name in cause.devices] if action == "inspect_device" and cause.devices else [()]
            found += [
                DriftAction(
                    id=action_id(site.site_id, cause.cause, cause.since, action, *one),
                    made_at=made_at,
                    day=document.day,
                    site=site.site_id,
                    cause=cause.cause,
                    certainty=cause.certainty,
                    since=cause.since,
                    devices=one or cause.devices,
                    action=action,
                    message=site.message,
                    bundle_version=document.bundle_version,
                    document=uri,
                )
                for one in each
            ]
    return found


def keep_actions(place: str, actions: Iterable[DriftAction]) -> list[DriftAction]:
    """Write those that are not there yet; one that is stays as it was.

    Returns:
        Those that are new.

    Raises:
        StorageError: The place cannot be written.
    """
    new = []
    for one in actions:
        uri = _uri(place, one.id)
        if not exists(uri):
            write_bytes(uri, _line(one).encode())
            new.append(one)
    return new


def read_actions(place: str) -> list[DriftAction]:
    """All actions of a place, by time.

    Raises:
        StorageError: The place cannot be read.
        DataError: A file of it is no action.
    """
    return sorted((_read(place, one) for one in _names(place, _SUFFIX)), key=lambda one: (one.made_at, one.id))


def undelivered_actions(place: str, receiver: str) -> list[DriftAction]:
    """Actions that a receiver has not taken yet, by time.

    Args:
        place: Folder or s3:// prefix of all days.
        receiver: Its address: a new one gets all of them.

    Raises:
        StorageError: The place cannot be read.
        DataError: A file of it is no action.
    """
    delivered = set(_names(place, _delivered(receiver)))
    return [one for one in read_actions(place) if one.id not in delivered]


def mark_delivered(place: str, action: DriftAction, receiver: str) -> None:
    """Remember that a receiver took an action.

    Raises:
        StorageError: The place cannot be written.
    """
    write_bytes(join(place, FOLDER, f"{action.id}{_delivered(receiver)}"), b"")


def _delivered(receiver: str) -> str:
    # An address may hold a secret: only a digest is kept, and not of what is behind `?`, where a token is exchanged.
    parts = urlsplit(receiver)
    address = f"{parts.scheme}://{parts.hostname}:{parts.port or ''}{parts.path}"
    return f".{uuid.uuid5(uuid.NAMESPACE_URL, address).hex[:12]}{_DELIVERED}"


def _uri(place: str, identifier: str) -> str:
    return join(place, FOLDER, f"{identifier}{_SUFFIX}")


def _names(place: str, suffix: str) -> list[str]:
    folder = join(place, FOLDER)
    if is_local(folder) and not local_path(folder).is_dir():
        return []
    names = (one.uri.rsplit("/", 1)[-1] for one in list_objects(folder))
    return [name.removesuffix(suffix) for name in names if name.endswith(suffix) and not name.startswith(".")]


def _read(place: str, identifier: str) -> DriftAction:
    uri = _uri(place, identifier)
    try:
        return DriftAction.model_validate_json(read_bytes(uri))
    except StorageError as error:
        if is_missing(error):
            raise DataError(f"{uri} was removed while it was read: run it again") from error
        raise
    except ValidationError as error:
        raise DataError(f"{uri} is no action of this version: {error.errors()[0]['msg']}; remove it") from error


def _line(action: DriftAction) -> str:
    return json.dumps(action.model_dump(mode="json"), ensure_ascii=False) + "\n"
