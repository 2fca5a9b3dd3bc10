"""Options that several commands about pipelines have, and what they say together."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipelines.queues import PRIORITIES
from silencio.registry.settings import NO_CHAMPION, REGISTRY


def check_text(options: argparse.Namespace) -> None:
    """Refuse arguments that JSON and YAML cannot hold; of the data, whose folders others named, bytes are escaped.

    Args:
        options: Options of a command line.

    Raises:
        ConfigError: One is not UTF-8.
    """
    from silencio.errors import ConfigError
    from silencio.storage import escaped

    for name, value in vars(options).items():
        if name != "data" and isinstance(value, str | Path) and str(value) != escaped(str(value)):
            raise ConfigError(f"--{name} {escaped(str(value))} is not UTF-8: rename it, or name another")


def add_configuration(command: argparse.ArgumentParser, *, data_required: bool) -> None:
    """Declare what is trained, and on what.

    Args:
        command: Gets the options.
        data_required: Nothing can be done without recordings.
    """
    command.add_argument(
        "--data",
        required=data_required,
        metavar="PLACE",
        help="a folder or s3:// prefix, Kaggle's zip, a manifest (.csv, .parquet), demo or instruments",
    )
    command.add_argument("--preset", required=True, metavar="NAME", help="a configuration that ships with the library")
    command.add_argument("--config", type=Path, metavar="FILE", help="YAML that is laid over the preset")
    command.add_argument("--set", action="append", default=[], metavar="a.b=v", help="one value, laid over both")


def add_earlier(command: argparse.ArgumentParser) -> None:
    """Declare which bundles came before."""
    command.add_argument(
        "--previous", default="", metavar="BUNDLE", help="its recordings stay in training, validation or test set"
    )
    command.add_argument(
        "--champion",
        default=REGISTRY,
        metavar=f"BUNDLE|{REGISTRY}|{NO_CHAMPION}",
        help="serves now: what the new one must not be worse than",
    )


def add_profile(command: argparse.ArgumentParser) -> None:
    """Declare for which cluster it is."""
    command.add_argument(
        "--resources",
        # `pipelines.resources.PROFILES`, which imports kfp: seconds, in which no command answers.
        choices=("cpu", "gpu", "none"),
        default="",
        help="what steps ask the cluster for; none: nothing; default: what the preset needs",
    )
    command.add_argument(
        "--queue", default="", metavar="NAME", help="Kueue's, in which steps wait for that, such as lq-train"
    )
    command.add_argument("--priority", choices=PRIORITIES, default="", help="which of those that wait comes first")


def configuration(options: argparse.Namespace) -> str:
    """The preset, with `--config` laid over it: a run is given one text, and the bundle keeps one configuration.

    Args:
        options: Options that `add_configuration` declares.

    Raises:
        ConfigError: There is no such preset, or a value cannot be used.
    """
    from silencio.config import preset_text, read_config_file, resolve

    config = preset_text(options.preset)
    if options.config is not None:
        config = resolve(config, over=read_config_file(options.config), overrides=options.set).to_yaml()
    return config
