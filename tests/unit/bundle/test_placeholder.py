"""The placeholder is a bundle like any other, except that it knows nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from silencio.bundle import Bundle
from silencio.bundle.placeholder import PLACEHOLDER_CLASSES, synthesised_clips, write_placeholder_bundle
from silencio.features import FeatureSpec


def test_placeholder__passes_every_check_of_a_loader(bundle_directory: Path) -> None:
    Bundle(bundle_directory).verify()


def test_placeholder__has_all_four_taxon_classes_and_both_kinds_of_code() -> None:
    assert {one.class_name for one in PLACEHOLDER_CLASSES} == {"Aves", "Amphibia", "Mammalia", "Insecta"}
    assert {code.isdigit() for code in PLACEHOLDER_CLASSES.codes} == {True, False}


def test_placeholder__takes_both_inputs_of_a_five_second_window(bundle_directory: Path) -> None:
    inputs = {entry.name: (entry.dtype, entry.shape) for entry in Bundle(bundle_directory).manifest.inputs}
    assert inputs == {"log_mel": ("float32", (128, 313)), "waveform": ("int16", (160_000,))}


@pytest.mark.parametrize("changed", ["log_mel", "waveform"])
def test_placeholder__numbers_depend_on_each_input(bundle_directory: Path, changed: str) -> None:
    bundle = Bundle(bundle_directory)
    graph = bundle.graph()
    clip = bundle.parity.clips[0]
    inputs: dict[str, NDArray[np.generic]] = {"log_mel": clip.log_mel, "waveform": clip.waveform}
    others = inputs | {changed: np.zeros_like(inputs[changed])}
    assert np.abs(graph.run(inputs) - graph.run(others)).max() > 1e-3


def test_placeholder__probabilities_sum_to_one(bundle_directory: Path) -> None:
    for clip in Bundle(bundle_directory).parity.clips:
        np.testing.assert_allclose(clip.probabilities.sum(axis=1), 1.0, atol=1e-5)


def test_placeholder__twice_is_the_same_bundle(bundle_directory: Path, tmp_path: Path) -> None:
    again = write_placeholder_bundle(tmp_path / "again")
    assert (again / "model.onnx").read_bytes() == (bundle_directory / "model.onnx").read_bytes()
    assert Bundle(again).manifest.spec_sha256 == Bundle(bundle_directory).manifest.spec_sha256


def test_placeholder__replays_the_clips_that_are_given(tmp_path: Path) -> None:
    spec = FeatureSpec()
    clips = {"mine": synthesised_clips(spec)["tone.wav"]}
    bundle = Bundle(write_placeholder_bundle(tmp_path, clips))
    assert [(clip.recording_id, clip.encoded) for clip in bundle.parity.clips] == list(clips.items())


@pytest.mark.parametrize("name", ["log_mel", "waveform"])
def test_placeholder__may_need_one_input_only(tmp_path: Path, name: str) -> None:
    bundle = Bundle(write_placeholder_bundle(tmp_path, inputs=[name]))  # type: ignore[list-item]  # a parameter
    bundle.verify()
    assert [entry.name for entry in bundle.graph().inputs] == [name]


def test_placeholder__needs_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, silencio.bundle.placeholder as p; "
        f"p.write_placeholder_bundle(pathlib.Path({str(tmp_path)!r})); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})
