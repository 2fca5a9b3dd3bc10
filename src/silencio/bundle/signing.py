"""Sign a bundle by a private key; needs the extra `signing`, which no image has: keys stay with whoever releases."""

from __future__ import annotations

import tempfile
from pathlib import Path

from silencio.bundle.load import Bundle
from silencio.bundle.manifest import SIGNATURE
from silencio.errors import BundleError, ConfigError
from silencio.extras import require
from silencio.interpreter import silencio
from silencio.storage import is_by_product, write_atomically


def sign_bundle(directory: Path, private_key: Path, password: bytes | None = None) -> Path:
    """Write `model.sig` into a bundle's folder; one that is there is replaced.

    Args:
        directory: The bundle's folder; every file of it is checked before.
        private_key: PEM, of the curve P-256, P-384 or P-521.
        password: The key's password, where it has one.

    Returns:
        Path of the signature.

    Raises:
        BundleError: There is no bundle in the folder, or it is not what was exported.
        ConfigError: The key cannot be used, or `model-signing` is not installed.
        StorageError: The signature cannot be written.
    """
    require("signing", needed_by=f"`{silencio()} bundle sign`")
    from cryptography.exceptions import UnsupportedAlgorithm
    from model_signing import hashing, signing

    place = Bundle(directory).directory.resolve() / SIGNATURE
    try:
        # It wants the password as bytes, whatever its annotation says.
        config = signing.Config()  # type: ignore[no-untyped-call]
        config.use_elliptic_key_signer(private_key=private_key, password=password)  # type: ignore[arg-type]
    except OSError as error:
        raise ConfigError(f"the private key {private_key} cannot be read: {error.strerror or error}") from error
    # Of a wrong password, of none, of another kind of key, of a curve that the library does not know.
    except (ValueError, TypeError, AttributeError, UnsupportedAlgorithm) as error:
        raise ConfigError(
            f"{private_key} is no private key that signs ({error}): one of the curve P-256, P-384 or P-521 is needed, "
            "in PEM, with its password where it has one"
        ) from error
    names = (path.relative_to(place.parent) for path in place.parent.rglob("*") if path.is_file())
    unsigned = [Path(SIGNATURE), *(name for name in names if is_by_product(name.as_posix()))]
    hashed = hashing.Config()  # type: ignore[no-untyped-call]
    config.set_hashing_config(hashed.set_ignored_paths(paths=unsigned, ignore_git_paths=False))
    with tempfile.TemporaryDirectory(prefix="silencio-sign-") as folder:
        made = Path(folder) / SIGNATURE
        try:
            config.sign(place.parent, made)
        except ValueError as error:  # a link, which it does not follow
            raise BundleError(f"the bundle in {directory} cannot be signed: {error}") from error
        write_atomically(place, made)
    return place


def read_password(path: Path | None) -> bytes | None:
    """The password in a file, without the end of its line; None where there is no file.

    Raises:
        ConfigError: It cannot be read.
    """
    if path is None:
        return None
    try:
        return path.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise ConfigError(f"the password's file {path} cannot be read: {error.strerror or error}") from error
