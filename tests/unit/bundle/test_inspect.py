"""`silencio bundle inspect DIR`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from silencio.__main__ import main
from silencio.bundle import Bundle

Edit = Callable[[Callable[[dict[str, Any]], None]], None]


def test_inspect__describes_a_whole_bundle(bundle_directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bundle", "inspect", str(bundle_directory)]) == 0
    printed = capsys.readouterr()
    assert "Amphibia, Aves, Insecta, Mammalia" in printed.out
    assert "2 clips replayed, equal" in printed.out
    assert printed.err == ""


@pytest.mark.parametrize(
    ("verdict", "shown"), [({}, "none: a candidate"), ({"passed": True}, "passed"), ({"passed": False}, "refused")]
)
def test_inspect__tells_a_candidate_from_a_sealed_bundle(
    edit_manifest: Edit,
    own_bundle: Path,
    verdict: dict[str, Any],
    shown: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    edit_manifest(lambda content: content["verdict"].update(verdict))
    assert main(["bundle", "inspect", str(own_bundle)]) == 0
    printed = capsys.readouterr().out
    assert any("verdict of the gates" in line and shown in line for line in printed.splitlines())
    assert Bundle(own_bundle).manifest.manifest_sha256[:12] in printed


def test_inspect__names_gates_that_did_not_decide(
    edit_manifest: Edit, own_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gates = [{"gate": f"a {name} gate", "outcome": name, "message": ""} for name in ("passed", "not asked")]
    edit_manifest(lambda content: content["verdict"].update({"passed": True, "gates": gates}))
    assert main(["bundle", "inspect", str(own_bundle)]) == 0
    printed = capsys.readouterr().out
    assert any("gates: not asked" in line and "a not asked gate" in line for line in printed.splitlines())
    assert "a passed gate" not in printed
    assert "too few" not in printed


def test_inspect__figures_stand_with_the_recordings_that_they_are_of(
    edit_manifest: Edit, own_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics = {"test": {"top1": 0.75, "n_recordings": 24}, "test_set": "3f2a9c1b0d4e"}
    edit_manifest(lambda content: content["metrics"].update(metrics))
    assert main(["bundle", "inspect", str(own_bundle)]) == 0
    printed = capsys.readouterr().out
    assert "24, test set 3f2a9c1b0d4e" in printed
    assert "0.750" in printed


@pytest.mark.parametrize("name", ["bundle.json", "model.onnx", "parity.npz", "MODEL_CARD.md"])
def test_inspect__one_byte_changed(own_bundle: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    content = bytearray((own_bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (own_bundle / name).write_bytes(content)
    assert main(["bundle", "inspect", str(own_bundle)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("refused: ")
    assert name in printed.err
    assert printed.err.count("\n") == 1


def test_inspect__two_classes_swapped_and_every_hash_made_new(
    edit_manifest: Edit, own_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit_manifest(lambda content: content["classes"]["species"].reverse())
    assert main(["bundle", "inspect", str(own_bundle)]) == 1
    assert "another class list" in capsys.readouterr().err


def test_inspect__a_mel_parameter_changed_and_every_hash_made_new(
    edit_manifest: Edit, own_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit_manifest(lambda content: content["spec"].update(hop_length=500))
    assert main(["bundle", "inspect", str(own_bundle)]) == 1
    assert "a mel parameter was changed" in capsys.readouterr().err


def test_inspect__no_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bundle", "inspect", str(tmp_path)]) == 1
    assert "is no bundle" in capsys.readouterr().err
