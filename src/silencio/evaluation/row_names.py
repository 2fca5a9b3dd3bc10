"""What the rows of an evaluation are called, the same on the terminal, in reports and on model cards."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from silencio.evaluation.comparisons import CHAMPION
from silencio.evaluation.metrics import Metrics
from silencio.evaluation.results import ENSEMBLE, Evaluation


def row_names(evaluation: Evaluation) -> dict[str, str]:
    """By row, its name in words: the bundle's what it is, a head's which head; a reference keeps its own."""
    names = {name: name for name in evaluation.rows} | {CHAMPION: f"{CHAMPION} {evaluation.champion}".rstrip()}
    for bundle, heads in evaluation.heads.items():
        names |= {head: _head(head, bundle, evaluation) for head in heads if head in names}
    if ENSEMBLE in names:
        names[ENSEMBLE] = f"its teacher ({bundle_name(ENSEMBLE, evaluation)})"
    names[evaluation.bundle_row] = f"this bundle ({bundle_name(evaluation.bundle_row, evaluation)})"
    return names


def bundle_name(bundle: str, evaluation: Evaluation) -> str:
    """`student`; `ensemble of effnet_lora and raw_cnn`; `raw_cnn alone` where the others were left out."""
    inside = _inside(bundle, evaluation)
    if bundle != ENSEMBLE or not inside:
        return bundle
    *first, last = inside
    return f"{ENSEMBLE} of {', '.join(first)} and {last}" if first else f"{last} alone"


def results_table(evaluation: Evaluation, other_bundles: Mapping[str, Metrics] | None = None) -> pd.DataFrame:
    """A row for everything that was evaluated: recordings, macro mAP, top-1, and top-1 by taxon class.

    The champion's row is followed by the bundle's on the same recordings where these are not all.

    Args:
        evaluation: Evaluation of one bundle.
        other_bundles: Metrics of further bundles on the same recordings, by name.
    """
    names = row_names(evaluation)
    first, *further = [_row(names[name], metrics) for name, metrics in evaluation.rows.items()]
    others = [_row(f"the other bundle ({name})", metrics) for name, metrics in (other_bundles or {}).items()]
    rows = [first, *others, *further]
    own = evaluation.champion_rows
    if CHAMPION in own:
        rows.append(_row(names[CHAMPION], own[CHAMPION]))
        if own[CHAMPION].n_recordings < evaluation.metrics.n_recordings:
            rows.append(_row("this bundle on the champion's recordings", own[evaluation.bundle_row]))
    return pd.DataFrame(rows)


def _row(name: str, metrics: Metrics) -> dict[str, str | int | float]:
    taxa = {taxon: of_class["top1"] for taxon, of_class in metrics.by_class.items()}
    whole = {"macro mAP": metrics.macro_map, "top-1": metrics.top1}
    return {"model": name, "recordings": metrics.n_recordings, **whole, **taxa}


def _head(head: str, bundle: str, evaluation: Evaluation) -> str:
    whose = "" if bundle == evaluation.bundle_row else " of its teacher"
    inside = _inside(bundle, evaluation)
    if head not in inside:
        return f"head {head}{whose}, left out"
    return f"head {head}{whose}" + (", before calibration" if len(inside) == 1 else "")


def _inside(bundle: str, evaluation: Evaluation) -> list[str]:
    return [head for head, is_inside in evaluation.heads.get(bundle, {}).items() if is_inside]
