"""What a container runs: its command line and environment, read by the settings of the server itself."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NoReturn

from pydantic_settings import PydanticBaseSettingsSource

from delivery.others import program_of
from delivery.render import Object
from serving.metrics.routes import METHODS
from serving.settings import ServingSettings, add_options
from serving.settings.predictor import PredictorSettings
from serving.settings.server import ServerSettings
from serving.settings.transformer import TransformerSettings
from silencio.errors import ConfigError
from silencio.settings import PREFIX, Settings
from silencio.storage.settings import SECRETS_DIR, S3Settings

_SERVERS: dict[str, type[ServerSettings]] = {
    "serving.predictor": PredictorSettings,
    "serving.transformer": TransformerSettings,
}
_HEALTH = frozenset(path for path, method in METHODS.items() if path.startswith("/v2/health/") and method == "GET")
_RELEASE_FILES = "SILENCIO_RELEASE_FILES"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(message)


@dataclass(frozen=True)
class Server:
    """What a container's command would start.

    Attributes:
        module: `serving.predictor`, `serving.transformer`, `silencio release` or another program's name; empty: an
            unknown one.
        settings: Settings of a server; None for others, and where they cannot be used.
        ports: Ports on which it listens, by what for.
        faults: What command line and environment would be refused for.
        health: Paths by which it may be probed; empty: by a command alone.
    """

    module: str
    settings: ServerSettings | None = None
    ports: dict[str, int] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    health: frozenset[str] = frozenset()


def server_of(container: Object) -> Server:
    """Read a container as the server would read its own command line."""
    return _server_of(json.dumps({key: container.get(key) for key in ("command", "args", "env")}))


@cache
def _server_of(text: str) -> Server:
    container: Object = json.loads(text)
    command = [str(one) for one in container.get("command") or ()]
    arguments = [str(one) for one in container.get("args") or ()]
    if command[:2] == ["python", "-m"] and command[2:] and command[2] in _SERVERS:
        return _serving(command[2], [*command[3:], *arguments], container)
    if command == ["silencio"] and arguments[:1] == ["release"]:
        return _release(arguments[1:], container)
    program = program_of([*command, *arguments])
    if program:
        words = [*command, *arguments][len(program.command) :]
        return Server(program.name, None, program.ports(words), tuple(program.faults(words)), program.health)
    return Server("")


def environment_of(container: Object) -> dict[str, str | None]:
    """The variables of a container; None: the value comes from another object."""
    return {str(one["name"]): one.get("value") for one in container.get("env") or ()}


def _serving(module: str, arguments: list[str], container: Object) -> Server:
    settings = _SERVERS[module]
    faults = list(_unknown_variables(container, settings))
    parser = _Parser(prog=f"python -m {module}", allow_abbrev=False, add_help=False)
    add_options(parser, settings)
    variables = {settings.variable(name): name for name in settings.model_fields}
    given: dict[str, Any] = {
        variables[key]: value for key, value in environment_of(container).items() if key in variables and value
    }
    try:
        given |= vars(parser.parse_args(arguments))
        found = _without_environment(settings)(**given)
    except ConfigError as error:
        return Server(module, None, {}, (*faults, str(error)))
    ports = {"http": found.http_port} | ({"grpc": found.grpc_port} if found.enable_grpc else {})
    return Server(module, found, ports, tuple(faults), _HEALTH)


@cache
def _without_environment(settings: type[ServerSettings]) -> type[ServerSettings]:
    """The same settings, blind to the environment of the process that checks."""

    def only_given(
        cls: type[ServingSettings],
        /,
        settings_cls: type[ServingSettings],
        init_settings: PydanticBaseSettingsSource,
        *others: PydanticBaseSettingsSource,
        **named: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)

    members = {"settings_customise_sources": classmethod(only_given), "__doc__": settings.__doc__}
    return type(settings.__name__, (settings,), members)


def _unknown_variables(container: Object, settings: type[ServerSettings]) -> Iterator[str]:
    known = {one.variable(name) for one in (settings, S3Settings, Settings) for name in one.model_fields}
    for name, value in environment_of(container).items():
        if name.startswith(PREFIX) and name not in {*known, SECRETS_DIR}:
            yield f"nobody reads the variable {name}"
        if value == "":
            yield f"the variable {name} is set to nothing, which the server refuses"


def _release(arguments: list[str], container: Object) -> Server:
    from pipelines.cli.release import configure

    parser = _Parser(prog="silencio release")
    configure(parser)
    try:
        options = parser.parse_args(arguments)
    except ConfigError as error:
        return Server("silencio release", None, {}, (str(error),))
    names = {"metrics": "metrics_port", "targets": "targets_port"}
    ports = {key: port for key, name in names.items() if (port := getattr(options, name, None))}
    known = {one.variable(name) for one in (S3Settings, Settings) for name in one.model_fields}
    unknown = [
        f"nobody reads the variable {name}"
        for name in environment_of(container)
        if name.startswith(PREFIX) and name not in {*known, SECRETS_DIR, _RELEASE_FILES}
    ]
    return Server("silencio release", None, ports, tuple(unknown))
