"""The source `named files`: recordings whose names say their class, as in `kick_01.wav`, `snare_02.wav`."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from silencio.data.birdclef import SOUNDSCAPES
from silencio.data.class_folders import not_taken, taxonomy_of
from silencio.data.faults import Fault, fault_table
from silencio.data.file_names import is_audio, names_below
from silencio.data.recordings import Source, make_source
from silencio.errors import SchemaError, SourceError
from silencio.storage import StoredObject, join, name_of, read_bytes
from silencio.taxonomy import clean_name

FILE_NAMES = "file_names.yaml"
_GROUPS = ("label", "author", "site")
# What a name begins with, up to the first digit, blank or sign: a guess that is only ever proposed.
_PROPOSED = "([A-Za-z]+)"
_MAX_SHOWN = 5


class FileNames(BaseModel):
    """What `file_names.yaml` says.

    Attributes:
        pattern: Regular expression that a file's name (without folders) begins with. Its group `label`, or its only
            group, is the class; groups `author` and `site` are who recorded it and where, by which a split may group.
        class_name: Taxon class of all classes, where no `taxonomy.csv` says it.
        author: Author of all recordings.
        license: Licence of all recordings.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    pattern: str = Field(min_length=1)
    class_name: str = Field("unknown", min_length=1)
    author: str = ""
    license: str = ""

    @field_validator("pattern")
    @classmethod
    def _has_a_label(cls, pattern: str) -> str:
        try:
            compiled = re.compile(pattern)
        except re.error as error:
            raise ValueError(f"is not a regular expression ({error})") from error
        unknown = sorted(set(compiled.groupindex) - set(_GROUPS))
        if unknown:
            raise ValueError(f"has a group {unknown[0]!r}: groups are named {', '.join(_GROUPS)}")
        if "label" not in compiled.groupindex and (compiled.groups != 1 or compiled.groupindex):
            raise ValueError("must have a group for the class, such as ([a-z]+)_ or (?P<label>[a-z]+)_")
        return pattern

    def read(self, name: str) -> dict[str, str] | None:
        """`label` and, where the pattern has them, `author` and `site` of a file's name; None: it says no class."""
        # macOS decomposes accents in names of files, and nobody does in a pattern.
        match = re.match(unicodedata.normalize("NFC", self.pattern), unicodedata.normalize("NFC", name))
        if match is None:
            return None
        found = {key: clean_name(value) for key, value in match.groupdict().items() if value}
        label = found.get("label") or (clean_name(match[1] or "") if "label" not in match.groupdict() else "")
        return {**found, "label": label} if label else None


def read_named_files(root: str, files: list[StoredObject]) -> Source:
    """Take each recording's label from its name, as `file_names.yaml` in `root` says.

    A `taxonomy.csv` in `root`, in BirdCLEF's form, names the classes; without it a class is its own name. A recording
    whose name says no class is left out and named. `train_soundscapes/` holds unlabelled recordings.

    Args:
        root: The folder, prefix or zip.
        files: Everything below it.

    Raises:
        SourceError: No recordings, or not one whose name says a class.
        SchemaError: `file_names.yaml` or the taxonomy is broken.
    """
    uri = join(root, FILE_NAMES)
    rule = _read_rule(uri)
    uris = names_below(root, files)
    names = list(uris)
    audio = [name for name in names if is_audio(name)]
    found = {name: rule.read(name_of(name)) for name in audio if not name.startswith(f"{SOUNDSCAPES}/")}
    rows = pd.DataFrame([{"recording_id": name, **one} for name, one in found.items() if one], dtype=object)
    if rows.empty:
        first = f", the first is {name_of(min(found))!r}" if found else ""
        raise SourceError(f"{uri}: not one of {len(found)} recordings has a name like {rule.pattern!r}{first}")
    rows = rows.rename(columns={"label": "primary_label"}).fillna("")
    rows["path"] = [uris[name] for name in rows["recording_id"]]
    rows["secondary_labels"] = [[] for _ in rows.index]
    rows["license"] = rule.license
    if "author" not in rows:
        rows["author"] = rule.author
    nameless = [name for name, one in found.items() if not one]
    source = make_source(
        rows,
        taxonomy_of(root, names, sorted(set(rows["primary_label"])), rule.class_name),
        soundscapes=[uris[name] for name in audio if name.startswith(f"{SOUNDSCAPES}/")],
        taken_as=f"recordings named by class, as {FILE_NAMES} says, in {root}"
        f"{not_taken({'with other names': len(nameless)})}",
    )
    faults = [Fault(name, "unknown_label", f"the file's name is not as {FILE_NAMES} says") for name in nameless]
    faults += [Fault(*row) for row in source.faults[["recording_id", "kind", "detail"]].itertuples(index=False)]
    return replace(source, faults=fault_table(faults))


def proposal(names: list[str]) -> str:
    """How a folder of recordings can become a source, and which classes that would give; for an error's message.

    Args:
        names: Names of the recordings.
    """
    rule = FileNames(pattern=_PROPOSED)
    labels = [found["label"] for name in names if (found := rule.read(PurePosixPath(name).name))]
    counts = [f"{label} {n}" for label, n in Counter(labels).most_common(_MAX_SHOWN)]
    more = ", …" if len(set(labels)) > len(counts) else ""
    example = f" (would give {', '.join(counts)}{more})" if counts else ""
    return f"if their names say their class, write {FILE_NAMES} beside them, such as pattern: '{_PROPOSED}'{example}"


def _read_rule(uri: str) -> FileNames:
    try:
        values: Any = yaml.safe_load(read_bytes(uri).decode("utf-8-sig"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SchemaError(f"{uri} is not YAML: {error}") from error
    if not isinstance(values, dict):
        raise SchemaError(f"{uri} must be a mapping such as pattern: '{_PROPOSED}', not {type(values).__name__}")
    try:
        return FileNames.model_validate(values)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        message = "is not known here" if fault["type"] == "extra_forbidden" else fault["msg"]
        raise SchemaError(f"{uri}: {place} {message.removeprefix('Value error, ')}") from error
