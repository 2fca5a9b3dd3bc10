"""What steps read of a configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from silencio.config import RunConfig, preset_text, resolve
from silencio.config.parts import READ_BY, config_sha256, part_of, parts_by_step, settings_before
from silencio.data.config import DataConfig
from silencio.errors import ConfigError, StorageError

BASE = "{heads: {raw_cnn: {epochs: 3}, effnet_lora: {}}, supervisor: {}, student: {}, self_training: {}}"


def parts(*overrides: str) -> dict[str, str]:
    return parts_by_step(resolve(BASE, overrides=overrides))


def changed_by(*overrides: str) -> set[str]:
    """Steps whose part is another one."""
    before, after = parts(), parts(*overrides)
    return {name for name in before if before[name] != after[name]}


# A setting, and who reads it. Names of `configure`'s outputs; `raw_cnn` is the second head by name.
READERS: dict[str, set[str]] = {
    "gates.minimum.top1=0.6": {"apply_gates"},
    "gates.champion_margin=0.05": {"apply_gates"},
    "thresholds.min_positives=7": {"calibrate"},
    "calibration.prior_strength=3.0": {"calibrate"},
    "heads.raw_cnn.epochs=9": {"head_2", "preflight", "fit_ensemble", "pseudo_label", "export", "evaluate"},
    "student.epochs=9": {"student", "preflight", "fit_ensemble_student", "export_student", "evaluate_student"},
    "supervisor.shrinkage=0.25": {"fit_ensemble"},
    "stacking.keep_all_heads=true": {"fit_ensemble"},
    "stacking.n_folds=3": {"head_1", "head_2", "fit_ensemble"},
    "seed=4": {"head_1", "head_2", "student", "fit_ensemble", "fit_ensemble_student"},
    "split.seed=4": {"split"},
    "seconds_per_shard=60": {"split", "pool_unlabelled"},
    "min_recordings=2": {"ingest"},
    "validation.silent_below_db=-50": {"validate", "pool_unlabelled"},
    "distillation.temperature=2": {"pseudo_label"},
    "self_training.power=2": {"pseudo_label"},
    "self_training.hidden_share=0.4": {"split"},
    "export.n_parity_clips=2": {"export", "export_student"},
    "evaluation.n_resamples=200": {"evaluate", "evaluate_student", "compare_bundles"},
    "evaluation.slices.n_confusable_pairs=3": {"calibrate", "evaluate", "evaluate_student", "apply_gates"},
    "evaluation.soundscapes.n_soundscapes=3": {"evaluate", "evaluate_student"},
    "release=ensemble": set(),
}


@pytest.mark.parametrize(("setting", "readers"), READERS.items(), ids=READERS)
def test_setting__changes_the_part_of_those_who_read_it_and_of_nobody_else(setting: str, readers: set[str]) -> None:
    assert changed_by(setting) == readers


def test_every_section__is_read_by_a_step() -> None:
    # A section that nobody reads changes nothing: then it is no setting, or a step reads it and does not say so.
    read = {name.split(".")[0] for names in READ_BY.values() for name in names}
    decides_the_graph = {"release"}
    assert set(RunConfig.model_fields) == read | decides_the_graph


def test_part__is_all_that_its_reader_has() -> None:
    evaluate = RunConfig.of_part(parts()["apply_gates"])
    assert evaluate.gates == resolve(BASE).gates
    with pytest.raises(AttributeError):
        _ = evaluate.thresholds
    calibrate = RunConfig.of_part(parts()["calibrate"])
    assert calibrate.evaluation.slices.n_confusable_pairs == 10
    with pytest.raises(AttributeError):
        _ = calibrate.evaluation.n_resamples


@pytest.mark.parametrize("step", sorted(set(READ_BY) - {"train_head"}))
def test_part__says_what_the_configuration_says(step: str) -> None:
    config = resolve(BASE, overrides=["features.n_mels=64", "thresholds.min_positives=7"])
    of_data = step in ("ingest", "validate", "split", "pool_unlabelled", "featurize")
    part = (DataConfig if of_data else RunConfig).of_part(part_of(config, step))
    for section in vars(part):
        if section not in ("evaluation", "self_training"):  # of which it has some settings
            assert getattr(part, section) == getattr(config, section)


def test_heads__have_places_by_name_whatever_their_order() -> None:
    # The graph was made for one order; on the run's page somebody writes another.
    turned = "{heads: {effnet_lora: {}, raw_cnn: {epochs: 3}}, supervisor: {}}"
    for text in (BASE, turned):
        found = parts_by_step(resolve(text))
        assert list(json.loads(found["head_1"])["heads"]) == ["effnet_lora"]
        assert list(json.loads(found["head_2"])["heads"]) == ["raw_cnn"]
        assert found["head_3"] == ""


def test_file_that_a_step_names__is_part_of_what_it_reads(tmp_path: Path) -> None:
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"some")
    override = f"heads.effnet_lora.weights={weights}"
    before = parts(override)
    weights.write_bytes(b"others")
    after = parts(override)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"head_1", "preflight", "fit_ensemble", "pseudo_label", "export", "evaluate"}
    # The bundle is made with the same settings, wherever and whenever the file was written.
    config = resolve(BASE, overrides=[override])
    assert config_sha256(config, before) == config_sha256(config, after)


def test_place_that_a_step_names__is_part_of_what_it_reads(tmp_path: Path) -> None:
    # Animals of other countries, of which a report tries some: a folder that grows is another one.
    override = f"evaluation.failure_modes.foreign={tmp_path}"
    before = parts(override)
    (tmp_path / "a.ogg").write_bytes(b"sound")
    after = parts(override)
    assert {name for name in before if before[name] != after[name]} == {"evaluate", "evaluate_student"}


def test_place_that_does_not_answer__is_another_one_when_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(place: str) -> str:
        raise StorageError(f"{place} does not answer")

    monkeypatch.setattr("silencio.data.place_version.place_version", refused)
    override = "evaluation.failure_modes.foreign=s3://foreign/animals"
    before = parts(override)["evaluate"]
    monkeypatch.setattr("silencio.data.place_version.place_version", lambda place: "123456789012")
    assert parts(override)["evaluate"] != before


@pytest.mark.parametrize("name", ["ensemble", "champion"])
def test_head__of_a_name_that_stands_for_something_else_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"heads.{name}: the name is taken"):
        resolve(f"{{heads: {{{name}: {{kind: raw_cnn}}}}, supervisor: {{}}}}")


def before(*overrides: str) -> dict[str, Any]:
    config = resolve(BASE, overrides=overrides)
    return settings_before(config, parts_by_step(config))


# A setting, and the first step of the bundle's path that is not told of it by its own part but by what it is handed.
@pytest.mark.parametrize(
    ("setting", "described"),
    [
        (
            "split.seed=4",
            {
                "featurize",
                "train_head",
                "fit_ensemble",
                "calibrate",
                "export",
                "evaluate",
                "apply_gates",
                "pseudo_label",
                "pool_unlabelled",
            },
        ),
        ("thresholds.min_positives=7", {"export", "evaluate", "apply_gates"}),
        ("gates.minimum.top1=0.6", set()),
    ],
)
def test_settings_before__change_for_all_steps_after_the_reader(setting: str, described: set[str]) -> None:
    ours, other = before(), before(setting)
    changed = {name for name in ours if ours[name] != other[name] and not name.endswith("_student")}
    assert changed - {"distill", "compare_bundles"} == described


def test_config_sha256__is_of_what_a_bundle_is_made_with() -> None:
    def identity(*overrides: str, of: str = "") -> str:
        config = resolve(BASE, overrides=overrides)
        return config_sha256(config, parts_by_step(config), of)

    assert len(identity()) == 64
    assert identity("gates.minimum.top1=0.6", "evaluation.n_resamples=200") == identity()
    assert identity("thresholds.min_positives=7") != identity()
    # The student is no part of the ensemble, the ensemble is what the student learned from.
    assert identity("student.epochs=9") == identity()
    assert identity("student.epochs=9", of="_student") != identity(of="_student")
    assert identity("heads.raw_cnn.epochs=9", of="_student") != identity(of="_student")


def test_demo__has_parts_that_fit_a_step_s_arguments() -> None:
    # Linux takes 128 KiB an argument, and all inputs of a step are one.
    assert sum(map(len, parts_by_step(resolve(preset_text("reserve"))).values())) < 64 * 1024
