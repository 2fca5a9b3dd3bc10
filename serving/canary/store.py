"""The record of releases in a folder of this machine: one file a release, one judge at a time.

state.json            the last release, as it stands
judge.lock            locked by the judge; its name, process and fencing token
requests/             what people asked for and the judge has not done yet
releases/<id>/        what is kept of each release: record.json, evidence.json, verdict.json, report.html
"""

from __future__ import annotations

import fcntl
import json
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import ValidationError

from serving.canary.requests import Request
from silencio.errors import LeaseHeldError, ReleaseError, ReleaseRefusedError
from silencio.release.record import ReleaseRecord
from silencio.storage import write_atomically, writing

_STATE, _LOCK, _REQUESTS, _RELEASES, _RECORD = "state.json", "judge.lock", "requests", "releases", "record.json"


class FileStore:
    """Record, lease, requests and folders of releases below one folder.

    Args:
        folder: It is made where it is not there. Locks of a network file system are those of its server: a local disk
            is meant.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def lease(self, holder: str) -> Iterator[int]:
        """Be the only judge until the block ends, or the process does: the system gives the lock back.

        Args:
            holder: Who: shown to whoever is refused.

        Yields:
            The fencing token, which grows with each holder.

        Raises:
            LeaseHeldError: Somebody else is.
        """
        path = self.folder / _LOCK
        with writing(path):
            self.folder.mkdir(parents=True, exist_ok=True)
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LeaseHeldError(
                    f"another judge is at work on {self.folder}: {_held_by(path)}; stop it, or leave a request by "
                    "`silencio release`, which it will see at its next look"
                ) from error
            with writing(path):
                token = _token_in(path) + 1
                text = json.dumps({"token": token, "holder": holder, "pid": os.getpid()}).encode()
                os.pwrite(file, text, 0)
                os.ftruncate(file, len(text))
                os.fsync(file)
            yield token
        finally:
            os.close(file)

    def load(self) -> ReleaseRecord | None:
        """The last release, ended or not; None: there was none.

        Raises:
            ReleaseError: The file is none of ours.
        """
        return _read(self.folder / _STATE)

    def save(self, record: ReleaseRecord, *, fencing_token: int) -> ReleaseRecord:
        """Write the record whole; a kill leaves the former one or this one.

        Raises:
            LeaseHeldError: Another judge has the lease by now, or has written since this one read.
            ReleaseRefusedError: Another release has not ended.
            StorageError: It cannot be written.
        """
        if (held := _token_in(self.folder / _LOCK)) != fencing_token:
            raise LeaseHeldError(f"the lease was lost: {_held_by(self.folder / _LOCK)} (token {held})")
        former = self.load()
        version = former.version if former is not None else 0
        if former is not None and former.release_id == record.release_id and version != record.version:
            raise LeaseHeldError(
                f"release {record.release_id} was written by somebody else: version {version}, {record.version} known"
            )
        if former is not None and former.release_id != record.release_id and not former.has_ended:
            raise ReleaseRefusedError(
                f"release {former.release_id} has not ended ({former.state}): end it by `silencio release abort`, or "
                "start the new one with --supersede"
            )
        written = record.model_copy(update={"version": version + 1})
        text = written.model_dump_json(indent=1)
        write_atomically(self.folder / _STATE, text)
        _sync(self.folder)
        seen = None if former is None else (former.release_id, former.state, former.history, former.outstanding)
        if seen != (written.release_id, written.state, written.history, written.outstanding):
            # The list of releases needs what happened, and not every look.
            write_atomically(self.of_release(record.release_id) / _RECORD, text)
        return written

    def of_release(self, release_id: str) -> Path:
        """The folder of a release's files."""
        return self.folder / _RELEASES / release_id

    def earlier(self) -> list[ReleaseRecord]:
        """All releases that there were, the first first, the current one as it stands."""
        found = {}
        for path in sorted((self.folder / _RELEASES).glob(f"*/{_RECORD}")):
            if (record := _read(path)) is not None:
                found[record.release_id] = record
        if (current := self.load()) is not None:
            found[current.release_id] = current
        return sorted(found.values(), key=lambda record: record.began_at)

    def put(self, request: Request) -> None:
        """Leave a request for the judge's next look."""
        name = f"{request.written_at.replace(':', '')}-{uuid.uuid4().hex[:8]}.json"
        write_atomically(self.folder / _REQUESTS / name, request.model_dump_json())

    def pending(self) -> Sequence[Request]:
        """Requests that are not done yet, the first first."""
        return [request for _, request in self._requests()]

    def remove(self, request: Request) -> None:
        """A request was done."""
        for path, found in self._requests():
            if found == request:
                path.unlink(missing_ok=True)

    def _requests(self) -> list[tuple[Path, Request]]:
        found = []
        for path in sorted((self.folder / _REQUESTS).glob("*.json")):
            with suppress(FileNotFoundError):  # done meanwhile
                try:
                    found.append((path, Request.model_validate_json(path.read_bytes())))
                except ValidationError as error:
                    raise ReleaseError(f"{path} is no request of `silencio release`: delete it ({error})") from error
        return found


def _read(path: Path) -> ReleaseRecord | None:
    try:
        return ReleaseRecord.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise ReleaseError(
            f"{path} is no record of a release of this version of Silencio: look at the route, then move it away to "
            f"begin anew ({error.error_count()} faults, the first at {error.errors()[0]['loc']})"
        ) from error


def _sync(folder: Path) -> None:
    """A machine that loses power keeps the rename as well."""
    with writing(folder):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _lock_content(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}  # a judge that is just writing it, or was killed while it did
    return content if isinstance(content, dict) else {}


def _token_in(path: Path) -> int:
    token = _lock_content(path).get("token", 0)
    return token if isinstance(token, int) else 0


def _held_by(path: Path) -> str:
    content = _lock_content(path)
    return f"{content.get('holder', 'somebody')}, process {content.get('pid', 'unknown')}"
