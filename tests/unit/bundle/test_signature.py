"""A bundle that has to be signed is taken as it was signed, by a key that is trusted, and in no other way."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import model_signing.verifying
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from silencio.__main__ import main
from silencio.bundle import Bundle
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.bundle.signature import PublicKeys, verify_signature
from silencio.bundle.signing import sign_bundle
from silencio.errors import BundleError, BundleIntegrityError, BundleSignatureError, ConfigError
from silencio.export.seal import seal_bundle
from tests.signing_keys import KeyPair

Edit = Callable[[Callable[[dict[str, Any]], None]], None]

# Object identifiers 1.2.840.10045.3.1.7 and 1.2.156.10197.1.301, as a key names its curve.
P256, SM2 = bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a811ccf5501822d")


@pytest.fixture
def keys(tmp_path: Path) -> KeyPair:
    return KeyPair.of_curve(tmp_path, ec.SECP256R1())


@pytest.fixture
def signed(tmp_path: Path, keys: KeyPair) -> Path:
    """With a folder in it."""
    directory = write_placeholder_bundle(tmp_path / "signed", inputs=["log_mel", "embedding:placeholder"])
    sign_bundle(directory, keys.private)
    return directory


def _is_taken(directory: Path, keys: KeyPair) -> bool:
    """By a loader; and `model-signing` has to come to the same answer."""
    config = model_signing.verifying.Config().use_elliptic_key_verifier(public_key=keys.public)
    try:
        config.verify(directory, directory / "model.sig")
    except Exception:  # noqa: BLE001  # each of its libraries has errors of its own
        taken_by_others = False
    else:
        taken_by_others = True
    try:
        Bundle(directory, public_keys=keys.public)
    except BundleError:
        taken = False
    else:
        taken = True
    assert taken == taken_by_others
    return taken


def _payload(directory: Path) -> dict[str, Any]:
    envelope = json.loads((directory / "model.sig").read_text())["dsseEnvelope"]
    return dict(json.loads(base64.b64decode(envelope["payload"])))


def _sign_by_hand(directory: Path, keys: KeyPair, payload: bytes) -> None:
    """Whatever the payload is, under the same key."""
    file = json.loads((directory / "model.sig").read_text())
    kind = file["dsseEnvelope"]["payloadType"]
    key = serialization.load_pem_private_key(keys.private.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    seal = key.sign(f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload, ec.ECDSA(hashes.SHA256()))
    file["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    file["dsseEnvelope"]["signatures"] = [{"sig": base64.b64encode(seal).decode(), "keyid": ""}]
    (directory / "model.sig").write_text(json.dumps(file))


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name)
def test_sign__what_was_signed_is_taken(own_bundle: Path, tmp_path: Path, curve: ec.EllipticCurve) -> None:
    keys = KeyPair.of_curve(tmp_path, curve)
    before = Bundle(own_bundle).manifest
    assert sign_bundle(own_bundle, keys.private) == own_bundle / "model.sig"
    assert _is_taken(own_bundle, keys)
    assert Bundle(own_bundle).manifest == before


def test_sign__every_file_and_no_other_is_signed(signed: Path) -> None:
    names = {resource["name"] for resource in _payload(signed)["predicate"]["resources"]}
    assert names == {"bundle.json", *Bundle(signed).manifest.files}
    assert "encoders/placeholder.onnx" in names


def test_bundle__one_byte_of_any_file_changed_after_signing(signed: Path, keys: KeyPair) -> None:
    for name in ("bundle.json", *Bundle(signed).manifest.files):
        content = (signed / name).read_bytes()
        changed = bytearray(content)
        changed[len(changed) // 2] ^= 1
        (signed / name).write_bytes(changed)
        assert not _is_taken(signed, keys), name
        (signed / name).write_bytes(content)
    assert _is_taken(signed, keys)


def test_bundle__one_byte_of_the_signature_changed(signed: Path, keys: KeyPair) -> None:
    """Of what counts in it: what JSON is laid out by, and the name of the key, sign nothing."""
    file = json.loads((signed / "model.sig").read_text())
    for part in (["payload"], ["signatures", 0, "sig"]):
        place, last = file["dsseEnvelope"], part[-1]
        for key in part[:-1]:
            place = place[key]
        whole = base64.b64decode(place[last])
        for at in (0, len(whole) // 2, len(whole) - 1):
            changed = bytearray(whole)
            changed[at] ^= 1
            place[last] = base64.b64encode(bytes(changed)).decode()
            (signed / "model.sig").write_text(json.dumps(file))
            assert not _is_taken(signed, keys), (part, at)
        place[last] = base64.b64encode(whole).decode()
    (signed / "model.sig").write_text(json.dumps(file))
    assert _is_taken(signed, keys)


def test_bundle__changed_and_made_to_agree_with_itself_again(
    own_bundle: Path, edit_manifest: Edit, keys: KeyPair
) -> None:
    sign_bundle(own_bundle, keys.private)
    edit_manifest(lambda content: content.update(verdict={"passed": True}))
    Bundle(own_bundle)  # nothing is wrong with it: it is another one
    with pytest.raises(
        BundleSignatureError, match=r"^model\.sig in .* is of another bundle: it signs bundle\.json with"
    ):
        Bundle(own_bundle, public_keys=keys.public)
    assert not _is_taken(own_bundle, keys)


def test_bundle__a_file_added_or_removed_after_signing(signed: Path, keys: KeyPair) -> None:
    (signed / "encoders" / "more.onnx").write_bytes(b"x")
    assert not _is_taken(signed, keys)
    with pytest.raises(BundleIntegrityError, match=r"encoders/more\.onnx in .* is no file of the bundle"):
        Bundle(signed, public_keys=keys.public)
    (signed / "encoders" / "more.onnx").unlink()
    (signed / "MODEL_CARD.md").unlink()
    assert not _is_taken(signed, keys)


def test_bundle__signed_by_a_key_that_is_not_trusted(signed: Path, tmp_path: Path) -> None:
    other = KeyPair.of_curve(tmp_path, ec.SECP256R1(), "other")
    assert not _is_taken(signed, other)
    with pytest.raises(
        BundleSignatureError, match=r"was changed, or made by none of the keys that are trusted here \("
    ):
        Bundle(signed, public_keys=other.public)


def test_bundle__without_a_signature_where_one_must_be(own_bundle: Path, keys: KeyPair) -> None:
    Bundle(own_bundle)
    with pytest.raises(
        BundleSignatureError, match="is not signed, and here one must be: whoever releases it signs it by"
    ):
        Bundle(own_bundle, public_keys=keys.public)


def test_bundle__with_the_signature_of_another_one(signed: Path, own_bundle: Path, keys: KeyPair) -> None:
    shutil.copy(signed / "model.sig", own_bundle)
    with pytest.raises(BundleSignatureError, match="is of another bundle"):
        Bundle(own_bundle, public_keys=keys.public)
    assert not _is_taken(own_bundle, keys)


def test_bundle__a_signature_that_leaves_a_listed_file_out(signed: Path, keys: KeyPair) -> None:
    payload = _payload(signed)
    payload["predicate"]["resources"] = [
        one for one in payload["predicate"]["resources"] if one["name"] != "model.onnx"
    ]
    _sign_by_hand(signed, keys, json.dumps(payload).encode())
    with pytest.raises(BundleSignatureError, match=r"does not sign what bundle\.json lists \(model\.onnx\)"):
        verify_signature(signed, PublicKeys(keys.public))


@pytest.mark.parametrize(
    ("field", "value"),
    [("predicateType", "https://slsa.dev/provenance/v1"), ("_type", "https://in-toto.io/Statement/v0.1")],
)
def test_bundle__something_else_that_the_same_key_signed(signed: Path, keys: KeyPair, field: str, value: str) -> None:
    _sign_by_hand(signed, keys, json.dumps({**_payload(signed), field: value}).encode())
    assert not _is_taken(signed, keys)
    with pytest.raises(BundleSignatureError, match=rf"is no signature of a bundle by a key: {field}: "):
        verify_signature(signed, PublicKeys(keys.public))


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (b"", "is no signature of a bundle by a key: "),
        (b"{}", "mediaType: Field required"),
        (b"\xff\xfe", "is no signature of a bundle by a key: "),
        (b" " * ((1 << 20) + 1), "has 1048577 bytes, and no signature of a bundle has 1048576"),
    ],
    ids=["empty", "other JSON", "no text", "too long"],
)
def test_bundle__a_signature_that_is_none(signed: Path, keys: KeyPair, content: bytes, shown: str) -> None:
    (signed / "model.sig").write_bytes(content)
    with pytest.raises(BundleSignatureError, match=shown):
        Bundle(signed, public_keys=keys.public)


def test_bundle__a_signature_too_long_for_this_machine_is_not_read(signed: Path, keys: KeyPair) -> None:
    os.truncate(signed / "model.sig", 1 << 43)  # a hole: the disk has none of it, memory could not have it
    with pytest.raises(BundleSignatureError, match=f"has {1 << 43} bytes, and no signature of a bundle has"):
        Bundle(signed, public_keys=keys.public)


def test_bundle__nothing_of_a_folder_is_parsed_before_it_is_known_to_be_signed(signed: Path, keys: KeyPair) -> None:
    (signed / "bundle.json").write_text("no JSON at all")
    with pytest.raises(BundleSignatureError, match="is of another bundle"):
        Bundle(signed, public_keys=keys.public)


def test_bundle__one_of_several_keys_is_enough(signed: Path, keys: KeyPair, tmp_path: Path) -> None:
    """While a new key takes the place of an old one."""
    newer = KeyPair.of_curve(tmp_path, ec.SECP384R1(), "newer")
    both = tmp_path / "both.pub"
    both.write_bytes(newer.public.read_bytes() + keys.public.read_bytes())
    by_the_old = Bundle(signed, public_keys=both).signer
    sign_bundle(signed, newer.private)
    assert len({by_the_old, Bundle(signed, public_keys=both).signer}) == 2
    with pytest.raises(BundleSignatureError):
        Bundle(signed, public_keys=keys.public)


def test_sign__what_an_editor_left_is_not_signed(own_bundle: Path, keys: KeyPair) -> None:
    (own_bundle / ".DS_Store").write_bytes(b"a Mac was here")
    sign_bundle(own_bundle, keys.private)
    (own_bundle / ".DS_Store").unlink()
    assert _is_taken(own_bundle, keys)


def test_sign__a_key_with_a_password(own_bundle: Path, tmp_path: Path) -> None:
    keys = KeyPair.of_curve(tmp_path, ec.SECP256R1(), password=b"a secret")
    for wrong in (None, b"another"):
        with pytest.raises(ConfigError, match="is no private key that signs"):
            sign_bundle(own_bundle, keys.private, wrong)
    assert not (own_bundle / "model.sig").exists()
    sign_bundle(own_bundle, keys.private, b"a secret")
    assert _is_taken(own_bundle, keys)


@pytest.mark.parametrize("key", [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256K1())])
def test_sign__by_a_key_of_another_kind(own_bundle: Path, tmp_path: Path, key: Any) -> None:
    keys = KeyPair.of_key(tmp_path, key)
    with pytest.raises(ConfigError, match="one of the curve P-256, P-384 or P-521 is needed"):
        sign_bundle(own_bundle, keys.private)
    with pytest.raises(ConfigError, match="signs no bundle: one of the curves P-256, P-384, P-521 is needed"):
        PublicKeys(keys.public)


def test_sign__by_a_key_of_a_curve_that_the_library_does_not_know(own_bundle: Path, tmp_path: Path) -> None:
    """China's SM2: its identifier in the place of P-256's."""
    keys = KeyPair.of_curve(tmp_path, ec.SECP256R1())
    for path in (keys.private, keys.public):
        begin, *lines, end = path.read_bytes().splitlines()
        content = base64.b64decode(b"".join(lines))
        assert P256 in content
        path.write_bytes(b"\n".join([begin, base64.b64encode(content.replace(P256, SM2)), end, b""]))
    with pytest.raises(ConfigError, match=r"one of the curve P-256, P-384 or P-521 is needed"):
        sign_bundle(own_bundle, keys.private)
    with pytest.raises(ConfigError, match=r"release\.pub holds a public key that cannot be read: "):
        PublicKeys(keys.public)


def test_sign__a_bundle_that_is_not_whole(own_bundle: Path, keys: KeyPair) -> None:
    (own_bundle / "MODEL_CARD.md").write_text("another one")
    with pytest.raises(BundleIntegrityError, match=r"MODEL_CARD\.md was changed"):
        sign_bundle(own_bundle, keys.private)


def test_seal__a_signature_of_the_candidate_is_left_behind(signed: Path, tmp_path: Path) -> None:
    seal_bundle(signed, {}, {"passed": True}, tmp_path / "sealed")
    assert not (tmp_path / "sealed" / "model.sig").exists()


@pytest.mark.parametrize(
    ("content", "shown"),
    [(None, "cannot be read: No such file"), (b"", "holds no public key in PEM"), ("private", "holds no public key")],
)
def test_public_keys__a_file_that_holds_none(
    keys: KeyPair, tmp_path: Path, content: bytes | str | None, shown: str
) -> None:
    path = tmp_path / "trusted.pub"
    if content is not None:
        path.write_bytes(keys.private.read_bytes() if isinstance(content, str) else content)
    with pytest.raises(ConfigError, match=shown):
        PublicKeys(path)


def test_commands__sign_inspect_and_verify(
    own_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = KeyPair.of_curve(tmp_path, ec.SECP256R1(), password=b"a secret")
    (tmp_path / "password").write_bytes(b"a secret\n")
    verify = ["bundle", "verify", str(own_bundle), "--key", str(keys.public)]
    assert main(verify) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith("refused: the bundle in ") and printed.err.count("\n") == 1
    password = ["--password-file", str(tmp_path / "password")]
    assert main(["bundle", "sign", str(own_bundle), "--key", str(keys.private), *password]) == 0
    assert capsys.readouterr().out == f"{own_bundle / 'model.sig'}\n"
    assert main(verify) == 0
    assert "is signed by key " in capsys.readouterr().out
    assert main(["bundle", "inspect", str(own_bundle)]) == 0
    assert "`bundle verify` says by which key" in capsys.readouterr().out
