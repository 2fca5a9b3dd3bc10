"""export: the candidate, with where it comes from, and no word of the test set."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from silencio.bundle import Bundle
from silencio.config import resolve
from silencio.data.frames import read_frame
from silencio.data.recordings import write_class_list, write_recordings
from silencio.errors import ModelError
from silencio.provenance import CODE_VERSION, IMAGE
from silencio.steps.export import Inputs, Outputs, licence_counts, run
from silencio.training.calibrate import calibrate_ensemble
from silencio.training.ensemble import fit_ensemble
from tests.conftest import TinyData, TinyEnsemble
from tests.tiny_reserve import TINY

PARENTS = {"data_fingerprint": "0" * 64, "split_sha256": "1" * 64, "config_sha256": "2" * 64}


@pytest.fixture(scope="module")
def inputs(tiny_data: TinyData, tiny_ensemble: TinyEnsemble, tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """Of a run with one small head: exporting it takes a second."""
    folder, config = tmp_path_factory.mktemp("inputs"), resolve(TINY, overrides=["heads.effnet_lora=null"])
    heads = [head for head in tiny_ensemble.heads if head.name == "raw_cnn"]
    heads[0].save(folder / "raw_cnn")
    ensemble = fit_ensemble(heads, tiny_data.recordings, config, tiny_data.classes)
    ensemble.save(folder / "ensemble")
    calibrate_ensemble(ensemble, tiny_data.recordings, config, tiny_data.classes).save(folder / "decision_rule")
    write_class_list(tiny_data.classes, folder / "classes")
    write_recordings(tiny_data.recordings.drop(columns="split"), folder / "usable")
    assignment = tiny_data.recordings[["recording_id", "split", "primary_label", "sha256"]]
    assignment = assignment.assign(group_id=assignment["recording_id"])
    assignment.to_parquet(folder / "assignment")
    assignment.to_parquet(folder / "split_history")
    return Inputs(
        config=config,
        **PARENTS,
        pool_sha256="",
        # A pipeline's node has six places for heads; the last one stands in those that are left.
        heads=[folder / "raw_cnn"] * 6,
        development=tiny_data.development,
        classes=folder / "classes",
        usable=folder / "usable",
        assignment=folder / "assignment",
        split_history=folder / "split_history",
        ensemble=folder / "ensemble",
        decision_rule=folder / "decision_rule",
    )


@pytest.fixture(scope="module")
def exported(inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("exported")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(CODE_VERSION, "test")
        environment.setenv(IMAGE, "local/image:1")
        return run(inputs, Outputs(folder / "bundle", folder / "variants")), folder


def test_export__writes_a_candidate_that_was_not_evaluated(exported: tuple[str, Path]) -> None:
    version, folder = exported
    manifest = Bundle(folder / "bundle").manifest
    assert manifest.version == version
    assert [head.name for head in manifest.heads] == ["raw_cnn"]
    assert set(manifest.metrics) == {"validation", "validation_calibration"}
    assert manifest.verdict == {}
    assert json.loads((folder / "variants").read_text()) == {}


def test_export__names_where_it_comes_from(exported: tuple[str, Path], tiny_data: TinyData) -> None:
    directory = exported[1] / "bundle"
    manifest = Bundle(directory).manifest
    # What was not added has no identity, and what runs says itself what it is.
    assert manifest.parents == PARENTS | {"code_version": "test", "image": "local/image:1"}
    assert manifest.licences["recordings"] == {"CC BY 4.0": 20}
    data = read_frame(directory / "data.parquet").set_index("recording_id")
    expected = tiny_data.recordings.set_index("recording_id")
    # Every recording with its part: what the next run and the next champion's judge must know.
    for column in ("split", "sha256", "primary_label"):
        assert data[column].to_dict() == expected[column].to_dict()
    ledger = read_frame(directory / "split.parquet")
    assert dict(zip(ledger["recording_id"], ledger["split"], strict=True)) == expected["split"].to_dict()


def test_export__a_head_that_was_not_handed_on_is_named(inputs: Inputs, tiny_data: TinyData, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no trained effnet_lora was handed on; there are raw_cnn"):
        run(replace(inputs, config=tiny_data.config), Outputs(tmp_path / "bundle", tmp_path / "variants"))
    assert list(tmp_path.iterdir()) == []


def test_licence_counts__of_every_text() -> None:
    usable = pd.DataFrame({"license": ["cc-by 4.0", "cc0", "cc-by 4.0", ""]})
    assert licence_counts(usable) == {"": 1, "cc-by 4.0": 2, "cc0": 1}
