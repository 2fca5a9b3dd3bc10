"""The page of a release, from its record, the comparison that was handed in, and whatever else is at hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from serving.canary.staging import COMPARISON
from silencio.audio import read_waveform
from silencio.bundle.manifest import BundleManifest, read_manifest
from silencio.errors import DecodeError, SilencioError
from silencio.release.comparison_file import comparison_of
from silencio.release.record import ReleaseRecord
from silencio.reports.release import Licences, ReleaseInputs, WindowSound, with_comparison, write_release_page
from silencio.reports.release.collect import MAX_WINDOWS, collect
from silencio.reports.release.comparison_facts import WindowFacts
from silencio.reports.release.write import HTML, JSON, as_html


def write_page(record: ReleaseRecord, folder: Path, out: Path, recordings: Path | None = None) -> list[Path]:
    """Write both files.

    Args:
        record: The release.
        folder: Its files.
        out: Gets `release.html` and `release.json`.
        recordings: Folder of the recordings that were replayed, for spectrograms; None: none are drawn.

    Raises:
        StorageError: They cannot be written.
        ReleaseError: The comparison is of another version.
    """
    write_release_page(out, inputs_of(record, folder / COMPARISON, recordings))
    return [out / HTML, out / JSON]


def html_of(record: ReleaseRecord, folder: Path) -> str:
    """The page alone, as MLflow keeps it."""
    return as_html(collect(inputs_of(record, folder / COMPARISON)), {})


def inputs_of(record: ReleaseRecord, comparison: Path, recordings: Path | None = None) -> ReleaseInputs:
    """All that is known of a release; what is not there is said on the page.

    Args:
        record: The release.
        comparison: The comparison of both bundles as a file; it need not be there.
        recordings: Folder of the recordings that were replayed; None: they are not at hand.

    Raises:
        ReleaseError: The comparison is of another version.
    """
    champion, challenger = (_manifest(one.place) for one in (record.champion, record.challenger))
    inputs = ReleaseInputs(
        record=record,
        written_at=datetime.now(UTC).isoformat(timespec="seconds"),
        licences=Licences(champion=_licence(champion), challenger=_licence(challenger)),
    )
    if not comparison.is_file():
        return inputs
    inputs = with_comparison(inputs, comparison_of(json.loads(comparison.read_bytes())))
    if recordings is None or challenger is None:
        return inputs
    return with_sounds(inputs, recordings, challenger)


def with_sounds(inputs: ReleaseInputs, recordings: Path, manifest: BundleManifest) -> ReleaseInputs:
    """Inputs with the sound of their windows, as far as the recordings are there and can be read.

    Args:
        inputs: With windows.
        recordings: Folder below which a recording lies under its name.
        manifest: That of the bundle whose ears they are drawn for.
    """
    sounds = {}
    for one in inputs.windows[:MAX_WINDOWS]:
        sound = _sound(one, recordings, manifest)
        if sound is not None:
            sounds[one.recording, one.begin_s] = sound
    return replace(inputs, sounds=sounds)


def _sound(window: WindowFacts, recordings: Path, manifest: BundleManifest) -> WindowSound | None:
    path = _found(recordings, window.recording)
    if path is None:
        return None
    rate_hz = manifest.spec.sample_rate_hz
    try:
        samples = read_waveform(path, rate_hz).samples
    except DecodeError:
        return None
    begin, end = (round(at_s * rate_hz) for at_s in (window.begin_s, window.end_s))
    return WindowSound(waveform=samples[begin:end], spec=manifest.spec) if begin < len(samples) else None


def _found(folder: Path, name: str) -> Path | None:
    """A recording by its name; one that would lead out of the folder is not looked for."""
    candidates: Sequence[Path] = (folder / name, folder / "train_audio" / name)
    inside = (one for one in candidates if one.resolve().is_relative_to(folder.resolve()))
    return next((one for one in inside if one.is_file()), None)


def _manifest(place: str) -> BundleManifest | None:
    try:
        return read_manifest(Path(place))
    except (SilencioError, OSError):
        return None  # served from elsewhere


def _licence(manifest: BundleManifest | None) -> str | None:
    verdict = None if manifest is None else manifest.licences.get("verdict")
    return None if verdict is None else str(verdict)
