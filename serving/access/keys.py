"""The keys file: one line a key with its role, and never the key itself.

What is kept is the plain sha256 of a key. Passwords need a slow, salted hash because people choose few of them; a key
is 256 random bits, which nobody finds by trying, so that a fast hash is as safe and can be taken of every request.
"""

from __future__ import annotations

import hashlib
import math
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from silencio.errors import ConfigError, SchemaError
from silencio.tables import Table, read_csv

# Whose key it is: a program that has recordings scored, a person who reviews detections, who operates the server.
Role = Literal["app", "reviewer", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
COLUMNS = ("name", "sha256", "requests_per_minute", "burst", "role")
# Of files from before there were roles: their keys are of role app.
_COLUMNS_WITHOUT_ROLE = COLUMNS[:-1]
_PREFIX = "silencio_"  # so that scanners for leaked secrets can know one
_N_RANDOM_BYTES = 32
# Where a line names no burst: what may come at once is what ten seconds allow.
_BURST_S = 10.0


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(pattern=r"^[A-Za-z0-9._@-]{1,64}$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    requests_per_minute: float = Field(gt=0, le=1e6)
    burst: int | None = Field(default=None, ge=1, le=1_000_000)
    role: Role = "app"


@dataclass(frozen=True)
class ApiKey:
    """One key, without the key itself.

    Attributes:
        name: Its holder's name, for logs and the prediction log.
        digest: sha256 of the key.
        requests_per_minute: Requests that are let in per minute, in the long run.
        burst: How many requests may come at once after a pause.
        role: What its holder may do.
    """

    name: str
    digest: bytes
    requests_per_minute: float
    burst: int
    role: Role = "app"


def digest_of(key: str) -> bytes:
    """sha256 of a key, as the keys file holds it in hexadecimal."""
    return hashlib.sha256(key.encode()).digest()


def read_keys(path: Path) -> tuple[ApiKey, ...]:
    """Read a keys file: CSV with the columns `name,sha256,requests_per_minute,burst,role`.

    The last two may be empty; a file from before there were roles has no last column.

    Raises:
        ConfigError: It cannot be read, lacks its header, or a line cannot be used; the message names it.
    """
    table = _table(path)
    keys = [_key(path, row.line, row.cells) for row in table.rows]
    for what, values in (("name", [key.name for key in keys]), ("sha256", [key.digest.hex() for key in keys])):
        if len(set(values)) < len(values):
            twice = next(value for value in values if values.count(value) > 1)
            raise ConfigError(f"keys file {path}: the {what} {twice} stands there twice")
    return tuple(keys)


def _table(path: Path) -> Table:
    try:
        content = path.read_bytes()
        table = read_csv(content, f"keys file {path}") if content.strip() else Table((), (), ",")
    except OSError as error:
        raise ConfigError(f"keys file {path} cannot be read: {error}") from error
    except SchemaError as error:
        raise ConfigError(str(error)) from error
    if table.header not in (COLUMNS, _COLUMNS_WITHOUT_ROLE):
        raise ConfigError(f"keys file {path}: its first line must be {','.join(COLUMNS)}")
    return table


def _key(path: Path, n_line: int, row: Mapping[str, str]) -> ApiKey:
    try:
        line = _Line.model_validate({name: value.strip() for name, value in row.items() if value.strip()})
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, fault["loc"]))
        raise ConfigError(f"keys file {path}, line {n_line}: {field}: {fault['msg']}") from error
    burst = line.burst or math.ceil(line.requests_per_minute * _BURST_S / 60.0)
    return ApiKey(line.name, bytes.fromhex(line.sha256), line.requests_per_minute, burst, line.role)


def add_key(path: Path, name: str, requests_per_minute: float, burst: int | None, role: Role = "app") -> str:
    """Make a key and append its hash to a keys file, which is made where there is none (mode 0600).

    Args:
        path: The keys file.
        name: The key holder's name, for logs.
        requests_per_minute: Requests that are let in per minute, in the long run.
        burst: How many may come at once; None: what ten seconds allow.
        role: What its holder may do.

    Returns:
        The key; it is kept nowhere.

    Raises:
        ConfigError: The file or a value cannot be used, or the name is taken.
    """
    if path.exists() and any(key.name == name for key in read_keys(path)):
        raise ConfigError(f"keys file {path} has a key {name} already: delete its line, or choose another name")
    key = _PREFIX + secrets.token_urlsafe(_N_RANDOM_BYTES)
    values: tuple[str, ...] = (name, digest_of(key).hex(), f"{requests_per_minute:g}", str(burst or ""), role)
    _key(path, 0, dict(zip(COLUMNS, values, strict=True)))
    delimiter = ","
    if path.exists():
        table = _table(path)
        delimiter = table.delimiter
        if table.header == _COLUMNS_WITHOUT_ROLE:
            if role != "app":
                raise ConfigError(
                    f"keys file {path} has no column role: write {delimiter}role at the end of its first line, and try "
                    "again; keys that name none are of role app"
                )
            values = values[:-1]
    try:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "r+b") as file:
            content = file.read()
            content.decode("utf-8")  # a table in UTF-16 can be read, and a line in UTF-8 behind it could not
            head = b"" if content else f"{','.join(COLUMNS)}\n".encode()
            end = b"\n" if content and not content.endswith(b"\n") else b""
            file.write(end + head + f"{delimiter.join(values)}\n".encode())
    except UnicodeDecodeError as error:
        raise ConfigError(f"keys file {path} is not in UTF-8: save it as UTF-8, then add to it") from error
    except OSError as error:
        raise ConfigError(f"keys file {path} cannot be written: {error.strerror or error}") from error
    return key
