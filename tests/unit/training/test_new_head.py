"""A head that is one new file is trained, evaluated, combined and exported."""

from pathlib import Path

import pytest

from silencio.bundle.load import Bundle
from silencio.config import RunConfig
from silencio.training.calibrate import calibrate_ensemble
from silencio.training.checkpoint import TrainedHead
from silencio.training.ensemble import fit_ensemble
from silencio.training.fit import fit_head
from silencio.training.preflight import check_run
from tests.conftest import TinyEnsemble
from tests.new_head import add_head


def test_new_head__reaches_the_bundle(
    tiny_data, tiny_ensemble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_head(tmp_path, monkeypatch)
    values = {**tiny_data.config.model_dump(mode="json"), "heads": {"loudness": {"epochs": 1, "bands": 8}}}
    config = RunConfig.model_validate(values, strict=False)
    check_run(config)
    fit_head("loudness", config, tiny_data.development, tiny_data.classes, tmp_path / "head")
    heads = [TrainedHead.load(tmp_path / "head")]
    ensemble = fit_ensemble(heads, tiny_data.recordings, config, tiny_data.classes)
    decision_rule = calibrate_ensemble(ensemble, tiny_data.recordings, config, tiny_data.classes)
    # Heads that the supervisor does not join are handed on and stay out. Export holds the graph against training.
    handed_on = TinyEnsemble([*tiny_ensemble.heads, *heads], ensemble, decision_rule)
    bundle = Bundle(handed_on.export(tiny_data, tmp_path / "bundle"))
    bundle.verify()
    assert [(head.name, head.kind, head.input_name) for head in bundle.manifest.heads] == [
        ("loudness", "loudness", "log_mel")
    ]
    assert [entry.name for entry in bundle.manifest.inputs] == ["log_mel"]
