"""Finished steps of a run's folder: what a run that is started again need not do again.

The key of a step is `kfp.local`'s own (component, image, command, arguments) and what all steps of a run have in common
(`pipelines.local.identity.run_identity`). An input artifact counts with the bytes of its files, wherever they lie and
whenever they were made, and not with its metadata, which no cached step reads: what depends on a step that ran again
runs again only if that step made something else. A step becomes a finished one after its process ended well, in one
rename; outputs of a step that was killed are therefore never found, only removed.

`kfp.local` 2.17 has a cache of its own. It is not switched on: it looks at no file (a changed output or other code is
a hit), a task with `Output[Metrics]` never hits, an exit handler does, and it says nothing of what it skipped. Its key
and its file format are used here.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kfp import dsl
from kfp.local.cache import LocalCache

from pipelines.cache_keys import MADE_OF, MADE_WITH
from pipelines.local.differences import differences
from silencio.storage import write_atomically

_RECORD = "silencio"
# How kfp.local names the folder of one start; whatever else lies beside it is not ours.
_STARTED = re.compile(r"-\d{4}(-\d\d){5}-\d{6}$")


@dataclass(frozen=True)
class FinishedStep:
    """A step that need not run again.

    Attributes:
        outputs: As kfp.local hands them on.
        seconds: How long it took.
        ended_at: When it ended, in seconds since the epoch.
    """

    outputs: dict[str, Any]
    seconds: float
    ended_at: float


class FinishedSteps:
    """The finished steps in a folder of artifacts.

    Args:
        artifacts: Holds the outputs of all steps, and the records in `.finished`.
        identity: What all steps of this run have in common.
        version_of: Gives the version of what a text names (a folder, an S3 prefix), "" where it names nothing.

    Attributes:
        given_up: Key of the run in whose place `run_key` put another; empty where there was none.
    """

    def __init__(self, artifacts: Path, identity: str, version_of: Callable[[str], str]) -> None:
        self._version_of = version_of
        self._artifacts = artifacts
        self._identity = identity
        self._records = artifacts / ".finished"
        self._cache = LocalCache(str(self._records))
        # What is known of files: path to size, time of change and SHA-256.
        self._digests: dict[str, list[Any]] = {}
        # By key, what it was made of.
        self._tasks: dict[str, dict[str, Any]] = {}
        self.given_up = ""
        self._used: set[str] = set()
        self._not_to_be_found: set[Path] = set()

    def run_key(self, values: Any) -> str:
        """A random id that stays the same for as long as the same run is started again in this folder.

        Args:
            values: The run's arguments; with others, it is another run.
        """
        path = self._records / "run.key"
        identity = json.dumps([self._identity, values], sort_keys=True)
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if known.get("identity") != identity:
            self.given_up = str(known.get("key", ""))
            known = {"identity": identity, "key": uuid.uuid4().hex}
            write_atomically(path, json.dumps(known))
        return str(known["key"])

    def key(self, component_name: str, container: Any, arguments: dict[str, Any]) -> str:
        """Names a step with these inputs.

        Args:
            component_name: As compiled; nodes of one component have names of their own.
            container: Its container in the compiled graph.
            arguments: Parameters and input artifacts; a parameter that names files counts with what they are now.
        """
        # What stands for that of which artifacts were made is left out: here one can look at them.
        given = {name: value for name, value in arguments.items() if name not in (MADE_WITH, MADE_OF)}
        # Sorted: KFP hands arguments on in any order, another one in every process.
        places = {name: self._version_of(value) for name, value in sorted(given.items()) if isinstance(value, str)}
        inputs = {name: self._known_by(value) for name, value in given.items()}
        key: str = self._cache.compute_key(
            component_name=" ".join([self._identity, component_name, *places.values()]),
            image=container.image,
            full_command=[*container.command, *container.args],
            arguments=inputs,
            env_vars={variable.name: variable.value for variable in container.env},
        )
        self._tasks[key] = {
            "component": component_name,
            "code": self._identity,
            "places": {name: version for name, version in places.items() if version},
            "inputs": inputs,
            "artifacts": [name for name, value in inputs.items() if value != given[name]],
        }
        return key

    def why(self, key: str) -> str:
        """Why a step is no finished one, in words; "" where nothing like it has ended here."""
        if (self._records / f"{key}.json").exists():
            return "what it made is gone or was changed"
        like = self._like(key)
        return differences(like[0]["task"], self._tasks[key]) if like else ""

    def last_like(self, key: str) -> FinishedStep | None:
        """What the same step made of other inputs before this start: of several, that with the most in common."""
        like = self._like(key)
        return FinishedStep(like[1], like[0]["seconds"], like[0]["ended_at"]) if like else None

    def has_ended(self, component_name: str) -> bool:
        """Whether a step of this component, or a node of it, has ever ended here."""
        records = (self._cache.get(path.stem) or {} for path in self._records.glob("*.json"))
        return any(one.get(_RECORD, {}).get("task", {}).get("component") == component_name for one in records)

    def _like(self, key: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
        task = self._tasks.get(key)
        found = []
        for path in self._records.glob("*.json") if task else ():
            if path.stem in self._used:
                continue  # another item of the same loop
            outputs = self._cache.get(path.stem) or {}
            record = outputs.pop(_RECORD, None)
            # A record of an earlier version says less.
            if record and task and record.get("task", {}).get("component") == task["component"]:
                same = sum(task["inputs"].get(name) == value for name, value in record["task"]["inputs"].items())
                found.append((same, record["ended_at"], record, outputs))
        best = max(found, key=lambda one: one[:2], default=None)
        return (best[2], best[3]) if best else None

    def _known_by(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._known_by(one) for one in value]
        if not isinstance(value, dsl.Artifact):
            return value
        root = Path(value.path)
        found = hashlib.sha256()
        for path in _files_below(root):
            found.update(f"{path.relative_to(root)} {self._digest_of(path)}\0".encode())
        return found.hexdigest()

    def _digest_of(self, path: Path) -> str:
        """Of a file's bytes; a file of the same size and time of change is not read again."""
        facts = path.stat()
        known = self._digests.get(str(path))
        if known is None or known[:2] != [facts.st_size, facts.st_mtime_ns]:
            with path.open("rb") as file:
                known = [facts.st_size, facts.st_mtime_ns, hashlib.file_digest(file, "sha256").hexdigest()]
            self._digests[str(path)] = known
        return str(known[2])

    def find(self, key: str) -> FinishedStep | None:
        """The finished step, unless one of its outputs is not what it was when the step ended."""
        outputs = self._cache.get(key)
        if outputs is None:
            return None
        record = outputs.pop(_RECORD, None)
        if record is None or record["place"] != str(self._artifacts) or not self._are_there(outputs, record["files"]):
            return None
        self._digests.update({name: facts for name, *facts in record["files"]})
        self._used.add(key)
        return FinishedStep(outputs, record["seconds"], record["ended_at"])

    def keep(self, key: str, outputs: dict[str, Any], seconds: float) -> None:
        """Record a step that has just ended well.

        Args:
            key: Empty for a step that no later start shall find; its outputs stay as long as this one works.
            outputs: As kfp.local hands them on.
            seconds: How long it took.

        Raises:
            OSError: The record cannot be written.
        """
        if not key:
            self._not_to_be_found.update(path.parent for path in self._paths_of(outputs))
            return
        for path in self._paths_of(outputs):
            if not path.exists():
                path.touch()  # metrics are metadata without a file, and an artifact without a file counts as lost
        record = {"place": str(self._artifacts), "files": self._files_of(outputs), "seconds": seconds}
        record["task"] = self._tasks[key]
        record["ended_at"] = time.time()
        self._cache.put(key, {**outputs, _RECORD: record})
        self._used.add(key)

    def remove_unfinished(self) -> None:
        """Delete what killed and failed steps left of their outputs."""
        kept = set(self._not_to_be_found)
        for record in self._records.glob("*.json"):
            kept.update(path.parent for path in self._paths_of(self._cache.get(record.stem) or {}))
        above = {parent for path in kept for parent in path.parents}
        for started in self._artifacts.iterdir():
            if _STARTED.search(started.name):
                _remove_all_but(started, kept, above)

    def remove_unused(self) -> None:
        """Delete finished steps that this run had no use for: those of other arguments, code or recordings."""
        for path in self._records.glob("*.json"):
            if path.stem not in self._used:
                path.unlink()
        self.remove_unfinished()

    def _files_of(self, outputs: dict[str, Any]) -> list[list[Any]]:
        """Path, size, time of change and digest of every output file."""
        files = [file for path in self._paths_of(outputs) for file in _files_below(path)]
        return [[str(file), file.stat().st_size, file.stat().st_mtime_ns, self._digest_of(file)] for file in files]

    def _are_there(self, outputs: dict[str, Any], recorded: list[list[Any]]) -> bool:
        files = [file for path in self._paths_of(outputs) for file in _files_below(path)]
        facts = [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in files]
        return facts == [known[:3] for known in recorded]

    def _paths_of(self, outputs: dict[str, Any]) -> list[Path]:
        """Of the artifacts that lie in this folder; those of a run that was copied here lie where it ran."""
        values = [one for value in outputs.values() for one in (value if isinstance(value, list) else [value])]
        paths = [Path(value.uri) for value in values if isinstance(value, dsl.Artifact)]
        return [path for path in paths if path.is_relative_to(self._artifacts)]


def _files_below(path: Path) -> list[Path]:
    return [file for file in sorted(path.rglob("*")) if not file.is_dir()] if path.is_dir() else [path]


def _remove_all_but(folder: Path, kept: set[Path], above: set[Path]) -> None:
    if folder in kept:
        return
    if folder not in above:
        shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
        return
    for path in folder.iterdir():
        _remove_all_but(path, kept, above)
