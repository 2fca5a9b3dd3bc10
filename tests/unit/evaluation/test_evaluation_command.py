"""`silencio evaluate soundscapes`: what people annotated, scored by a bundle."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from silencio.__main__ import main
from silencio.bundle.placeholder import write_placeholder_bundle

HEADER = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tSpecies\n"


@pytest.fixture(scope="module")
def annotated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("annotated")
    noise = np.random.default_rng(0).normal(0, 0.05, 32000 * 20).astype(np.float32)
    soundfile.write(folder / "H02_20230420_074000.flac", noise, 32000)
    table = HEADER + "1\tSpectrogram 1\t1\t1.0\t3.0\t1000\t4000\tgrekis\n"
    (folder / "H02_20230420_074000.Table.1.selections.txt").write_text(table)
    return folder


def test_soundscapes__are_judged_row_by_row(
    annotated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = write_placeholder_bundle(tmp_path / "bundle")
    assert main(["evaluate", "soundscapes", "--bundle", str(bundle), "--annotated", str(annotated), "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)
    assert (metrics["n_soundscapes"], metrics["n_rows"], metrics["n_species"]) == (1, 4, 1)
    assert 0 <= metrics["macro_roc_auc"] <= 1


def test_soundscapes__every_figure_is_on_the_terminal(
    annotated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["evaluate", "soundscapes", "--bundle", str(write_placeholder_bundle(tmp_path / "bundle"))]
    command += ["--annotated", str(annotated)]
    assert main([*command, "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)
    assert main(command) == 0
    printed = capsys.readouterr().out
    lines = [[cell.strip() for cell in line.split("\u2502")] for line in printed.splitlines()]
    for name in ("macro_map", "padded_cmap", "macro_roc_auc", "micro_f1"):
        assert any(name in line and line[2].startswith(f"{metrics[name]:.3f}") for line in lines)
    assert "[{:.3f}, {:.3f}]".format(*metrics["macro_map_interval"]) in printed
    for name in ("by_snr", "by_overlap", "false_alarms"):
        assert f"{name}: " in printed
        for row in metrics[name]:
            shown = [f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values()]
            assert any(line[1:-1] == shown for line in lines)
    # What Raven tables do not say is no empty table.
    assert metrics["by_snr"] == [] and "by_snr: By level over the background: nothing to count" in printed
    assert metrics["by_overlap"] and metrics["false_alarms"]


def test_soundscapes__nothing_annotated_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = write_placeholder_bundle(tmp_path / "bundle")
    assert main(["evaluate", "soundscapes", "--bundle", str(bundle), "--annotated", str(tmp_path / "nowhere")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
