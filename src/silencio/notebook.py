"""What a notebook does in one call: load a bundle, predict files, read a prediction log, as pandas' tables.

`import silencio` offers all of it. Recordings are decoded in this very process, so that it works in a cell as in a
script; `silencio predict --bundle` decodes in a process of its own, which an untrusted recording may crash.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from silencio.errors import ConfigError, DecodeError
from silencio.extras import install_command

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import pandas as pd

    from silencio.audio import Truncated
    from silencio.bundle.load import Bundle
    from silencio.detections import RecordingDocument
    from silencio.detections.documents import TopK

StrPath = str | os.PathLike[str]

# From a warning here to the line that called `predict` or `detect`.
_CALLER = 5
# One row a window and species, and one a detection.
_WINDOW = ("code", "scientific_name", "common_name", "class_name", "probability", "passes_threshold")
_DETECTION = ("start_s", "end_s", "code", "scientific_name", "common_name", "class_name", "probability")


def load_bundle(directory: StrPath) -> Bundle:
    """Load a bundle and verify all of it: every file's sha256, classes, thresholds, and the clips that it replays.

    Args:
        directory: The bundle's folder.

    Returns:
        With `manifest`, which has `classes`, `thresholds`, `spec`, `metrics` and the verdict.

    Raises:
        BundleError: There is no bundle in the folder.
        BundleIntegrityError: Something in it is not what was exported.
        ParityError: This machine computes other numbers than export did.
        ConfigError: What runs the bundle is not installed.
    """
    with _installed():
        from silencio.bundle.load import Bundle
    bundle = Bundle(Path(directory))
    bundle.verify()
    return bundle


def predict(
    bundle: Bundle | StrPath,
    files: StrPath | Iterable[StrPath],
    *,
    top_k: TopK = 5,
    truncated: Truncated = "note",
    on_error: Literal["raise", "warn"] = "raise",
) -> pd.DataFrame:
    """Name what recordings hold, window by window.

    The numbers are those of `silencio predict --bundle` and of the endpoint. What is odd about a recording and was read
    all the same is a `UserWarning`.

    Args:
        bundle: Bundle from `load_bundle`, or its folder.
        files: OGG, WAV, FLAC or MP3; one or many.
        top_k: Species that each window lists at least, besides all that pass their threshold; `all`: every class.
        truncated: What becomes of a file that ends before its recording does: `note` or `refuse`.
        on_error: A file that is no audio ends it (`raise`), or is left out with a `UserWarning` (`warn`).

    Returns:
        One row a window and species, by file, window and falling probability: `file`, `start_s`, `end_s`, `code`,
        `scientific_name`, `common_name`, `class_name`, `probability` (calibrated), `passes_threshold`.

    Raises:
        BundleError: The bundle is not what was exported, or gives other numbers here.
        DecodeError: A file is no audio that can be used; the message names it.
        ConfigError: What it needs is not installed.
    """
    rows = (
        (file, window.start_s, window.end_s, *(getattr(species, name) for name in _WINDOW))
        for file, document in _documents(bundle, files, top_k, truncated, on_error)
        for window in document.windows
        for species in window.species
    )
    return _table(rows, ("file", "start_s", "end_s", *_WINDOW))


def detect(
    bundle: Bundle | StrPath,
    files: StrPath | Iterable[StrPath],
    *,
    truncated: Truncated = "note",
    on_error: Literal["raise", "warn"] = "raise",
) -> pd.DataFrame:
    """Name what recordings hold: species that pass their threshold, over as many windows as they do without a break.

    Args:
        bundle: As in `predict`, and so are the others.
        files: One or many.
        truncated: What becomes of a file that ends before its recording does.
        on_error: What becomes of a file that is no audio.

    Returns:
        One row a detection, by file and start: `file`, `start_s`, `end_s`, `code`, `scientific_name`, `common_name`,
        `class_name`, `probability` (the greatest of its windows).

    Raises:
        BundleError: As in `predict`, like the others.
        DecodeError: A file is no audio that can be used.
        ConfigError: What it needs is not installed.
    """
    rows = (
        (file, *(getattr(detection, name) for name in _DETECTION))
        for file, document in _documents(bundle, files, 1, truncated, on_error)
        for detection in document.detections
    )
    return _table(rows, ("file", *_DETECTION))


def read_predictions(
    place: str, since: datetime, until: datetime, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Read a server's prediction log: one row a window, by time.

    Args:
        place: A folder or an S3 prefix, as given to `--prediction-log`.
        since: First moment, with a time zone.
        until: Moment before which rows are read, with a time zone.
        columns: Columns of docs/prediction_log.md, in their order; None is all.

    Raises:
        StorageError: The place cannot be read.
        DataError: A file in it is no part of a prediction log, a time has no zone, or there is no such column.
        ConfigError: What it needs is not installed.
    """
    with _installed():
        import pandas as pd  # noqa: F401  # its absence is told before anything is read

        from silencio.prediction_log import read_log
    table: pd.DataFrame = read_log(place, since, until, columns).to_pandas(use_threads=False)
    return table


def _documents(
    bundle: Bundle | StrPath,
    files: StrPath | Iterable[StrPath],
    top_k: TopK,
    truncated: Truncated,
    on_error: Literal["raise", "warn"],
) -> Iterator[tuple[str, RecordingDocument]]:
    """One file after the other, so that one is in memory at a time."""
    with _installed():
        from silencio.audio import MAX_AUDIO_S, MIN_AUDIO_S
        from silencio.bundle.load import Bundle
        from silencio.bundle.scoring import Scorer
        from silencio.detections import recording_document

    if on_error not in ("raise", "warn"):
        raise ConfigError(f"on_error={on_error!r}: raise or warn is needed")
    # One thread, as everywhere: the same numbers to the last bit.
    scorer = Scorer(bundle if isinstance(bundle, Bundle) else Bundle(Path(bundle)), n_threads=1)
    manifest = scorer.bundle.manifest
    for file in [files] if isinstance(files, str | os.PathLike) else files:
        name = os.fspath(file)
        try:
            scored = scorer(Path(file), min_duration_s=MIN_AUDIO_S, max_duration_s=MAX_AUDIO_S, truncated=truncated)
        except DecodeError as error:
            if on_error == "raise":
                raise DecodeError(f"{name}: {error}", error.kind) from error
            warnings.warn(f"{name} is left out: {error}", stacklevel=_CALLER)
            continue
        for note in scored.notes:
            warnings.warn(f"{name}: {note.text}", stacklevel=_CALLER)
        yield (
            name,
            recording_document(
                scored.starts_s,
                scored.probabilities,
                window_s=manifest.spec.window_s,
                hop_s=manifest.spec.hop_s,
                classes=manifest.classes,
                thresholds=manifest.thresholds,
                top_k=top_k,
                duration_s=scored.duration_s,
                notes=scored.notes,
                bundle_version=manifest.version,
            ),
        )


def _table(rows: Iterable[tuple[object, ...]], columns: Sequence[str]) -> pd.DataFrame:
    with _installed():
        import pandas as pd
    return pd.DataFrame.from_records(list(rows), columns=list(columns))


@contextmanager
def _installed() -> Iterator[None]:
    """Say what to install where a package is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ConfigError(f"{error.name} is not installed here: {install_command('notebook')}") from error
