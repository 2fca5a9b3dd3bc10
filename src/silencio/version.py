"""The version that is installed."""

from __future__ import annotations


def installed_version() -> str:
    """Of this package, as its metadata has it; `0+uninstalled` for a source tree that was never installed."""
    # A tenth of a second, in which no command can answer Ctrl-C yet.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("silencio")
    except PackageNotFoundError:
        return "0+uninstalled"
