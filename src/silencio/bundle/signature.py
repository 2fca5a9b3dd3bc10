"""Whether a bundle is the one that somebody signed: `model.sig` in its folder, as OpenSSF's `model-signing` writes it.

That package signs (`silencio.bundle.signing`). It brings fourteen others along, most of them to reach Sigstore, for
which serving images have neither room nor network. What is verified by a public key is an envelope (DSSE) around a
statement (in-toto) with the sha256 of every file, and needs `cryptography` alone; tests hold both to the same answer.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Literal, TypeVar

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import Base64Bytes, BaseModel, Field, ValidationError

from silencio.bundle.manifest import MANIFEST, SIGNATURE, read_manifest
from silencio.errors import BundleSignatureError, ConfigError
from silencio.interpreter import silencio
from silencio.storage import sha256_of

_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)
# By the size of the key's curve, as Sigstore has it.
_HASHES: dict[int, hashes.HashAlgorithm] = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
# A line for every file, of which a bundle has a dozen.
_MAX_BYTES = 1 << 20
_PAYLOAD_TYPE: Literal["application/vnd.in-toto+json"] = "application/vnd.in-toto+json"


_Model = TypeVar("_Model", bound=BaseModel)


class _Sealed(BaseModel):
    sig: Base64Bytes


class _Envelope(BaseModel):
    payload: Base64Bytes
    payload_type: Literal["application/vnd.in-toto+json"] = Field(alias="payloadType")
    signatures: list[_Sealed] = Field(min_length=1)


class _SignatureFile(BaseModel):
    media_type: Literal["application/vnd.dev.sigstore.bundle.v0.3+json"] = Field(alias="mediaType")
    envelope: _Envelope = Field(alias="dsseEnvelope")


class _Resource(BaseModel):
    name: str
    algorithm: Literal["sha256"]
    digest: str


class _Serialization(BaseModel):
    method: Literal["files"]


class _Predicate(BaseModel):
    serialization: _Serialization
    resources: list[_Resource]


class _Statement(BaseModel):
    kind: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    # What else is signed by the same key is no bundle.
    predicate_kind: Literal["https://model_signing/signature/v1.0"] = Field(alias="predicateType")
    predicate: _Predicate


class PublicKeys:
    """Keys that are trusted: one of them has to have signed.

    Args:
        path: PEM; several keys one after the other, as while a new one takes the place of an old one.

    Raises:
        ConfigError: There is no such file, or a key in it is of no elliptic curve that signs bundles.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ConfigError(f"the public key {path} cannot be read: {error.strerror or error}") from error
        self._keys = [self._key(block) for block in _PEM.findall(content)]
        if not self._keys:
            raise ConfigError(f"{path} holds no public key in PEM: docs/supply_chain.md shows how to make one")

    def __str__(self) -> str:
        return f"{self._path}: {', '.join(map(_name, self._keys))}"

    def signer_of(self, message: bytes, signature: bytes) -> str:
        """The key that signed a message, by the first digits of its sha256; empty where none of them did."""
        for key in self._keys:
            try:
                key.verify(signature, message, ec.ECDSA(_HASHES[key.curve.key_size]))
            except InvalidSignature:
                continue
            return _name(key)
        return ""

    def _key(self, block: bytes) -> ec.EllipticCurvePublicKey:
        try:
            key = serialization.load_pem_public_key(block)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise ConfigError(f"{self._path} holds a public key that cannot be read: {error}") from error
        if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
            return key
        raise ConfigError(
            f"{self._path} holds a key that signs no bundle: one of the curves P-256, P-384, P-521 is needed"
        )


def verify_signature(directory: Path, trusted: PublicKeys) -> str:
    """Check that a trusted key signed this very `bundle.json` and every file that it lists, and nothing else.

    Whether the files are what `bundle.json` says is for `silencio.bundle.load.Bundle` to check.

    Args:
        directory: The bundle's folder.
        trusted: Keys that are believed.

    Returns:
        The key that signed, by the first digits of its sha256.

    Raises:
        BundleError: The folder holds no bundle.
        BundleSignatureError: There is no signature, none of the keys made it, or it is of another bundle.
    """
    path = directory / SIGNATURE
    if not path.is_file():
        raise BundleSignatureError(
            f"the bundle in {directory} is not signed, and here one must be: whoever releases it signs it by "
            f"`{silencio()} bundle sign`, which leaves {SIGNATURE} in the folder"
        )
    # Whoever wrote it may be no friend: nothing of it is read before its size is known.
    if (n_bytes := path.stat().st_size) > _MAX_BYTES:
        raise BundleSignatureError(f"{path} has {n_bytes} bytes, and no signature of a bundle has {_MAX_BYTES}")
    envelope = _parsed(path, _SignatureFile, path.read_bytes()).envelope
    payload = envelope.payload
    # What DSSE signs (its "pre-authentication encoding"); the payload is not parsed before a key vouches for it.
    message = f"DSSEv1 {len(_PAYLOAD_TYPE)} {_PAYLOAD_TYPE} {len(payload)} ".encode() + payload
    signer = trusted.signer_of(message, envelope.signatures[0].sig)
    if not signer:
        raise BundleSignatureError(
            f"{path} was changed, or made by none of the keys that are trusted here ({trusted}): sign the bundle by "
            "the private key of one of them"
        )
    signed = {one.name: one.digest for one in _parsed(path, _Statement, payload).predicate.resources}
    _check_same(directory, signed)
    return signer


def _check_same(directory: Path, signed: dict[str, str]) -> None:
    wanted = signed.pop(MANIFEST, "none")
    found = sha256_of(directory / MANIFEST) if (directory / MANIFEST).is_file() else "none"
    if wanted != found:
        raise BundleSignatureError(
            f"{SIGNATURE} in {directory} is of another bundle: it signs {MANIFEST} with sha256 {wanted[:12]}, and that "
            f"there has {found[:12]}: put the files back that were signed, or have these signed"
        )
    listed = read_manifest(directory).files
    differing = sorted(name for name in signed.keys() | listed.keys() if signed.get(name) != listed.get(name))
    if differing:
        raise BundleSignatureError(
            f"{SIGNATURE} in {directory} does not sign what {MANIFEST} lists ({', '.join(differing[:3])}): sign the "
            f"bundle by `{silencio()} bundle sign`"
        )


def _name(key: ec.EllipticCurvePublicKey) -> str:
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(pem).hexdigest()[:12]


def _parsed(path: Path, model: type[_Model], content: bytes) -> _Model:
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(map(str, fault["loc"]))
        raise BundleSignatureError(f"{path} is no signature of a bundle by a key: {place}: {fault['msg']}") from error
