"""Key pairs as `openssl ecparam -genkey` makes them, in PEM."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes


@dataclass(frozen=True)
class KeyPair:
    """Paths of both halves."""

    private: Path
    public: Path

    @classmethod
    def of_curve(cls, folder: Path, curve: ec.EllipticCurve, name: str = "release", password: bytes = b"") -> KeyPair:
        return cls.of_key(folder, ec.generate_private_key(curve), name, password)

    @classmethod
    def of_key(cls, folder: Path, key: PrivateKeyTypes, name: str = "release", password: bytes = b"") -> KeyPair:
        pair = cls(folder / f"{name}.key", folder / f"{name}.pub")
        locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        pem = serialization.Encoding.PEM
        pair.private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, locked))
        pair.public.write_bytes(key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
        return pair
