"""`silencio serve`: a bundle behind an address, on this machine."""

from __future__ import annotations

import argparse
import functools

from serving.settings import add_options, settings_of
from serving.settings.local import LocalSettings
from silencio.errors import ConfigError


def configure(parser: argparse.ArgumentParser) -> None:
    """Serve a bundle on this machine: start both servers and wait."""
    add_options(parser, LocalSettings)
    parser.set_defaults(run=functools.partial(_run, parser))


def _run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    try:
        settings = settings_of(LocalSettings, options)
    except ConfigError as error:
        parser.error(str(error))
    if "bundle" not in settings.model_fields_set:
        parser.error(f"needed: --bundle DIR, the bundle to serve, or {LocalSettings.variable('bundle')}")
    if settings.canary is not None or settings.splitter:
        from serving.canary.one_machine_command import up_with_canary

        return up_with_canary(settings)
    from serving.local.up import up

    return up(settings)
