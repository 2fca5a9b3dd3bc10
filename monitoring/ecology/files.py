"""Files that people write by hand, checked: a fault is one sentence that names the file, the key and the value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import yaml
from pydantic import BaseModel, ValidationError

from silencio.errors import ConfigError, DataError, SilencioError
from silencio.storage.parquet import read_parquet

_Model = TypeVar("_Model", bound=BaseModel)


def read_yaml(path: Path, model: type[_Model], what: str) -> _Model:
    """A YAML file as a checked model.

    Args:
        path: The file.
        model: Its shape.
        what: What the file is, for messages.

    Raises:
        ConfigError: It cannot be read, is no YAML mapping, or has a value that cannot be used.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{what} {path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{what} {path} is not YAML: {reason}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{what} {path} must be a YAML mapping, not {type(values).__name__}")
    return checked(values, model, f"{what} {path}")


def checked(values: dict[Any, Any], model: type[_Model], what: str) -> _Model:
    """Values as a checked model.

    Args:
        values: As they were read.
        model: Their shape.
        what: Where they were read, for messages.

    Raises:
        ConfigError: One cannot be used.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        reason = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{what}: {where + ': ' if where else ''}{reason}") from error


def read_rows(path: Path, what: str, error_type: type[SilencioError] = DataError) -> pa.Table:
    """A table of Parquet, or of lines of JSON (`.jsonl`).

    Args:
        path: The file.
        what: What the file is, for messages.
        error_type: What is raised.

    Raises:
        SilencioError: It cannot be read; of the type given.
    """
    try:
        if path.suffix == ".jsonl":
            lines = path.read_text(encoding="utf-8").splitlines()
            return pa.Table.from_pylist([json.loads(line) for line in lines if line.strip()])
        return read_parquet(path)
    except OSError as error:
        raise error_type(f"{what} {path} cannot be read: {error.strerror or error}") from error
    except (ValueError, pa.ArrowException, AttributeError) as error:
        raise error_type(f"{what} {path} is neither Parquet nor lines of JSON (.jsonl): {error}") from error
