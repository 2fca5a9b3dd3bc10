"""What a container runs: its command line and environment, read by the settings of the server itself."""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Iterator, Mapping
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


@dataclass(frozen=True)
class _Command:
    """One of `silencio` that runs until it is told to end.

    Attributes:
        options: Module whose `configure` declares them.
        ports: Options that say where it listens, by what for.
        host: Option that says at which address.
        health: Paths by which it may be probed.
        variables: What it reads of the environment beside the library's settings.
    """

    options: str
    ports: Mapping[str, str]
    host: str
    health: frozenset[str] = frozenset()
    variables: frozenset[str] = frozenset()


# What prometheus-client serves has one page, and Streamlit a path of its own.
_COMMANDS = {
    "release": _Command(
        "pipelines.cli.release",
        {"metrics": "metrics_port", "targets": "targets_port"},
        "metrics_host",
        variables=frozenset({"SILENCIO_RELEASE_FILES"}),
    ),
    "drift": _Command("monitoring.cli.drift", {"metrics": "port"}, "host", frozenset({"/metrics"})),
    "dashboard": _Command("monitoring.cli.dashboard", {"web": "port"}, "host", frozenset({"/_stcore/health"})),
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(message)


@dataclass(frozen=True)
class Server:
    """What a container's command would start.

    Attributes:
        module: `serving.predictor`, `serving.transformer`, `silencio release` and the like, or another program's name;
            empty: an unknown one.
        settings: Settings of a server; None for others, and where they cannot be used.
        ports: Ports on which it listens, by what for.
        faults: What command line and environment would be refused for.
        health: Paths by which it may be probed; empty: by a command alone.
        host: Address at which it listens; empty: its programs do not say.
    """

    module: str
    settings: ServerSettings | None = None
    ports: dict[str, int] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    health: frozenset[str] = frozenset()
    host: str = ""


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
    if command == ["silencio"] and arguments and arguments[0] in _COMMANDS:
        return _silencio(arguments, container)
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
    return Server(module, found, ports, tuple(faults), _HEALTH, found.host)


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


def _silencio(arguments: list[str], container: Object) -> Server:
    name, known = arguments[0], _COMMANDS[arguments[0]]
    parser = _Parser(prog=f"silencio {name}")
    importlib.import_module(known.options).configure(parser)
    try:
        options = parser.parse_args(arguments[1:])
    except ConfigError as error:
        return Server(parser.prog, None, {}, (str(error),))
    ports = {key: port for key, option in known.ports.items() if (port := getattr(options, option, None))}
    faults = tuple(_unread_variables(container, known.variables))
    host = str(getattr(options, known.host, ""))
    return Server(parser.prog, None, ports, faults, known.health if ports else frozenset(), host)


def _unread_variables(container: Object, others: frozenset[str]) -> Iterator[str]:
    known = {one.variable(name) for one in (S3Settings, Settings) for name in one.model_fields}
    for name in environment_of(container):
        if name.startswith(PREFIX) and name not in {*known, SECRETS_DIR, *others}:
            yield f"nobody reads the variable {name}"
