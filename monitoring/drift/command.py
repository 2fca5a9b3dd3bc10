"""What `silencio drift …` does with its options."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from datetime import UTC, date, datetime
from typing import Any, NoReturn

from monitoring.drift.actions import read_actions
from monitoring.drift.bundle_facts import KnownBundle
from monitoring.drift.explained import WindowExplainer
from monitoring.drift.given import as_day, read_secret, yesterday
from monitoring.drift.job import DriftJob, read_action_policy, read_policy
from monitoring.drift.outcomes import ALERT, NO_ALERT, NO_DATA, WRONG_INPUT, NoDataError
from monitoring.drift.pages.words import outcome_words
from monitoring.drift.place import days_of, document_uri, has_document
from monitoring.drift.references import renew as renew_reference
from monitoring.drift.report import remake_pages
from monitoring.drift.run import DriftRun, run_day
from monitoring.drift.sounds import RecordingFolder, WindowSound
from monitoring.drift.webhook import Webhook
from silencio.errors import BundleError, ConfigError, DataError
from silencio.features import FeatureSpec


def run(options: argparse.Namespace) -> int:
    """A day; see docs/drift_runs.md for the exit statuses."""
    now = datetime.now(UTC)
    try:
        job = _job(options)
        day = as_day(options.day) if options.day else yesterday(now, options.zone)
        found = run_day(job, day, now, options.catch_up, _note)
    except NoDataError as error:
        return _refused(error, NO_DATA)
    except (BundleError, ConfigError, DataError) as error:
        return _refused(error, WRONG_INPUT)
    _print(found, document_uri(job.place, day))
    return NO_ALERT if options.exit_zero and found.status == ALERT else found.status


def report(options: argparse.Namespace) -> int:
    """A day's pages anew."""
    try:
        if options.day:
            day = as_day(options.day)
        else:
            finished = (one for one in reversed(days_of(options.place)) if has_document(options.place, one))
            found = next(finished, None)
            if found is None:
                raise NoDataError(f"{options.place} has no verdicts yet: make them by silencio drift run")
            day = found
        pages = _remake(options, day)
    except NoDataError as error:
        return _refused(error, NO_DATA)
    except (BundleError, ConfigError, DataError) as error:
        return _refused(error, WRONG_INPUT)
    sys.stdout.write("".join(f"{page}\n" for page in pages))
    return NO_ALERT


def gauges(options: argparse.Namespace) -> int:
    """Gauges until SIGTERM, which is no failure, or Ctrl-C."""
    from monitoring.drift.gauges import serve_gauges

    def stop(*_: Any) -> NoReturn:
        raise SystemExit(NO_ALERT)

    signal.signal(signal.SIGTERM, stop)
    for line in serve_gauges(options.place, options.host, options.port, options.every_s, threading.Event()):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    return NO_ALERT


def actions(options: argparse.Namespace) -> int:
    """Actions of a place, by time."""
    sys.stdout.write("".join(f"{one.model_dump_json()}\n" for one in read_actions(options.place)))
    return NO_ALERT


def renew(options: argparse.Namespace) -> int:
    """A site's reference is collected anew."""
    try:
        uri = renew_reference(options.place, options.site, as_day(options.since), options.because, datetime.now(UTC))
    except ConfigError as error:
        return _refused(error, WRONG_INPUT)
    sys.stdout.write(f"{uri}\n")
    return NO_ALERT


def _job(options: argparse.Namespace) -> DriftJob:
    if options.webhook_secret and not options.webhook:
        raise ConfigError("--webhook-secret signs what --webhook gets: name both, or neither")
    return DriftJob(
        log=options.log,
        place=options.out,
        policy=read_policy(options.policy),
        actions=read_action_policy(options.actions),
        sites=tuple(options.site),
        left_out=frozenset(map(as_day, options.leave_out)),
        bundle=KnownBundle.read(options.bundle) if options.bundle else None,
        reviews=options.reviews,
        recordings=_folder(options),
        webhook=Webhook(options.webhook, read_secret(options.webhook_secret)) if options.webhook else None,
        evidently=not options.no_evidently,
        late_days=options.late_days,
    )


def _remake(options: argparse.Namespace, day: date) -> list[str]:
    explainer = WindowExplainer(KnownBundle.read(options.bundle)) if options.bundle else None
    spec = FeatureSpec(last_window="moved_back") if explainer is None else explainer.spec
    folder = _folder(options)
    sound = None if folder is None else WindowSound(folder, spec, explainer)
    return remake_pages(options.place, day, sound, spec)


def _folder(options: argparse.Namespace) -> RecordingFolder | None:
    return None if options.recordings is None else RecordingFolder(options.recordings)


def _print(found: DriftRun, uri: str) -> None:
    lines = [f"made up for {day}" for day in found.made_before]
    for site in found.document.sites:
        words = outcome_words(site.outcome, tuple(cause.cause for cause in site.causes))
        alert = " (alert)" if any(cause.alert for cause in site.causes) else ""
        lines.append(f"{site.site_id}: {words}{alert}: {site.message}")
    lines += [f"action {one.action} at {one.site}: {one.id}" for one in found.new_actions]
    lines += [found.page, uri]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    if found.delivery is not None and found.delivery.n_waiting:
        _note(f"{found.delivery.n_waiting} actions wait for the next run: {found.delivery.reason}")


def _refused(error: Exception, status: int) -> int:
    sys.stderr.write(f"error: {error}\n")
    return status


def _note(sentence: str) -> None:
    sys.stderr.write(f"note: {sentence}\n")
