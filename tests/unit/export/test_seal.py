"""Sealing: figures and verdict go in, nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from silencio.bundle import Bundle
from silencio.errors import BundleError, BundleIntegrityError
from silencio.export.seal import seal_bundle
from silencio.storage import sha256_of

METRICS = {"test": {"macro_map": 0.5, "top1": 0.6, "intervals": {"top1": [0.5, 0.7]}}, "soundscapes": {}}
VERDICT = {"passed": False, "failed_gates": ["test top1 is 0.600, the policy asks for at least 0.7: refused."]}


@pytest.fixture
def sealed(bundle_directory: Path, tmp_path: Path) -> Path:
    seal_bundle(bundle_directory, METRICS, VERDICT, tmp_path / "sealed" / "bundle")
    return tmp_path / "sealed" / "bundle"


def test_sealed__holds_figures_and_verdict(bundle_directory: Path, sealed: Path) -> None:
    before, after = Bundle(bundle_directory).manifest, Bundle(sealed).manifest
    assert after.metrics == {**before.metrics, **METRICS}
    assert after.verdict == VERDICT
    card = (sealed / "MODEL_CARD.md").read_text()
    assert "Refused" in card
    assert VERDICT["failed_gates"][0] in card


def test_card__lists_what_was_met_what_was_shown_and_what_was_not_asked(bundle_directory: Path, tmp_path: Path) -> None:
    outcomes = ("passed", "refused", "too few to decide", "not asked")
    gates = [{"gate": name, "outcome": name, "message": f"a gate that is {name}."} for name in outcomes]
    verdict = {"passed": False, "failed_gates": [gates[1]["message"]], "gates": gates}
    seal_bundle(bundle_directory, METRICS, verdict, tmp_path / "bundle")
    card = (tmp_path / "bundle" / "MODEL_CARD.md").read_text()
    section = card[card.index("## Gates") : card.index("## Licence")]
    words = [line for line in section.splitlines() if line]
    assert words == [
        "## Gates",
        *("Refused:", "- a gate that is refused."),
        *("Met:", "- a gate that is passed."),
        *("Shown only:", "- a gate that is too few to decide."),
        *("Not asked:", "- a gate that is not asked."),
    ]


def test_sealed__nothing_else_changes(bundle_directory: Path, sealed: Path) -> None:
    before, after = Bundle(bundle_directory).manifest, Bundle(sealed).manifest
    changed = {"metrics", "verdict", "files", "manifest_sha256"}
    assert after.model_dump(exclude=changed) == before.model_dump(exclude=changed)
    assert after.version == before.version
    assert {path.name for path in sealed.iterdir()} == {path.name for path in bundle_directory.iterdir()}
    for name in ("model.onnx", "parity.npz"):
        assert (sealed / name).read_bytes() == (bundle_directory / name).read_bytes()
        assert after.files[name] == before.files[name]


def test_sealed__is_a_bundle_like_any(sealed: Path) -> None:
    Bundle(sealed).verify()
    assert Bundle(sealed).manifest.files["MODEL_CARD.md"] == sha256_of(sealed / "MODEL_CARD.md")


def test_sealed__keeps_what_was_known_before(own_bundle: Path, edit_manifest, tmp_path: Path) -> None:
    edit_manifest(lambda content: content["metrics"].update(validation={"top1": 0.4}))
    manifest = seal_bundle(own_bundle, METRICS, VERDICT, tmp_path / "sealed")
    assert set(manifest.metrics) == {"validation", "test", "soundscapes"}
    assert Bundle(tmp_path / "sealed").manifest == manifest


def test_candidate__is_left_as_it_is(own_bundle: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in own_bundle.iterdir()}
    seal_bundle(own_bundle, METRICS, VERDICT, tmp_path / "sealed")
    assert {path.name: path.read_bytes() for path in own_bundle.iterdir()} == before


@pytest.mark.parametrize("name", ["model.onnx", "parity.npz", "MODEL_CARD.md", "bundle.json"])
def test_candidate__that_was_tampered_with_is_not_sealed(own_bundle: Path, tmp_path: Path, name: str) -> None:
    path = own_bundle / name
    content = path.read_bytes()
    path.write_bytes(content.replace(b"Jaguar", b"jaguar") if name == "bundle.json" else content[:-1] + b"!")
    assert path.read_bytes() != content
    with pytest.raises(BundleIntegrityError, match=name.replace(".", r"\.")):
        seal_bundle(own_bundle, METRICS, VERDICT, tmp_path / "out" / "bundle")
    assert not (tmp_path / "out").exists()


def test_candidate__that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"holds no bundle\.json"):
        seal_bundle(tmp_path, METRICS, VERDICT, tmp_path / "sealed")


def test_directory__may_be_there_if_it_is_empty(bundle_directory: Path, tmp_path: Path) -> None:
    (tmp_path / "sealed").mkdir()
    seal_bundle(bundle_directory, METRICS, VERDICT, tmp_path / "sealed")
    Bundle(tmp_path / "sealed")
    # No half-made bundle is left beside it.
    assert [path.name for path in tmp_path.iterdir()] == ["sealed"]


def test_figures__that_are_no_numbers_do_not_break_the_seal(bundle_directory: Path, tmp_path: Path) -> None:
    manifest = seal_bundle(bundle_directory, {"soundscapes": {"macro_map": float("nan")}}, VERDICT, tmp_path / "sealed")
    assert Bundle(tmp_path / "sealed").manifest.manifest_sha256 == manifest.manifest_sha256
    # Whoever reads bundle.json without Python can.
    text = (tmp_path / "sealed" / "bundle.json").read_text()
    assert "NaN" not in text
    assert json.loads(text)["metrics"]["soundscapes"] == {"macro_map": None}
