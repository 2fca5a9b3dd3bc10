"""The configurations that ship, and those that users keep in files."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from silencio.errors import ConfigError


def preset_names() -> list[str]:
    """The presets that ship with the library."""
    return sorted(
        entry.name.removesuffix(".yaml")
        for entry in (files("silencio") / "presets").iterdir()
        if entry.name.endswith(".yaml")
    )


def preset_text(name: str) -> str:
    """A preset's YAML.

    Raises:
        ConfigError: There is none of that name, or it is no text.
    """
    if name not in preset_names():
        raise ConfigError(f"--preset {name!r} does not exist: there are {', '.join(preset_names())}")
    try:
        return (files("silencio") / "presets" / f"{name}.yaml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--preset {name!r} cannot be read: {error}") from error


def read_config_file(path: Path) -> str:
    """The text of a configuration file.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--config {str(path)!r} cannot be read: {error}") from error
