"""Kinds of values that servers alone have, as text of a command line or of the environment."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

from serving.settings.origins import check_origin
from silencio.errors import ConfigError

_MAX_PORT = 65_535
# As the SDK's own options have it.
_TRUE, _FALSE = ("1", "true", "yes", "y", "on", "t"), ("0", "false", "no", "n", "off", "f")


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


def _origins(value: object) -> tuple[str, ...]:
    """A flag may be given again; a variable has commas or blanks between them."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list | tuple):
        raise PydanticCustomError("origins", "origins are needed, as https://app.example.org")
    try:
        return tuple(check_origin(one) for several in given for one in str(several).replace(",", " ").split())
    except ConfigError as error:
        raise PydanticCustomError("origins", "{reason}", {"reason": str(error)}) from error


Flag = Annotated[bool, BeforeValidator(_flag)]
Port = Annotated[int, BeforeValidator(_port)]
Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_origins)]
