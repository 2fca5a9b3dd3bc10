"""Kinds of values that servers alone have, as text of a command line or of the environment."""

from __future__ import annotations

import math
import re
from typing import Annotated, Literal

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

from serving.settings.origins import check_origin
from silencio.errors import ConfigError

_MAX_PORT = 65_535
# As the SDK's own options have it.
_TRUE, _FALSE = ("1", "true", "yes", "y", "on", "t"), ("0", "false", "no", "n", "off", "f")

_RELEASE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def is_release_id(value: object) -> bool:
    """Whether it may stand in headers, file names and labels."""
    return isinstance(value, str) and _RELEASE_ID.fullmatch(value) is not None


def _release_id(value: object) -> object:
    if not is_release_id(value):
        raise PydanticCustomError("release_id", "1 to 64 letters, digits, dots, hyphens and underscores are needed")
    return value


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text not in _TRUE + _FALSE:
        raise PydanticCustomError("flag", "true or false is needed")
    return text in _TRUE


def _port(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value)
    if not isinstance(value, int) or not 0 <= value <= _MAX_PORT:
        raise PydanticCustomError("port", "a port is needed: 0 to 65535")
    return value


def _share(value: object) -> float:
    try:
        number = float(value) if isinstance(value, str | int | float) else math.nan
    except ValueError:
        number = math.nan
    if not 0 <= number <= 1:
        raise PydanticCustomError("share", "a share from 0 to 1 is needed")
    return number


def _origins(value: object) -> tuple[str, ...]:
    """A flag may be given again; a variable has commas or blanks between them."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list | tuple):
        raise PydanticCustomError("origins", "origins are needed, as https://app.example.org")
    try:
        return tuple(check_origin(one) for several in given for one in str(several).replace(",", " ").split())
    except ConfigError as error:
        raise PydanticCustomError("origins", "{reason}", {"reason": str(error)}) from error


# Arms of a release.
Arm = Literal["champion", "challenger"]
ReleaseId = Annotated[str, BeforeValidator(_release_id)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Share = Annotated[float, BeforeValidator(_share)]
Port = Annotated[int, BeforeValidator(_port)]
Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_origins)]
