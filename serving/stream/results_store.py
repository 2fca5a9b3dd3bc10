"""The consumer's results: one file an input, whose existence says that it is done.

A file or an object appears whole or not at all and under one name, so a consumer that is killed at any moment finds
each input either done or not, and doing it once more replaces the same file with the same content. A database beside
the results could differ from them, and S3 has no file that can be appended to. An entry is called as its
input is; where that is no name of a file here (too long with its suffix), it is called by the SHA-256 of it.
"""

from __future__ import annotations

import hashlib
import re
from typing import Self, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from silencio.detections import RecordingDocument
from silencio.detections.documents import DetectionEntry
from silencio.errors import StorageError
from silencio.storage import is_refused_name, is_s3, join, list_objects, read_bytes, write_bytes

ANSWERS, FAILURES = "answers", "failures"
_SUFFIX = ".json"
# What S3 takes for a key is 1,024 bytes.
_MAX_KEY_BYTES = 1_000
# An entry whose input's name is no name of a file here; other entries end as recordings do.
_DIGEST = re.compile(r"[0-9a-f]{64}")

_Entry = TypeVar("_Entry", bound=BaseModel)


class Answer(BaseModel):
    """An input that was scored, with everything that the tables need.

    Attributes:
        file: Relative to where the consumer watches.
        version: Version of the input, as its place says.
        duration_s: Length of the recording.
        codes: Codes of the classes, sorted.
        ends_s: End of each window's row.
        probabilities: Probabilities by window, in the order of `codes`.
        detections: Merged detections.
        notes: What was odd about the recording, as sentences.
        bundle_version: Version of the bundle that scored it; empty in answers of a version that did not keep it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    version: str
    duration_s: float
    codes: list[str]
    ends_s: list[float]
    probabilities: list[list[float]]
    detections: list[DetectionEntry]
    notes: list[str] = []
    bundle_version: str = ""

    @classmethod
    def of(cls, file: str, version: str, document: RecordingDocument) -> Self:
        """Make an answer of the endpoint's document, which lists all species."""
        codes = sorted({one.code for window in document.windows for one in window.species})
        by_code = [{one.code: one.probability for one in window.species} for window in document.windows]
        # Nine digits give back every float32, and are half as long as Python's.
        rows = [[float(f"{row.get(code, np.nan):.9g}") for code in codes] for row in by_code]
        last_s = document.windows[-1].end_s if document.windows else 0.0
        return cls(
            file=file,
            version=version,
            duration_s=last_s if document.duration_s is None else document.duration_s,
            codes=codes,
            ends_s=document.row_ends_s,
            probabilities=rows,
            detections=document.detections,
            notes=[note.text for note in document.notes],
            bundle_version=document.bundle_version,
        )


class Failure(BaseModel):
    """An input that will never be scored as it is.

    Attributes:
        file: Relative to where the consumer watches.
        version: Version of the input: another content is another try.
        reason: The endpoint's sentence about it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    version: str
    reason: str


class ResultsStore:
    """The results of one consumer.

    Args:
        place: Folder or `s3://` prefix of the results.

    Raises:
        StorageError: The place does not answer, or holds something else.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        # Inputs whose entries are named by digest, by kind.
        self._digested: dict[str, set[str]] = {ANSWERS: set(), FAILURES: set()}
        self.answered = set(self._names(ANSWERS))
        self.failures: dict[str, Failure] = {}
        for file in self._names(FAILURES):
            failure = self._read(Failure, FAILURES, file)
            # What was a failure and was replaced by a recording has both.
            if file not in self.answered:
                self.failures[file] = failure

    @property
    def n_done(self) -> int:
        """Inputs that are answered or listed as failures."""
        return len(self.answered) + len(self.failures)

    def needs(self, file: str, version: str) -> bool:
        """Whether an input is still to be scored: neither answered, nor failed with this very content."""
        failure = self.failures.get(file)
        return file not in self.answered and (failure is None or failure.version != version)

    def add_answer(self, answer: Answer) -> None:
        """Write an answer; the input is done when this returns."""
        self._write(ANSWERS, answer)
        self.answered.add(answer.file)
        self.failures.pop(answer.file, None)

    def add_failure(self, failure: Failure) -> None:
        """Write a failure; the input is listed, and left alone, when this returns."""
        self._write(FAILURES, failure)
        self.failures[failure.file] = failure

    def answer(self, file: str) -> Answer:
        """Read the answer of one of `answered`."""
        return self._read(Answer, ANSWERS, file)

    def _write(self, kind: str, entry: Answer | Failure) -> None:
        """Under the input's own name; where that is no name of a file, under its digest."""
        content = entry.model_dump_json().encode()
        uri = self._uri(kind, entry.file)
        try:
            if is_s3(uri) and len(uri.encode()) > _MAX_KEY_BYTES:
                self._digested[kind].add(entry.file)
            write_bytes(self._uri(kind, entry.file), content)
        except StorageError as error:
            if not is_refused_name(error) or entry.file in self._digested[kind]:
                raise
            self._digested[kind].add(entry.file)
            write_bytes(self._uri(kind, entry.file), content)

    def _uri(self, kind: str, file: str) -> str:
        name = hashlib.sha256(file.encode()).hexdigest() if file in self._digested[kind] else file
        return join(self._place, kind, f"{name}{_SUFFIX}")

    def _names(self, kind: str) -> list[str]:
        root = join(self._place, kind)
        try:
            found = list_objects(root)
        except StorageError as error:
            if is_s3(root) or not isinstance(error.__cause__, FileNotFoundError):
                raise
            return []  # a folder that this consumer has not made yet
        entries = (one.uri.removeprefix(root).lstrip("/") for one in found)
        # A dot begins what a killed consumer was writing.
        names = [
            entry.removesuffix(_SUFFIX)
            for entry in entries
            if entry.endswith(_SUFFIX) and not entry.rpartition("/")[2].startswith(".")
        ]
        digests = [name for name in names if _DIGEST.fullmatch(name)]
        for digest in digests:
            model: type[Answer] | type[Failure] = Answer if kind == ANSWERS else Failure
            self._digested[kind].add(self._parsed(model, join(root, f"{digest}{_SUFFIX}")).file)
        return [*(name for name in names if not _DIGEST.fullmatch(name)), *self._digested[kind]]

    def _read(self, kind: type[_Entry], folder: str, file: str) -> _Entry:
        return self._parsed(kind, self._uri(folder, file))

    @staticmethod
    def _parsed(kind: type[_Entry], uri: str) -> _Entry:
        try:
            return kind.model_validate_json(read_bytes(uri))
        except ValidationError as error:
            raise StorageError(f"{uri} is no entry of a consumer's results: is --to the right place?") from error
