"""Whether every package of an image may be in it: its licence stands in requirements/licences.toml.

    check_licences.py [SET ENVIRONMENT ...]        by default serve-cpu in .venv-serving and train in .venv, and
                                                   monitor where `make monitoring` made .venv-monitor

Licences are read of the installed packages, by the names that a set of requirements pins; torch and torchvision, which
stand in no set, count to train.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.utils import canonicalize_name

from silencio.command import command, exit_with
from silencio.errors import SilencioError

ROOT = Path(__file__).parents[1]
_MONITOR = (("monitor", ".venv-monitor"),)
SETS = (("serve-cpu", ".venv-serving"), ("train", ".venv"), *(_MONITOR if (ROOT / ".venv-monitor").is_dir() else ()))
# By version alone: scripts/make_environment.sh.
_BESIDE = {"train": ("torch", "torchvision")}
_OPERATORS = {"and": " and ", "or": " or ", "(": "(", ")": ")"}


class NotInstalledError(SilencioError):
    """A set of which an environment lacks a package."""


@dataclass(frozen=True)
class Rules:
    """The tables of requirements/licences.toml."""

    allowed: dict[str, str]
    spelt: dict[str, str]
    read: dict[str, str]
    refused: dict[str, str]

    @classmethod
    def load(cls) -> Rules:
        return cls(**tomllib.loads((ROOT / "requirements" / "licences.toml").read_text(encoding="utf-8")))

    def fault(self, name: str, package: metadata.PackageMetadata) -> str:
        """Why a package may not be in an image; empty where it may."""
        if why := self.refused.get(name):
            return why
        expression = self.read.get(name) or self.expression_of(package)
        if not expression:
            return f"its licence is not known: {self._written(package)}"
        return "" if self.is_allowed(expression) else f"{expression} is not allowed"

    def expression_of(self, package: metadata.PackageMetadata) -> str:
        """An SPDX expression of what the package says, the most exact field first; empty where nothing can be read."""
        if expression := package.get("License-Expression"):
            return str(expression)
        # That it is approved, without a word about which one it is, is no licence.
        listed = [one for one in self._classifiers(package) if one != "License :: OSI Approved"]
        text = str(package.get("License") or "").strip()
        for written in listed or [text]:
            if written not in self.spelt and _canonical(written) is None:
                return ""
        return " AND ".join(self.spelt.get(one) or one for one in listed or [text])

    def is_allowed(self, expression: str) -> bool:
        """Of `OR` one side, of `AND` both have to be allowed; a licence with an exception is one of its own."""
        canonical = _canonical(expression)
        if canonical is None:  # a family, as classifiers name one
            return all(one in self.allowed for one in expression.split(" AND "))
        words = (part.strip() for part in re.split(r"(\(|\)|\bAND\b|\bOR\b)", canonical))
        python = "".join(_OPERATORS.get(word.lower()) or str(word in self.allowed) for word in words if word)
        return _value(ast.parse(python, mode="eval").body)

    @staticmethod
    def _classifiers(package: metadata.PackageMetadata) -> list[str]:
        return [one for one in package.get_all("Classifier") or () if one.startswith("License :: ")]

    def _written(self, package: metadata.PackageMetadata) -> str:
        written = [*self._classifiers(package), *filter(None, [str(package.get("License") or "")[:60]])]
        return f"it says {', '.join(map(repr, written))}" if written else "it says nothing"


def _canonical(text: str) -> str | None:
    try:
        return canonicalize_license_expression(text)
    except InvalidLicenseExpression:
        return None


def _value(node: ast.expr) -> bool:
    if isinstance(node, ast.BoolOp):
        return (all if isinstance(node.op, ast.And) else any)([_value(one) for one in node.values])
    assert isinstance(node, ast.Constant)
    return bool(node.value)


def pinned(name: str) -> list[str]:
    """The packages of a set of requirements."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    found = re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==", text, re.MULTILINE)
    return [*map(canonicalize_name, found), *_BESIDE.get(name, ())]


def installed(*environments: Path) -> dict[str, metadata.PackageMetadata]:
    """What packages of environments, or of folders of packages alone, say of themselves, by their names."""
    folders = [
        str(folder)
        for environment in environments
        for folder in [*environment.glob("lib/python3*/site-packages")] or [environment]
    ]
    return {canonicalize_name(one.metadata["Name"]): one.metadata for one in metadata.distributions(path=folders)}


def faults(names: Iterable[str], packages: dict[str, metadata.PackageMetadata], rules: Rules) -> Iterator[str]:
    """A line for every package that may not be in an image.

    Raises:
        NotInstalledError: A package is not there, and nothing is known of it.
    """
    for name in names:
        if name not in packages:
            raise NotInstalledError(f"{name} is pinned and not installed: make the environment anew, by make")
        if fault := rules.fault(name, packages[name]):
            yield f"{name} {packages[name]['Version']}: {fault}"


@command
def main() -> int:
    """Returns 1 where a package may not be in an image."""
    rules, status = Rules.load(), 0
    for name, *environments in [sys.argv[1:]] if len(sys.argv) > 2 else SETS:
        names = pinned(name)
        found = list(faults(names, installed(*(ROOT / one for one in environments)), rules))
        print(f"{name}: {len(names) - len(found)} of {len(names)} packages have a licence that is allowed")
        for line in found:
            print(f"  {line}")
            status = 1
    if status:
        print("read what it asks for, then allow it in requirements/licences.toml with a reason, or go on without")
    return status


if __name__ == "__main__":
    exit_with(main)
