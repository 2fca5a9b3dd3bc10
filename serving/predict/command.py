"""`silencio predict`: detections in recordings, with a bundle here or by a server."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from serving.client import Client, RefusedRecordingError, RetryPolicy
from serving.client.file_recorder import recorder_of_file
from serving.client.options import API_KEY, CACERT_OPTION, recorder_of
from serving.predict.output import Answer, BandHz, print_answers, write_answers
from silencio.bundle.scoring_pool import ScoringPool
from silencio.detections import Prior, RecordingDocument, SiteList, recording_document
from silencio.detections.documents import TopK
from silencio.detections.formats import FORMATS
from silencio.detections.prior import BirdnetRange
from silencio.errors import ConfigError, DecodeError, SilencioError
from silencio.taxonomy import ClassList, listed

# A key's quota is full again within a minute, a server that restarts is ready again by then.
_MAX_RETRYING_S = 60.0


@dataclass(frozen=True)
class _Backend:
    """A bundle here or a server, as one.

    Attributes:
        predict_file: Scores a recording.
        band_hz: Lowest and highest frequency that the model uses.
    """

    predict_file: Callable[[Path], RecordingDocument]
    band_hz: BandHz


def predict(options: argparse.Namespace) -> int:
    """Answer for every file that can be read.

    Returns:
        0 if all were, 1 if one was not or no server answered.
    """
    output_format: str = options.format
    top_k: TopK = FORMATS[output_format].top_k if output_format in FORMATS else options.top_k
    try:
        _check_place(options)
        with _by_url(options, top_k) if options.url is not None else _offline(options, top_k) as backend:
            answers = _Answers(options.files, backend.predict_file)
            if options.out:
                all_written = write_answers(answers, output_format, backend.band_hz, options.out, options.files)
            else:
                all_written = True
                print_answers(answers, output_format, backend.band_hz)
    except SilencioError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0 if answers.all_answered and all_written else 1


class _Answers:
    """Documents of files, one file after the other, so that one is in memory at a time.

    Args:
        files: The recordings.
        predict_file: Scores a recording.

    Attributes:
        all_answered: No file was left out so far.
    """

    def __init__(self, files: list[Path], predict_file: Callable[[Path], RecordingDocument]) -> None:
        self.all_answered = True
        self._files = files
        self._predict_file = predict_file

    def __iter__(self) -> Iterator[Answer]:
        for file in self._files:
            try:
                document = self._predict_file(file)
            except (DecodeError, RefusedRecordingError) as error:
                sys.stderr.write(f"{file}: {error}\n")
                self.all_answered = False
                continue
            for note in document.notes:
                sys.stderr.write(f"{file}: note: {note.text}\n")
            yield file, document


def _check_place(options: argparse.Namespace) -> None:
    if (options.latitude is None) != (options.longitude is None):
        raise ConfigError("--latitude and --longitude are needed together")
    has_prior = options.site_list or options.birdnet_range
    if options.bundle and options.cacert:
        raise ConfigError(f"{CACERT_OPTION} goes with --url: with --bundle there is no server")
    if options.bundle and (options.site or options.device):
        raise ConfigError("--site and --device go with --url: a bundle keeps no prediction log")
    if options.url and has_prior:
        raise ConfigError("--site-list and --birdnet-range go with --bundle: a server has its own")
    if has_prior and options.latitude is None:
        raise ConfigError("--latitude and --longitude are needed: without a place no species is ruled out")
    if options.bundle and not has_prior and (options.latitude is not None or options.recorded_at):
        sys.stderr.write("note: place and time change nothing without --site-list or --birdnet-range\n")


@contextmanager
def _by_url(options: argparse.Namespace, top_k: TopK) -> Iterator[_Backend]:
    key = _api_key(options.api_key_file)
    with Client(
        options.url,
        api_key=key,
        retry=RetryPolicy(_MAX_RETRYING_S),
        key_in_clear=options.key_in_clear,
        cacert=options.cacert,
    ) as client:

        def predict_file(file: Path) -> RecordingDocument:
            recorder = recorder_of_file(file.name, recorder_of(options))
            return client.predict(
                _read(file),
                top_k,
                latitude=options.latitude,
                longitude=options.longitude,
                recorded_at=options.recorded_at,
                site_id=recorder.site_id or None,
                device_id=recorder.device_id or None,
                truncated=options.truncated,
            )

        yield _Backend(predict_file, lambda: client.band_hz)


@contextmanager
def _offline(options: argparse.Namespace, top_k: TopK) -> Iterator[_Backend]:
    with ScoringPool(options.bundle, 1) as pool:
        manifest, spec = pool.bundle.manifest, pool.bundle.manifest.spec
        prior = _prior(options, manifest.classes)
        expected = prior.expected(options.latitude, options.longitude, options.recorded_at) if prior else None
        if prior and expected is None:
            sys.stderr.write(
                "note: the place is in no site's radius: nothing is known of it, no species is ruled out\n"
            )

        def predict_file(file: Path) -> RecordingDocument:
            with _as_file(file) as path:
                scored = pool.score(str(path), options.truncated)
            if scored.recording is None:
                raise DecodeError(scored.reason)
            return recording_document(
                scored.recording.starts_s,
                scored.recording.probabilities,
                window_s=spec.window_s,
                hop_s=spec.hop_s,
                classes=manifest.classes,
                thresholds=manifest.thresholds,
                top_k=top_k,
                expected=expected,
                duration_s=scored.recording.duration_s,
                notes=scored.recording.notes,
                bundle_version=manifest.version,
            )

        yield _Backend(predict_file, lambda: (spec.f_min_hz, spec.f_max_hz))


def _prior(options: argparse.Namespace, classes: ClassList) -> Prior | None:
    if options.birdnet_range:
        return BirdnetRange(classes)
    if not options.site_list:
        return None
    sites = SiteList.read(options.site_list, classes)
    if sites.unknown:
        sys.stderr.write(
            f"note: {options.site_list}: {len(sites.unknown)} of {sites.n_rows} rows name species that the bundle does "
            f"not know: {listed(sites.unknown)}\n"
        )
    return sites


def _api_key(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get(API_KEY) or None
    try:
        key = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--api-key-file {file} cannot be read: {error}") from error
    if not key:
        raise ConfigError(f"--api-key-file {file} is empty")
    return key


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise DecodeError(f"cannot be read: {error.strerror or error}") from error


@contextmanager
def _as_file(file: Path) -> Iterator[Path]:
    """A file that another process can read at any place: what comes through a pipe is kept first."""
    if file.is_file():
        yield file
        return
    content = _read(file)
    with tempfile.NamedTemporaryFile(prefix="silencio-piped-") as kept:
        kept.write(content)
        kept.flush()
        yield Path(kept.name)
