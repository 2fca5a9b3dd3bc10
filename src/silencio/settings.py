"""Where this process runs: read from the environment whenever it is needed, never from a configuration file.

A setting says something about the machine (how many threads, where to cache); what is trained and how is a
configuration (`silencio.config`) and travels with the bundle. The servers' settings are `serving.settings`.
"""

from __future__ import annotations

import inspect
import math
import os
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from silencio.errors import ConfigError

PREFIX = "SILENCIO_"
_SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://")
_NOT_SET = "not_set"
# A line of a docstring's attributes; a longer one goes on further in.
_ATTRIBUTE = re.compile(r"^    (\w+): (.+(?:\n        .+)*)", re.MULTILINE)


def whole(minimum: int) -> BeforeValidator:
    """Whole numbers of at least so much, as text in plain digits or as numbers."""

    def check(value: object) -> int:
        if isinstance(value, str) and value.isascii() and value.isdecimal():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value >= minimum:
            return value
        raise PydanticCustomError("whole", "a whole number of at least {minimum} is needed", {"minimum": minimum})

    return BeforeValidator(check)


def at_least(minimum: float) -> BeforeValidator:
    """Finite numbers of at least so much, as text or as numbers."""

    def check(value: object) -> float:
        try:
            number = float(value) if isinstance(value, str | int | float) else math.nan
        except ValueError:
            number = math.nan
        if math.isfinite(number) and number >= minimum:
            return number
        raise PydanticCustomError("number", "a number of at least {minimum} is needed", {"minimum": f"{minimum:g}"})

    return BeforeValidator(check)


def _not_empty(value: object) -> object:
    # Neither the working folder nor every address of the machine is meant by an empty text.
    if value == "":
        raise PydanticCustomError("empty", "is empty: unset it, or give a value")
    return value


Text = Annotated[str, BeforeValidator(_not_empty)]
File = Annotated[Path, BeforeValidator(_not_empty)]


def not_set(why: str) -> PydanticCustomError:
    """A setting without which nothing goes on.

    Args:
        why: And what it looks like.
    """
    return PydanticCustomError(_NOT_SET, "{why}", {"why": why})


class EnvironmentSettings(BaseSettings):
    """Settings of the environment: each is `SILENCIO_` and its name in capitals; arguments take precedence.

    Raises:
        ConfigError: A value cannot be used; the sentence names the variable, its value and what is needed.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True
    )

    def __init__(self, **given: Any) -> None:
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise ConfigError(self._sentence(error.errors(include_url=False)[0], given)) from error

    @classmethod
    def variable(cls, name: str) -> str:
        """The environment variable of a setting."""
        alias = cls.model_fields[name].validation_alias
        return alias if isinstance(alias, str) else f"{cls.model_config.get('env_prefix', '')}{name.upper()}"

    @classmethod
    def descriptions(cls) -> dict[str, str]:
        """By setting, its line in the docstring of the class or of one that it is derived from."""
        found: dict[str, str] = {}
        for one in reversed(cls.__mro__):
            listed = (inspect.getdoc(one) or "") if "__doc__" in vars(one) else ""
            found |= {name: " ".join(text.split()) for name, text in _ATTRIBUTE.findall(listed)}
        return {name: found[name] for name in cls.model_fields}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _Environment(settings_cls)

    @classmethod
    def shown(cls, name: str, value: object, is_given: bool) -> str:
        """How a message names a value that cannot be used.

        Args:
            name: The setting's name.
            value: As it was given or read.
            is_given: It is an argument, and not of the environment.
        """
        return f"{name if is_given else cls.variable(name)}={value!r}"

    @classmethod
    def _sentence(cls, fault: ErrorDetails, given: dict[str, Any]) -> str:
        if not fault["loc"]:
            return fault["msg"]  # of several together, which it names
        found = str(fault["loc"][0])
        name = next((one for one in cls.model_fields if found in (one, cls.variable(one))), found)
        if name not in cls.model_fields:
            return f"{name} is no setting"
        if fault["type"] == _NOT_SET:
            return f"{cls.variable(name)} is not set: {fault['msg']}"
        needed = fault["msg"]
        if fault["type"] == "literal_error":
            needed = f"one of {fault['ctx']['expected']} is needed"
        return f"{cls.shown(name, fault['input'], name in given or found in given)}: {needed}"


def is_service_address(value: str) -> bool:
    """Whether Kubernetes put it there: of a Service that is called `silencio` it sets SILENCIO_PORT to tcp://…."""
    return _SERVICE_ADDRESS.match(value) is not None


class _Environment(EnvSettingsSource):
    def __call__(self) -> dict[str, Any]:
        self.env_vars = {
            name: value
            for name, value in self.env_vars.items()
            if value is None or not (name.endswith("_port") and is_service_address(value))
        }
        return super().__call__()


def _default_n_threads() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _default_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "silencio"


def _cache(value: object) -> object:
    return _default_cache() if value == "" else Path(value).expanduser() if isinstance(value, str) else value


class Settings(EnvironmentSettings):
    """Settings of every process in the environment.

    Attributes:
        n_threads: Threads of one training or scoring process (`SILENCIO_THREADS`; default: the cores it may use).
        cache: Folder for what was fetched once (`SILENCIO_CACHE`; default: the user's cache folder).
        session_threads: Threads of one ONNX Runtime session (`SILENCIO_SESSION_THREADS`; default 1: two spinning
            threads on a busy two-core machine were measured up to 40 times slower than one).
        bundle_key: PEM of public keys, one of which has to have signed what is fetched from the registry
            (`SILENCIO_BUNDLE_KEY`; default: none has to).
    """

    n_threads: Annotated[int, whole(1)] = Field(default_factory=_default_n_threads, validation_alias=f"{PREFIX}THREADS")
    cache: Annotated[Path, BeforeValidator(_cache)] = Field(default_factory=_default_cache)
    session_threads: Annotated[int, whole(1)] = 1
    bundle_key: File | None = None
