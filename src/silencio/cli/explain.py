"""`silencio explain RECORDING --bundle DIR --out FOLDER`: which region of time and frequency drove a prediction."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from silencio.bundle.manifest import BundleManifest
    from silencio.explanations.recording import ExplainedRecording, ExplainedWindow
    from silencio.reports.markup import Markup


def configure(parser: argparse.ArgumentParser) -> None:
    """Show which part of a recording drove a prediction."""
    parser.add_argument("recording", type=Path, metavar="RECORDING", help="OGG, WAV, FLAC or MP3")
    parser.add_argument("--bundle", type=Path, required=True, metavar="DIR", help="the bundle's folder")
    parser.add_argument("--code", help="the class that is explained (default: the most probable one)")
    parser.add_argument(
        "--windows", type=_count(50), default=1, metavar="N", help="of its most probable windows (default: %(default)s)"
    )
    parser.add_argument(
        "--freq-cells", type=_count(64, 2), default=8, metavar="N", help="cells of frequency (default: %(default)s)"
    )
    parser.add_argument(
        "--time-cells", type=_count(100), default=10, metavar="N", help="cells of time (default: %(default)s)"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="gets explanation.json, index.html and a PNG a window"
    )
    parser.set_defaults(run=_explain)


def _count(limit: int, first: int = 1) -> Any:
    def count(text: str) -> int:
        if text.isdecimal() and first <= int(text) <= limit:
            return int(text)
        raise argparse.ArgumentTypeError(f"{text!r}: a whole number from {first} to {limit} is needed")

    return count


def _explain(options: argparse.Namespace) -> int:
    from silencio.bundle import Bundle, Scorer
    from silencio.console import Console
    from silencio.explanations.recording import explain_recording
    from silencio.explanations.regions import RegionGrid
    from silencio.reports.importance_picture import importance_png
    from silencio.storage import write_atomically

    scorer, console = Scorer(Bundle(options.bundle)), Console()
    grid = RegionGrid(n_freq_cells=options.freq_cells, n_time_cells=options.time_cells)
    found = explain_recording(scorer, options.recording, code=options.code, n_windows=options.windows, grid=grid)
    manifest = scorer.bundle.manifest
    for one in found.windows:
        picture = importance_png(one.waveform, manifest.spec, one.explanation)
        write_atomically(options.out / _picture_name(options.recording, one), picture)
    facts = _facts(options.recording, found, manifest)
    write_atomically(options.out / "explanation.json", json.dumps(facts, indent=1) + "\n")
    write_atomically(options.out / "index.html", _page(options.recording, found, manifest))
    for note in found.notes:
        console.print(note, soft_wrap=True, markup=False, highlight=False)
    for one in found.windows:
        console.print(_sentence(one, found.code, manifest), soft_wrap=True, markup=False, highlight=False)
    console.print(f"pictures: {options.out / 'index.html'}", soft_wrap=True, markup=False, highlight=False)
    return 0


def _picture_name(recording: Path, window: ExplainedWindow) -> str:
    return f"{recording.stem}-{window.start_s:.1f}s.png"


def _sentence(window: ExplainedWindow, code: str, manifest: BundleManifest) -> str:
    from silencio.explanations.summary import importance_summary

    name = manifest.classes[manifest.classes.index[code]].common_name or code
    summary, explained = importance_summary(window.explanation), window.explanation
    found = f"{name}, {window.start_s:.1f} to {window.start_s + manifest.spec.window_s:.1f} s"
    found += f", probability {explained.probability:.2f}"
    if summary is None:
        return f"{found}: no region of the window speaks for it"
    return (
        f"{found}: half of it rests on {100 * summary.half_share:.0f} % of the window, about {summary.centroid_hz:.0f} "
        f"Hz ({explained.n_scored} windows scored)"
    )


def _facts(recording: Path, found: ExplainedRecording, manifest: BundleManifest) -> dict[str, Any]:
    from dataclasses import asdict

    from silencio.explanations.summary import importance_summary

    windows = []
    for one in found.windows:
        explained = one.explanation
        summary = importance_summary(explained)
        windows.append(
            {
                "start_s": one.start_s,
                "end_s": one.start_s + manifest.spec.window_s,
                "probability": explained.probability,
                "importance": explained.importance.round(6).tolist(),
                "freq_edges_hz": explained.freq_edges_hz.round(3).tolist(),
                "time_edges_s": explained.time_edges_s.round(6).tolist(),
                "summary": None if summary is None else asdict(summary),
                "n_scored": explained.n_scored,
                "picture": _picture_name(recording, one),
            }
        )
    return {
        "recording": recording.name,
        "bundle_name": manifest.name,
        "bundle_version": manifest.version,
        "code": found.code,
        "n_windows": found.n_windows,
        "notes": list(found.notes),
        "windows": windows,
    }


def _page(recording: Path, found: ExplainedRecording, manifest: BundleManifest) -> str:
    from silencio.reports.document import bullets, figure, html, prose
    from silencio.reports.importance_picture import importance_picture
    from silencio.reports.markup import tag

    def shown(one: ExplainedWindow) -> Markup:
        sentence = _sentence(one, found.code, manifest)
        picture = importance_picture(one.waveform, manifest.spec, one.explanation, sentence, begin_s=one.start_s)
        return figure(picture, sentence)

    title = f"What speaks for {found.code} in {recording.name}"
    legend = (
        "Orange is what the prediction rests on: without it, turned down to the quiet floor, the probability falls. "
        f"Bundle {manifest.name} {manifest.version}."
    )
    figures = tag("div", *(shown(one) for one in found.windows), class_="side examples")
    notes = bullets(list(found.notes)) if found.notes else None
    return str(html(title, tag("main", tag("h1", title), prose(legend), notes, figures), class_="step"))
