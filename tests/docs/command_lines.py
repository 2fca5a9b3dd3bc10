"""What can be said of a command without running it: its program, its options and its files exist."""

from __future__ import annotations

import argparse
import itertools
import re
import runpy
import shlex
import sys
import warnings
from collections.abc import Collection, Iterator
from unittest import mock

from silencio.cli.entries import parse
from silencio.config import preset_text, resolve
from silencio.errors import ConfigError
from tests.docs.pages import ROOT

# On a plain Debian, or what a page's own words ask for.
TOOLS = {
    "cat",
    "cd",
    "cp",
    "curl",
    "docker",
    "echo",
    "export",
    "kubectl",
    "ln",
    "mkdir",
    "openssl",
    "printf",
    "rclone",
    "restic",
    "ssh",
    "terraform",
    "base64",
    "tr",
}
# None of these is there on a plain Debian, or it is another one than the clone's.
_BARE = {"python", "python3", "pip", "pip3", "mlflow", "pytest", "ruff", "mypy"}
_PYTHON = re.compile(r"\.venv(?:-serving)?/bin/python")
_IN_VENV = re.compile(r"\.venv(?:-serving)?/bin/([\w-]+)")
_ACTIVATED = re.compile(r"\.venv(?:-serving)?/bin/activate")
_OF_ANSIBLE = re.compile(r"\.venv-infrastructure/bin/ansible-(?:playbook|lint)")
_ASSIGNMENT = re.compile(r"[A-Z_]+=.*", re.DOTALL)
_MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
_TARGETS = {
    *re.findall(r"^([a-z]+):", _MAKEFILE, re.MULTILINE),
    ".venv/.ready",
    ".venv-serving/.ready",
    ".venv-infrastructure/.ready",
}


class CommandError(Exception):
    """A command that cannot work as it is written."""


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command of a shell's lines, without assignments before it and redirections."""
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        words: list[str] = []
        is_target = False
        for word in lexer:
            if set(word) <= set("|&;"):
                yield from _without_assignments(words)
                words = []
            elif set(word) <= set("<>"):
                is_target = True
            elif is_target:
                is_target = False
            else:
                words.append(word)
        yield from _without_assignments(words)


def _without_assignments(words: list[str]) -> Iterator[list[str]]:
    while words and _ASSIGNMENT.fullmatch(words[0]):
        words = words[1:]
    if words:
        yield words


def goes_on(words: list[str]) -> bool:
    """Whether it is a command that only Ctrl-C ends."""
    module = words[words.index("-m") + 1] if "-m" in words[:-1] else ""
    called = words[1] if words[0] == "silencio" and len(words) > 1 else ""
    return (
        module in ("serving.predictor", "serving.transformer")
        or called == "serve"
        or (called == "produce" and "--n" not in words)
        or (called == "consume" and "--once" not in words)
        or (words[0].endswith("/mlflow") and words[1:2] == ["server"])
        or (words[0] == "kubectl" and "port-forward" in words)
    )


def check(words: list[str], written: Collection[str] = ()) -> None:
    """Hold a command against what it names.

    Args:
        words: Of the command.
        written: Files that its page has written.

    Raises:
        CommandError: It cannot work.
    """
    program, *arguments = words
    if program.endswith("/silencio"):
        raise CommandError(f"{program}: pages type silencio, which README has made available")
    if program in _BARE:
        raise CommandError(f"{program} is not there on a plain Debian: .venv/bin/{program}")
    if program == "silencio":
        _check_silencio(arguments, written)
    elif program == "source":
        if not (arguments and _ACTIVATED.fullmatch(arguments[0])):
            raise CommandError(f"source {' '.join(arguments)}: no environment of ours is made active by that")
    elif _PYTHON.fullmatch(program):
        _check_python(arguments)
    elif program == "make":
        names = [word for word in arguments if "=" not in word]
        if not names or names[0] not in _TARGETS:
            raise CommandError(f"make {' '.join(names)}: the Makefile has {', '.join(sorted(_TARGETS))}")
    elif program.startswith(("scripts/", "manifests/")):
        if not (ROOT / program).is_file():
            raise CommandError(f"{program} is not there")
    elif _OF_ANSIBLE.fullmatch(program):
        if not arguments or not (ROOT / arguments[0]).is_file():
            raise CommandError(f"{program} {' '.join(arguments)}: no playbook of ours")
    elif in_venv := _IN_VENV.fullmatch(program):
        _check_installed(in_venv[1], arguments)
    elif program not in TOOLS:
        raise CommandError(f"{program} is no program that a page may count on: {', '.join(sorted(TOOLS))}")


def _check_installed(program: str, arguments: list[str]) -> None:
    if not (ROOT / ".venv" / "bin" / program).is_file():
        raise CommandError(f".venv/bin/{program} is not there")
    for option, value in itertools.pairwise(arguments):
        if option == "-r" and not (ROOT / value).is_file():
            raise CommandError(f"{value} is not there")


def _check_silencio(arguments: list[str], written: Collection[str]) -> None:
    if arguments == ["--help"]:
        return
    if not arguments or arguments[0].startswith("-"):
        raise CommandError(f"silencio {' '.join(arguments)}: of the command itself a page types --help alone")
    try:
        options = parse(arguments)
    except (SystemExit, ConfigError) as error:
        raise CommandError(f"silencio {' '.join(arguments)}: {error}") from error
    if hasattr(options, "preset") and f"src/silencio/presets/{options.preset}.yaml" not in written:
        resolve(preset_text(options.preset), overrides=options.set)


def _check_python(arguments: list[str]) -> None:
    if arguments[:1] == ["-m"]:
        parsed(arguments[1], arguments[2:])
    elif arguments and not (ROOT / arguments[0]).is_file():
        raise CommandError(f"{arguments[0]} is not there")


class _Parsed(BaseException):
    """Thrown through whatever catches exceptions; the module then does nothing."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__()
        self.options = options


def parsed(module: str, arguments: list[str]) -> argparse.Namespace:
    """What `python -m MODULE ARGUMENTS` understands, by its own parser; it goes no further.

    Raises:
        CommandError: It does not take these arguments.
    """
    parse = argparse.ArgumentParser.parse_args

    def stop(self: argparse.ArgumentParser, args: list[str] | None = None, namespace: None = None) -> None:
        raise _Parsed(parse(self, args, namespace))

    try:
        with (
            mock.patch.object(argparse.ArgumentParser, "parse_args", stop),
            mock.patch.object(sys, "argv", [module, *arguments]),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore", RuntimeWarning)  # runpy's, of a module that other tests have imported
            runpy.run_module(module, run_name="__main__", alter_sys=True)
    except _Parsed as done:
        return done.options
    except (SystemExit, ImportError) as error:
        raise CommandError(f"-m {module} {' '.join(arguments)}: {error}") from error
    raise CommandError(f"-m {module} parsed nothing")
