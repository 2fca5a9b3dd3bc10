"""Where the registry's bundles have to be signed, none is fetched that is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from mlflow import MlflowClient

from silencio.__main__ import main
from silencio.bundle.load import Bundle
from silencio.errors import BundleSignatureError
from silencio.registry.models import fetch, register_version
from silencio.registry.record import BUNDLE
from silencio.registry.runs import open_run
from tests.signing_keys import KeyPair
from tests.unit.registry.places import write_bundle


@pytest.fixture
def keys(tmp_path: Path) -> KeyPair:
    return KeyPair.of_curve(tmp_path, ec.SECP256R1())


@pytest.fixture
def stored(client: MlflowClient, bundle: Path) -> Path:
    """Where the artifact store has the bundle of version 1."""
    run_id = open_run("train", "abc", "local", "")
    client.log_artifacts(run_id, str(bundle), BUNDLE)
    register_version(client, run_id, Bundle(bundle).manifest)
    return Path(client.get_model_version("silencio", "1").source)


@pytest.mark.usefixtures("stored")
def test_fetch__a_version_without_a_signature(keys: KeyPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch("1", tmp_path / "before")
    monkeypatch.setenv("SILENCIO_BUNDLE_KEY", str(keys.public))
    with pytest.raises(BundleSignatureError, match="is not signed, and here one must be"):
        fetch("1", tmp_path / "got")
    assert not (tmp_path / "got").exists()


def test_fetch__a_version_that_was_signed_is_whole_and_keeps_its_signature(
    stored: Path, keys: KeyPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["registry", "sign", "challenger", "--key", str(keys.private)]) == 0
    assert capsys.readouterr().out == "version 1 is signed\n"
    monkeypatch.setenv("SILENCIO_BUNDLE_KEY", str(keys.public))
    assert fetch("1", tmp_path / "got") == tmp_path / "got"
    assert Bundle(tmp_path / "got", public_keys=keys.public).signer
    # Of another one, which the store has in its place by now, it is none.
    other = write_bundle(tmp_path / "other", "b2", macro_map=0.99)
    for path in other.iterdir():
        if path.is_file():
            (stored / path.name).write_bytes(path.read_bytes())
    with pytest.raises(BundleSignatureError, match="is of another bundle"):
        fetch("1", tmp_path / "again")


@pytest.mark.usefixtures("stored")
def test_fetch__a_version_that_somebody_else_signed(
    keys: KeyPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = KeyPair.of_curve(tmp_path, ec.SECP256R1(), "other")
    assert main(["registry", "sign", "1", "--key", str(other.private)]) == 0
    monkeypatch.setenv("SILENCIO_BUNDLE_KEY", str(keys.public))
    with pytest.raises(BundleSignatureError, match="made by none of the keys that are trusted here"):
        fetch("1", tmp_path / "got")
