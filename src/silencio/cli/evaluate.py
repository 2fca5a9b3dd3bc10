"""`silencio evaluate soundscapes`: a bundle on recordings that people annotated in Raven."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from silencio.bundle.load import Bundle
    from silencio.console import Console
    from silencio.evaluation.soundscape_metrics import SoundscapeMetrics


def configure(parser: argparse.ArgumentParser) -> None:
    """Evaluate a bundle on recordings of your own."""
    commands = parser.add_subparsers(dest="command", required=True)
    soundscapes = commands.add_parser("soundscapes", help="on audio with Raven selection tables beside it")
    soundscapes.add_argument("--bundle", type=Path, required=True, metavar="DIR")
    soundscapes.add_argument(
        "--annotated", type=Path, required=True, metavar="DIR", help="audio and tables, side by side"
    )
    soundscapes.add_argument("--json", action="store_true", help="all metrics as JSON")
    soundscapes.set_defaults(run=_soundscapes)


def _soundscapes(options: argparse.Namespace) -> int:
    from silencio.bundle.load import Bundle

    figures = evaluate_annotated(Bundle(options.bundle), options.annotated)
    if options.json:
        sys.stdout.write(json.dumps(figures.to_dict(), indent=1) + "\n")
    else:
        from silencio.console import Console

        _show(figures, Console())
    return 0


def evaluate_annotated(bundle: Bundle, folder: Path) -> SoundscapeMetrics:
    """Score every annotated file of a folder.

    Raises:
        BundleError: The bundle is not what was exported.
        DataError: The folder holds nothing that is annotated, or a broken table.
    """
    import numpy as np

    from silencio.bundle.scoring import Scorer
    from silencio.data.soundscape_files import read_annotated_soundscapes
    from silencio.evaluation.soundscape_metrics import evaluate_soundscapes
    from silencio.evaluation.soundscapes import score_soundscapes

    scorer, manifest = Scorer(bundle), bundle.manifest

    def model(waveform: NDArray[np.int16]) -> NDArray[np.float32]:
        return scorer.graph.run(scorer.front_end.features(waveform).inputs)

    found = read_annotated_soundscapes(folder, manifest.spec)
    scores = score_soundscapes(model, found, manifest.spec, manifest.classes)
    thresholds = np.array([manifest.thresholds[code] for code in manifest.classes.codes])
    return evaluate_soundscapes(scores, thresholds)


def _show(figures: SoundscapeMetrics, console: Console) -> None:
    from rich.table import Table

    facts = figures.to_dict()
    table = Table("metric", "value", title=f"{figures.n_soundscapes} annotated soundscapes, {figures.hours:.2f} h")
    for name in ("macro_map", "padded_cmap", "macro_roc_auc", "micro_f1", "n_rows", "n_species"):
        interval = facts.get(f"{name}_interval")
        spread = f" [{', '.join(map(_cell, interval))}]" if interval else ""
        table.add_row(name, _cell(facts[name]) + spread)
    console.print(table)
    for name, title in (("by_snr", "By level over the background"), ("by_overlap", "By species in the row")):
        _table(f"{name}: {title}", facts[name], console)
    _table("false_alarms: species named where no animal is annotated", facts["false_alarms"], console)


def _table(title: str, rows: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Rows of the same metrics, as they are called in the JSON and in docs/soundscapes.md."""
    from rich.table import Table

    if not rows:
        console.print(f"{title}: nothing to count")
        return
    table = Table(*rows[0], title=title)
    for row in rows:
        table.add_row(*map(_cell, row.values()))
    console.print(table)


def _cell(value: object) -> str:
    return "unknown" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
