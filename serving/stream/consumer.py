"""Have every recording of a place scored once, whatever happens meanwhile."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

from serving.client import Client, RefusedRecordingError, RetryPolicy
from serving.client.file_recorder import recorder_of_file
from serving.server.protocol import MAX_SESSION_CHARACTERS
from serving.server.recorder_ids import RecorderIds
from serving.stream.kept_rows import KeptRows
from serving.stream.results_store import Answer, Failure, ResultsStore
from serving.stream.stopping import StopRequest
from silencio.audio import Truncated
from silencio.data.file_names import is_audio, site_and_time
from silencio.detections import RecordingDocument
from silencio.detections.score_tables import TABLES, ScoreTables, row_names
from silencio.errors import ServingError, StorageError
from silencio.storage import StoredObject, concerns_one_file, is_s3, join, list_objects, read_bytes, write_bytes

# Storage that does not answer is looked at again at the client's own back-off.
_STORAGE_RETRIES = RetryPolicy()
_PAUSE_PER_WRITE = 20.0


@dataclass(frozen=True)
class ConsumerConfig:
    """What a consumer does.

    Attributes:
        source: Folder or `s3://` prefix that is watched, at any depth.
        target: Folder or prefix of the results and the tables.
        url: The transformer's address.
        n_clients: Requests at once.
        every_s: Seconds from one look at the place to the next.
        settle_s: A file of a folder is taken when two looks so far apart found it unchanged. Objects of S3 appear
            whole and are taken at once.
        tables_s: The tables are written when there is nothing to do, and not more often than this; long ones not more
            often than a twentieth of the time allows.
        give_up_s: How long a recording is tried again before it is left for later.
        api_key: The key; None where the server needs none.
        key_in_clear: It may go to another machine without TLS.
        cacert: PEM of whoever signed the server's certificate; None: as the environment says, else public authorities.
        truncated: What becomes of a file that ends before its recording does.
        recorder: Site and recorder of everything; where one is empty, files' names and folders tell it.
        zone: Zone of the recorders' clocks, for names that tell none; None: the server takes them for UTC.
    """

    source: str
    target: str
    url: str
    n_clients: int = 2
    every_s: float = 2.0
    settle_s: float = 2.0
    tables_s: float = 60.0
    give_up_s: float = 120.0
    api_key: str | None = None
    key_in_clear: bool = False
    cacert: Path | None = None
    truncated: Truncated = "note"
    recorder: RecorderIds = field(default_factory=RecorderIds)
    zone: ZoneInfo | None = None


class _LaterError(Exception):
    """An input that cannot be read now."""


@dataclass
class _Seen:
    version: tuple[int, str]
    since_s: float


@dataclass
class Consumer:
    """One consumer of one place.

    Args:
        config: What the consumer does.
        report: Called with what people may want to know, a line each.

    Attributes:
        waiting: By file, why inputs that may be scored later were not.

    Raises:
        ServingError: The server's address, or the proxy that the environment names, cannot be used, or the server's
            certificate is not taken.
        ConfigError: The key cannot be one, or would go out in clear; or certificates that are named cannot be used.
        StorageError: The place of the results does not answer.
    """

    config: ConsumerConfig
    report: Callable[[str], None] = lambda message: None
    waiting: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._stopped = StopRequest()
        # What is wrong with the address, the key, a proxy or the certificate is so for every recording.
        with self._client() as client:
            client.check_certificate()
        self.results = ResultsStore(self.config.target)
        self._seen: dict[str, _Seen] = {}
        self._left: dict[str, str] = {}
        self._closed: dict[str, str] = {}
        self._server_is_away = False
        self._n_storage_failures = 0
        self._tables_are_old = True
        self._tables_written_s = float("-inf")
        self._tables_took_s = 0.0
        self._kept = KeptRows()

    def stop(self) -> None:
        """Let running requests end, and begin nothing more. May be called by a signal handler."""
        self._stopped.set()

    def run(self, *, once: bool) -> None:
        """Watch until stopped; or, `once`, until every input that is there is done or cannot be done now.

        Raises:
            StorageError: A place does not answer, `once` or at the end; a watcher waits until it does.
        """
        while not self._stopped.is_set():
            n_done = self.results.n_done
            try:
                is_all_whole = self._round()
                made_progress = self.results.n_done > n_done
                if not made_progress and not once:
                    self._write_tables_sometimes()
            except StorageError as error:
                if once:
                    raise
                self._n_storage_failures += 1
                pause_s = _STORAGE_RETRIES.pause_s(self._n_storage_failures, jitter=0.5)
                self.report(f"trying again in {pause_s:g} s: {error}")
                self._stopped.wait(pause_s)
                continue
            self._n_storage_failures = 0
            if once and is_all_whole and not made_progress:
                break
            if not made_progress:
                self._stopped.wait(self.config.every_s)
        self.write_tables()

    def _round(self) -> bool:
        """One look, and all that can be done now.

        Returns:
            Whether nothing was left alone because it is still being written.
        """
        inputs = self._inputs()
        whole = [one for one in inputs if self._is_whole(one)]
        todo = [one for one in whole if self.results.needs(self._name(one), one.version)]
        self._note_waiting(inputs)
        # What was left for later comes last, so that one input on which the server fails holds nobody up.
        todo.sort(key=lambda one: (self._name(one) in self._left, one.uri))
        self._server_is_away = False
        with ThreadPoolExecutor(self.config.n_clients) as clients:
            list(clients.map(self._consume, todo))
        return len(whole) == len(inputs)

    def _note_waiting(self, inputs: Sequence[StoredObject]) -> None:
        """What is not done, and why."""
        names = [self._name(one) for one in inputs if self.results.needs(self._name(one), one.version)]
        self.waiting = {name: self._left.get(name, "it is new, or still being written") for name in names}
        self.waiting |= self._closed

    def _inputs(self) -> list[StoredObject]:
        """Recordings by name; hidden and temporary names are none. A folder that cannot be listed holds no other up."""
        self._closed = {}
        found = list_objects(self.config.source, self._note_closed)
        return [one for one in found if is_audio(self._name(one))]

    def _note_closed(self, uri: str, error: StorageError) -> None:
        self._closed[f"{self._below(uri)}/"] = str(error)

    def _name(self, one: StoredObject) -> str:
        return self._below(one.uri)

    def _below(self, uri: str) -> str:
        return uri.removeprefix(self.config.source).lstrip("/")

    def _is_whole(self, one: StoredObject) -> bool:
        name = self._name(one)
        if is_s3(self.config.source) or name in self.results.answered:
            return True
        now_s, version = time.monotonic(), (one.size_bytes, one.version)
        seen = self._seen.setdefault(name, _Seen(version, now_s))
        if seen.version != version:
            self._seen[name] = _Seen(version, now_s)
            return False
        return now_s - seen.since_s >= self.config.settle_s

    def _consume(self, one: StoredObject) -> None:
        """Score one input, and write down what came of it."""
        name = self._name(one)
        if self._stopped.is_set():
            return
        try:
            encoded = read_bytes(one.uri)
            if len(encoded) != one.size_bytes:
                self._seen.pop(name, None)  # it grew between the look and now
                raise _LaterError(f"it had {one.size_bytes} bytes, and has {len(encoded)} now")
            document = self._predict(encoded, name)
        except RefusedRecordingError as error:
            self.results.add_failure(Failure(file=name, version=one.version, reason=str(error)))
            self.report(f"{name}: failed: {error}")
        except (StorageError, ServingError, _LaterError) as error:
            if isinstance(error, StorageError) and not concerns_one_file(error):
                raise
            self._server_is_away |= isinstance(error, ServingError)
            # A file that cannot be read is tried at every look, and reported once.
            if isinstance(error, ServingError) or self._left.get(name) != str(error):
                self.report(f"{name}: left for later: {error}")
            self._left[name] = self.waiting[name] = str(error)
            return
        else:
            answer = Answer.of(name, one.version, document)
            self.results.add_answer(answer)
            self._server_is_away = False
            counts = {"window": len(answer.ends_s), "detection": len(answer.detections)}
            counted = (f"{count} {what}" + "s" * (count != 1) for what, count in counts.items())
            self.report(f"{name}: {', '.join(counted)}")
        for notes in (self.waiting, self._left, self._seen):
            notes.pop(name, None)
        self._tables_are_old = True

    def _client(self, max_elapsed_s: float = 0.0) -> Client:
        return Client(
            self.config.url,
            api_key=self.config.api_key,
            retry=RetryPolicy(max_elapsed_s, retried=(ServingError,)),
            wait=self._stopped.wait,
            key_in_clear=self.config.key_in_clear,
            cacert=self.config.cacert,
        )

    def _predict(self, encoded: bytes, name: str) -> RecordingDocument:
        recorder = recorder_of_file(name, self.config.recorder)
        # Once one had to give up, the others of this round are tried without patience, until one is answered.
        with self._client(0.0 if self._server_is_away else self.config.give_up_s) as client:
            return client.predict(
                encoded,
                "all",
                recorded_at=self._began(name),
                session_id=session_of(name),
                site_id=recorder.site_id or None,
                device_id=recorder.device_id or None,
                priority="batch",
                truncated=self.config.truncated,
            )

    def _began(self, name: str) -> datetime | None:
        """When a recording began, by its name."""
        text = site_and_time(name)[1]
        began = datetime.fromisoformat(text) if text else None
        return began.replace(tzinfo=self.config.zone) if began is not None and began.tzinfo is None else began

    def _write_tables_sometimes(self) -> None:
        # A season's tables are long: they may take a twentieth of the time, however many recordings come.
        pause_s = max(self.config.tables_s, _PAUSE_PER_WRITE * self._tables_took_s)
        if self._tables_are_old and time.monotonic() - self._tables_written_s >= pause_s:
            self.write_tables()

    def write_tables(self) -> None:
        """BirdCLEF's rows, detections and what became of every input, from the results store alone.

        An answer is read and made rows of once in this consumer's life; what a later call does for it is a copy.
        """
        begun_s = time.monotonic()
        for file in sorted(self.results.answered):
            if file not in self._kept:
                self._kept.keep(self.results.answer(file))
        names = row_names(sorted({*self.results.answered, *self.results.failures, *self.waiting}))
        with tempfile.TemporaryDirectory(prefix="silencio-tables-") as folder:
            with ScoreTables(Path(folder), self._kept.codes) as tables:
                self._kept.write(tables, names)
                for file, failure in sorted(self.results.failures.items()):
                    if file not in self.waiting:  # else it is another recording by now
                        tables.not_scored(file, "failed", failure.reason)
                for file, reason in sorted(self.waiting.items()):
                    tables.not_scored(file, "waiting", reason)
            for name in TABLES:
                write_bytes(join(self.config.target, name), Path(folder) / name)
        self._tables_are_old = False
        self._tables_written_s = time.monotonic()
        self._tables_took_s = self._tables_written_s - begun_s


def session_of(name: str) -> str | None:
    """The session of a recorder's file: its folder, site and day. Where two bundles share work, one scores all of it.

    Args:
        name: Path below the place that is watched.

    Returns:
        None where the name tells no time, or is longer than a session's id may be.
    """
    site, began = site_and_time(name)
    session_id = "/".join(part for part in (*PurePosixPath(name).parent.parts, site, began[:10]) if part)
    return session_id if began and session_id.isprintable() and len(session_id) <= MAX_SESSION_CHARACTERS else None
