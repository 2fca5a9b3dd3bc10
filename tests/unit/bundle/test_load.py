"""A bundle is loaded whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from silencio.bundle import Bundle
from silencio.errors import BundleError, BundleIntegrityError, ParityError
from silencio.features import FeatureSpec, FrontEnd
from silencio.storage import sha256_of

Edit = Callable[[Callable[[dict[str, Any]], None]], None]


def _swap_classes(content: dict[str, Any]) -> None:
    species = content["classes"]["species"]
    species[0], species[1] = species[1], species[0]


def _swap_names(content: dict[str, Any]) -> None:
    first, second = content["classes"]["species"][:2]
    for name in ("scientific_name", "common_name", "class_name"):
        first[name], second[name] = second[name], first[name]


def _change_mel(content: dict[str, Any]) -> None:
    content["spec"]["f_min_hz"] += 1.0


def test_bundle__a_folder_without_one(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"holds no bundle\.json"):
        Bundle(tmp_path)


@pytest.mark.parametrize(
    ("metrics", "verdict"),
    [
        ({"test_set": "3f2a9c1b0d4e", "bundle_row": "student"}, {"passed": False, "failed_gates": ["too few birds"]}),
        ({"test_part": "3f2a9c1b0d4e", "judged": "student"}, {"passed": False, "refusals": ["too few birds"]}),
    ],
    ids=["now", "before 0.1.0"],
)
def test_bundle__says_of_its_evaluation_the_same_under_the_names_of_before(
    edit_manifest: Edit, own_bundle: Path, metrics: dict[str, Any], verdict: dict[str, Any]
) -> None:
    edit_manifest(lambda content: content.update(metrics={**content["metrics"], **metrics}, verdict=verdict))
    manifest = Bundle(own_bundle).manifest
    found = manifest.test_set, manifest.bundle_row, manifest.failed_gates
    assert found == ("3f2a9c1b0d4e", "student", ["too few birds"])
    # It was sealed with these names, and keeps them.
    assert metrics.items() <= manifest.metrics.items()
    assert manifest.verdict == verdict


@pytest.mark.parametrize("name", ["model.onnx", "parity.npz", "MODEL_CARD.md"])
@pytest.mark.parametrize("place", [0.0, 0.5, 0.999])
def test_bundle__one_byte_of_a_file_changed(own_bundle: Path, name: str, place: float) -> None:
    content = bytearray((own_bundle / name).read_bytes())
    content[int(place * len(content))] ^= 1
    (own_bundle / name).write_bytes(content)
    with pytest.raises(BundleIntegrityError, match=f"{name} was changed"):
        Bundle(own_bundle)


@pytest.mark.parametrize("name", ["model.onnx", "parity.npz", "MODEL_CARD.md"])
def test_bundle__a_file_is_missing(own_bundle: Path, name: str) -> None:
    (own_bundle / name).unlink()
    with pytest.raises(BundleIntegrityError, match=f"{name} is missing"):
        Bundle(own_bundle)


@pytest.mark.parametrize(
    "name", ["notes.txt", "encoders/birdnet.tflite", "model.onnx.data", "old/model.onnx", "recycle/model.onnx"]
)
def test_bundle__a_file_that_is_not_listed_is_no_part_of_it(own_bundle: Path, name: str) -> None:
    (own_bundle / name).parent.mkdir(exist_ok=True)
    (own_bundle / name).write_bytes(b"x")
    with pytest.raises(BundleIntegrityError, match=f"^{name} in .* is no file of the bundle"):
        Bundle(own_bundle)


@pytest.mark.parametrize(
    "name",
    [
        ".DS_Store",
        "bundle.json~",
        ".bundle.json.swp",
        "Thumbs.db",
        "..2026_11_29/bundle.json",
        "lost+found/x",
        "@eaDir/model.onnx@SynoEAStream",
        "encoders/@eaDir/x",
        "#recycle/model.onnx",
        "System Volume Information/IndexerVolumeGuid",
        "$RECYCLE.BIN/S-1-5-21/desktop.ini",
        "LOST.DIR/x",
    ],
)
def test_bundle__what_editors_and_file_systems_leave_is_passed_over(own_bundle: Path, name: str) -> None:
    (own_bundle / name).parent.mkdir(parents=True, exist_ok=True)
    (own_bundle / name).write_bytes(b"x")
    assert Bundle(own_bundle).manifest.classes.codes


@pytest.mark.parametrize("name", ["model.onnx", "parity.npz"])
def test_bundle__a_graph_and_parity_are_listed(edit_manifest: Edit, own_bundle: Path, name: str) -> None:
    edit_manifest(lambda content: content["files"].pop(name))
    with pytest.raises(BundleIntegrityError, match=f"lists no {name}"):
        Bundle(own_bundle)


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "a/../../outside"])
def test_bundle__lists_nothing_outside_of_its_folder(edit_manifest: Edit, own_bundle: Path, name: str) -> None:
    (own_bundle.parent / "outside").write_bytes(b"x")
    edit_manifest(lambda content: content["files"].update({name: sha256_of(own_bundle.parent / "outside")}))
    with pytest.raises(BundleIntegrityError, match="which is no file of the bundle"):
        Bundle(own_bundle)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda content: content["thresholds"].clear(), r"no threshold for 5 of 5 classes \('22973' is the first\)"),
        (
            lambda content: content["thresholds"].pop("41970"),
            r"no threshold for 1 of 5 classes \('41970' is the first\)",
        ),
        (lambda content: content["thresholds"].update(nobody=0.5), "a threshold for 'nobody', which is no class"),
        (lambda content: content["thresholds"].update({"22973": 1.5}), r"'22973' is 1\.5, no probability"),
        (lambda content: content["thresholds"].update({"22973": -0.1}), r"'22973' is -0\.1, no probability"),
    ],
)
def test_bundle__every_class_has_a_threshold_and_nothing_else_has(
    edit_manifest: Edit, own_bundle: Path, change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    edit_manifest(change)
    with pytest.raises(BundleIntegrityError, match=reason):
        Bundle(own_bundle)


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_bundle__a_threshold_may_be_any_probability(edit_manifest: Edit, own_bundle: Path, threshold: float) -> None:
    edit_manifest(lambda content: content["thresholds"].update({"22973": threshold}))
    assert Bundle(own_bundle).manifest.thresholds["22973"] == threshold


def test_bundle__one_byte_of_the_manifest_changed(own_bundle: Path) -> None:
    path = own_bundle / "bundle.json"
    original = path.read_bytes()
    # Every seventh byte: over a few keys, values, hashes and brackets each.
    for i in range(0, len(original), 7):
        changed = bytearray(original)
        changed[i] ^= 1
        path.write_bytes(changed)
        with pytest.raises(BundleIntegrityError, match=r"bundle\.json"):
            Bundle(own_bundle)


@pytest.mark.parametrize(
    ("change", "reason"),
    [(_swap_classes, "the class list was changed"), (_swap_names, "the class list"), (_change_mel, "a mel parameter")],
)
def test_bundle__the_manifest_edited_without_its_hashes(
    own_bundle: Path, change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    path = own_bundle / "bundle.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(BundleIntegrityError, match=reason):
        Bundle(own_bundle)


def test_bundle__two_classes_swapped_and_every_hash_made_new(edit_manifest: Edit, own_bundle: Path) -> None:
    edit_manifest(_swap_classes)
    with pytest.raises(BundleIntegrityError, match=r"another class list \(0: '22973' there, '41970' in bundle\.json"):
        Bundle(own_bundle)


def test_bundle__names_of_two_classes_swapped_and_every_hash_made_new(edit_manifest: Edit, own_bundle: Path) -> None:
    edit_manifest(_swap_names)
    with pytest.raises(BundleIntegrityError, match="a species' name was changed"):
        Bundle(own_bundle).verify()


def test_bundle__a_mel_parameter_changed_and_every_hash_made_new(edit_manifest: Edit, own_bundle: Path) -> None:
    edit_manifest(_change_mel)
    with pytest.raises(BundleIntegrityError, match="a mel parameter was changed"):
        Bundle(own_bundle)


def test_bundle__one_weight_altered_and_every_hash_made_new(edit_manifest: Edit, own_bundle: Path) -> None:
    path = own_bundle / "model.onnx"
    model = onnx.load(str(path))
    weights = next(one for one in model.graph.initializer if one.name == "band_weights")
    values = onnx.numpy_helper.to_array(weights).copy()
    values[3, 2] += 0.05
    weights.CopyFrom(onnx.numpy_helper.from_array(values, weights.name))
    onnx.save(model, str(path))
    edit_manifest(lambda content: content["files"].update({"model.onnx": sha256_of(path)}))
    bundle = Bundle(own_bundle)
    with pytest.raises(ParityError, match="probabilities differ by"):
        bundle.verify()


class _OtherNumbers:
    """A graph whose provider adds up in another order."""

    def __init__(self, bundle: Bundle, provider: str, off: float) -> None:
        self._graph, self.provider, self._off = bundle.graph(), provider, off

    def run(self, features: dict[str, np.ndarray]) -> np.ndarray:
        return self._graph.run(features)[:, ::-1] if self._off >= 1 else self._graph.run(features) + self._off


@pytest.mark.parametrize(
    ("provider", "off", "precision", "who"),
    [
        ("cpu", 0.001, "fp32", r"most allowed 1e-05\)"),
        (
            "openvino",
            0.001,
            "fp32",
            "provider openvino computes otherwise than cpu, not the processor: serve it on pro",
        ),
        (
            "openvino",
            1.0,
            "int8",
            "this graph is int8; provider openvino computes otherwise than cpu, not the processor",
        ),
        ("cpu", 1.0, "int8", "this graph is int8; this processor rounds otherwise than the one that exported it"),
    ],
)
def test_parity__says_whether_the_processor_or_the_provider_computes_otherwise(
    edit_manifest: Edit, own_bundle: Path, provider: str, off: float, precision: str, who: str
) -> None:
    edit_manifest(lambda content: content.update({"precision": precision}))
    bundle = Bundle(own_bundle)
    with pytest.raises(ParityError, match=who):
        bundle.replay_probabilities(_OtherNumbers(bundle, provider, off))  # type: ignore[arg-type]


def test_bundle__a_graph_that_is_none(edit_manifest: Edit, own_bundle: Path) -> None:
    path = own_bundle / "model.onnx"
    path.write_bytes(b"no graph")
    edit_manifest(lambda content: content["files"].update({"model.onnx": sha256_of(path)}))
    with pytest.raises(BundleIntegrityError, match=r"model\.onnx is not a graph"):
        Bundle(own_bundle).graph()


def test_bundle__inputs_that_the_graph_does_not_have(edit_manifest: Edit, own_bundle: Path) -> None:
    edit_manifest(lambda content: content["inputs"].pop())
    with pytest.raises(BundleIntegrityError, match=r"model\.onnx takes"):
        Bundle(own_bundle).graph()


def test_replay_features__another_front_end(bundle_directory: Path) -> None:
    other = FrontEnd(FeatureSpec().model_copy(update={"n_fft": 1024}))
    with pytest.raises(ParityError, match="this front end has feature spec"):
        Bundle(bundle_directory).replay_features(other)


def test_replay_features__the_same_spec_but_other_numbers(bundle_directory: Path) -> None:
    bundle = Bundle(bundle_directory)
    front_end = FrontEnd(bundle.manifest.spec)
    log_mel = front_end.log_mel
    front_end.log_mel = lambda windows: log_mel(windows) + np.float32(1e-3)  # type: ignore[assignment]
    with pytest.raises(ParityError, match=r"log_mel differs by up to 0\.001"):
        bundle.replay_features(front_end)
