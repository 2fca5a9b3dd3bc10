"""Settings that are flags as well: declared once, in a class, whose docstring says what each of them is."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar, TypeVar

from pydantic.fields import FieldInfo

from serving.settings.renamed_options import add_renamed_options
from silencio.errors import ConfigError
from silencio.interpreter import silencio
from silencio.settings import PREFIX, EnvironmentSettings, is_service_address

# How alike a variable that nobody reads must be to one that is read.
_ALIKE = 0.85


@dataclass(frozen=True)
class Option:
    """How a setting is given on the command line.

    Attributes:
        group: Its heading in `--help`, none where it is empty; its description stands behind a colon.
        metavar: What stands for its value; empty makes a switch of it.
        flags: Other names of its flag.
        default: Default in words, where the default is no constant.
    """

    group: str = ""
    metavar: str = "N"
    flags: tuple[str, ...] = ()
    default: str = ""


class ServingSettings(EnvironmentSettings):
    """Settings of a server or a command: a flag, else the environment, else the default.

    Raises:
        ConfigError: A value cannot be used; the sentence names flag or variable, its value and what is needed.
    """

    # Between the words of a flag.
    separator: ClassVar[str] = "_"
    # New name of a setting by old one: its flag and its variable are refused.
    renamed: ClassVar[Mapping[str, str]] = {}
    # New variable by old one, where no flag was called so.
    renamed_variables: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def flag(cls, name: str) -> str:
        """The flag of a setting."""
        return f"--{name.replace('_', cls.separator)}"

    @classmethod
    def option(cls, name: str) -> Option:
        """How a setting is given on the command line."""
        return next((one for one in cls.model_fields[name].metadata if isinstance(one, Option)), Option())

    @classmethod
    def shown(cls, name: str, value: object, is_given: bool) -> str:
        if not is_given:
            return super().shown(name, value, is_given)
        return f"{cls.flag(name)} {' '.join(map(str, value)) if isinstance(value, list) else value}"


Settings = TypeVar("Settings", bound=ServingSettings)


def add_options(parser: argparse.ArgumentParser, settings: type[ServingSettings]) -> None:
    """Declare the flags of all settings; what is not given on the command line is not in the parsed options."""
    descriptions = settings.descriptions()
    groups: dict[str, argparse._ActionsContainer] = {"": parser}
    for name, field in settings.model_fields.items():
        option = settings.option(name)
        if option.group not in groups:
            title, _, description = option.group.partition(": ")
            groups[option.group] = parser.add_argument_group(title, description or None)
        default = default_of(field, option)
        description = _as_typed_here(descriptions[name].rstrip("."))
        help_text = f"{description} ({settings.variable(name)}{f'; default: {default}' if default else ''})"
        help_text = help_text.replace("%", "%%")  # argparse reads one as its own
        flags = (settings.flag(name), *option.flags)
        if not option.metavar:
            groups[option.group].add_argument(
                *flags, dest=name, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=help_text
            )
        else:
            groups[option.group].add_argument(
                *flags,
                dest=name,
                action="append" if _is_list(field) else "store",
                default=argparse.SUPPRESS,
                metavar=option.metavar,
                help=help_text,
            )
    add_renamed_options(parser, {settings.flag(old): settings.flag(new) for old, new in settings.renamed.items()})


def _as_typed_here(text: str) -> str:
    """A command in a description, with the interpreter that runs."""
    return text.replace("`silencio ", f"`{silencio()} ")


def default_of(field: FieldInfo, option: Option) -> str:
    """The default as a person writes it; empty where there is none."""
    if option.default or field.default_factory is not None:
        return option.default
    value = field.default
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None or value == () else f"{value:g}" if isinstance(value, float) else str(value)


def settings_of(settings: type[Settings], options: argparse.Namespace) -> Settings:
    """What was given, with the environment and the defaults for what was not.

    Args:
        settings: Settings whose flags the parser has.
        options: As it parsed them.

    Raises:
        ConfigError: A value cannot be used, or a variable has another name now.
    """
    variables = {f"{PREFIX}{old.upper()}": settings.variable(new) for old, new in settings.renamed.items()}
    for old, new in (variables | dict(settings.renamed_variables)).items():
        if old in os.environ:
            raise ConfigError(f"{old} is called {new} now")
    return settings(**{name: value for name, value in vars(options).items() if name in settings.model_fields})


def misspelt(*settings: type[ServingSettings]) -> Iterator[str]:
    """A sentence for each variable that nobody reads, and that is called almost like one of these settings.

    Others' variables begin so as well (a Service of Kubernetes that is called silencio makes a dozen): such a name
    is reported, and not refused.
    """
    known = {one.variable(name).removeprefix(PREFIX) for one in settings for name in one.model_fields}
    for variable, value in sorted(os.environ.items()):
        name = variable.removeprefix(PREFIX)
        if not variable.startswith(PREFIX) or "_SERVICE_" in f"_{name}" or is_service_address(value):
            continue
        if name not in known:
            for close in get_close_matches(name, known, 1, _ALIKE):
                yield f"{variable} is set, and nobody reads it: is {PREFIX}{close} meant?"


def _is_list(field: FieldInfo) -> bool:
    return isinstance(field.default, tuple)
