"""What `silencio release start` is handed of both bundles, and what it refuses by it before anything is changed."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from serving.canary.staging import COMPARISON, keep_manifests, read_comparison
from silencio.bundle.manifest import BundleManifest
from silencio.errors import ConfigError, ReleaseRefusedError
from silencio.release.class_change import USAGE_COLUMNS, USAGE_DAYS, class_change, log_usage
from silencio.release.evidence import ClassChange
from silencio.release.offer import offer_refusal
from silencio.release.policy import ReleasePolicy
from silencio.release.record import ReleaseRecord

# Champion's and challenger's; None: they cannot be read here.
Manifests = tuple[BundleManifest, BundleManifest] | None


def refuse_offer(options: argparse.Namespace, manifests: Manifests, classes: ClassChange) -> None:
    """Hold both manifests against each other.

    Raises:
        ReleaseRefusedError: One sentence with value and cure; nothing was changed.
    """
    if manifests is None:
        return
    if not options.isvc:
        classes = (
            ClassChange()
        )  # an offer changes nothing there that others see: the rule `classes` refuses it, and has a page
    if why := offer_refusal(*manifests, classes, accepted_licence=options.accept_licence or ""):
        raise ReleaseRefusedError(why)


def hand_in(options: argparse.Namespace, record: ReleaseRecord, folder: Path, manifests: Manifests) -> ClassChange:
    """Put the comparison of both bundles, made now or before, and their manifests where the judge looks for it.

    Args:
        options: Options of the command.
        record: What is to begin.
        folder: Folder of the release's files.
        manifests: Manifests of both bundles.

    Returns:
        How their classes and specifications differ, with who would notice.

    Raises:
        ConfigError: Both ways to a comparison are named.
        ReleaseError: It cannot be read.
    """
    target = folder / COMPARISON
    keep_manifests(
        folder, Path(options.champion or record.champion.place), Path(options.challenger or record.challenger.place)
    )
    if options.replay is not None and options.labelled is not None:
        raise ConfigError("--replay FILE and --labelled PLACE are two ways to the same comparison: give one")
    if options.replay is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(options.replay, target)
    elif options.labelled is not None:
        _replay(options, record, target)
    # One that cannot be read is refused before anything begins.
    found = read_comparison(target).classes if target.is_file() else ClassChange()
    return found if manifests is None or not options.prediction_logs else _with_usage(options, manifests)


def _replay(options: argparse.Namespace, record: ReleaseRecord, target: Path) -> None:
    from silencio.steps import replay

    champion, challenger = record.champion.place, record.challenger.place
    if options.isvc:  # places are where the cluster serves them from
        champion, challenger = options.champion, str(options.challenger)
    inputs = replay.Inputs(
        champion=Path(champion),
        challenger=Path(challenger),
        recordings=options.labelled,
        policy=ReleasePolicy.model_validate(record.policy),
        prediction_log=next(iter(options.prediction_logs), ""),
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    found = replay.run(inputs, replay.Outputs(target))
    sys.stdout.write(f"replay: {json.dumps(found)}\n")


def _with_usage(options: argparse.Namespace, manifests: tuple[BundleManifest, BundleManifest]) -> ClassChange:
    import pyarrow as pa

    from silencio.prediction_log import read_log

    until = datetime.now(UTC)
    since = until - timedelta(days=USAGE_DAYS)
    tables = [read_log(place, since, until, USAGE_COLUMNS) for place in options.prediction_logs]
    return class_change(*manifests, log_usage(pa.concat_tables(tables)))
