"""What `run train` prints of a finished run: every bundle by what it is, on the recordings that it was tested on."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.train_output import evaluated_table
from pipelines.train_run import PUBLISHED, PUBLISHED_OF_BOTH, TrainedRun
from silencio.bundle.manifest import MANIFEST, BundleManifest
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.console import Console
from silencio.evaluation.gates import Verdict
from silencio.evaluation.metrics import Metrics
from silencio.evaluation.results import Evaluation

OTHERS = (0.8, 0.5, 0.9, 0.4, 0.7, 0.2)
ROWS = {"ensemble": Metrics(0.6, 0.917, 24, 3, *OTHERS), "student": Metrics(0.5, 0.829, 24, 3, *OTHERS)}
HEADS = {"ensemble": {"raw_cnn": True, "texture": True}}


def _bundle(folder: Path, evaluated: str, rows: list[str]) -> Path:
    write_placeholder_bundle(folder)
    manifest = BundleManifest.model_validate_json((folder / MANIFEST).read_text())
    metrics = {"bundle_row": evaluated, "test_by_row": {name: ROWS[name].to_dict() for name in rows}}
    (folder / MANIFEST).write_text(manifest.model_copy(update={"metrics": metrics}).sealed().model_dump_json())
    return folder


def _run(out: Path, released: str, other: str = "") -> TrainedRun:
    """An ensemble's evaluation knows itself; a student's its teacher as well."""
    rows = [released, other] if released == "student" else [released]
    heads = {**({"student": {"student": True}} if released == "student" else {}), **HEADS}
    evaluation = Evaluation(
        {name: ROWS[name] for name in rows}, [], bundle_row=released, heads=heads, test_set="3f2a9c1b0d4e"
    )
    published = PUBLISHED | (PUBLISHED_OF_BOTH if other else {})
    if other:
        _bundle(out / "other-bundle", other, ["student", "ensemble"] if other == "student" else ["ensemble"])
    pages = {name: out / place for name, place in published.items()}
    return TrainedRun(out / "bundle", evaluation, Verdict([]), out / "run.log", [], pages)


def _shown(run: TrainedRun) -> str:
    screen = io.StringIO()
    Console(file=screen, piped_cells=160).print(evaluated_table(run, 160))
    return screen.getvalue()


@pytest.mark.parametrize(
    ("released", "other", "names"),
    [
        (
            "student",
            "ensemble",
            {"this bundle (student)": 0.829, "its teacher (ensemble of raw_cnn and texture)": 0.917},
        ),
        (
            "ensemble",
            "student",
            {"this bundle (ensemble of raw_cnn and texture)": 0.917, "the other bundle (student)": 0.829},
        ),
    ],
)
def test_table__of_a_run_with_a_student_holds_both_bundles(
    tmp_path: Path, released: str, other: str, names: dict[str, float]
) -> None:
    shown = _shown(_run(tmp_path, released, other))
    cells = [[cell.strip() for cell in line.split("│")] for line in shown.splitlines() if line.startswith("│")]
    assert {line[1]: float(line[3]) for line in cells} == names
    # One number holds for all, and stands above.
    assert "24 test recordings" in shown and "recordings " not in shown


@pytest.mark.parametrize("width", [60, 80, 120])
def test_table__a_champions_version_can_be_copied_at_any_width(tmp_path: Path, width: int) -> None:
    run = _run(tmp_path, "student", "ensemble")
    taxa = {name: {"top1": 0.5} for name in ("Amphibia", "Aves", "Insecta", "Mammalia")}
    own = replace(ROWS["student"], by_class=taxa)
    of_both = {"champion": replace(own, n_recordings=20), "student": replace(own, n_recordings=20)}
    rows = run.evaluation.rows | {"student": own}
    evaluation = replace(run.evaluation, rows=rows, champion="1452e0a87c11", champion_rows=of_both)
    screen = io.StringIO()
    console = Console(file=screen)
    console.width = width
    console.print(evaluated_table(replace(run, evaluation=evaluation), width))
    lines = screen.getvalue().splitlines()
    (champion,) = [line for line in lines if "champion 1452e0a87c11" in line]
    # Its figures are of fewer recordings, and say so.
    assert champion.split("\u2502")[2].strip() == "20"
    assert "\N{HORIZONTAL ELLIPSIS}" not in screen.getvalue()
    assert all(line.endswith("\u2502") for line in lines if line.startswith("\u2502"))


def test_table__names_its_test_part(tmp_path: Path) -> None:
    shown = _shown(_run(tmp_path, "ensemble"))
    assert "24 test recordings, test set 3f2a9c1b0d4e" in shown
    assert "student" not in shown
