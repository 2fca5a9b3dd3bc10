"""An authority of a station's own, and certificates that it signs, by openssl."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

_NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


@dataclass(frozen=True)
class Authority:
    """One that nobody else knows.

    Attributes:
        folder: Of its files.
        name: As its certificate calls it.
    """

    folder: Path
    name: str

    @property
    def certificate(self) -> Path:
        """What clients are to trust."""
        return self.folder / f"{self.name}.pem"

    @classmethod
    def make(cls, folder: Path, name: str) -> Authority:
        made = cls(folder, name)
        _openssl(
            "req",
            "-x509",
            *_NEW_KEY,
            "-subj",
            f"/CN={name}",
            "-days",
            "2",
            "-out",
            made.certificate,
            "-keyout",
            made.certificate.with_suffix(".key"),
        )
        return made

    def sign(self, *names: str) -> tuple[Path, Path]:
        """A server's certificate for these names (`IP:127.0.0.1`, `DNS:pi.local`), and its key."""
        stem = f"{self.name}-{'-'.join(names)}".replace(":", ".")
        certificate, key, request = (self.folder / f"{stem}.{suffix}" for suffix in ("crt", "key", "csr"))
        _openssl(
            "req",
            *_NEW_KEY,
            "-subj",
            "/CN=server",
            "-addext",
            f"subjectAltName={','.join(names)}",
            "-keyout",
            key,
            "-out",
            request,
        )
        _openssl(
            "x509",
            "-req",
            "-in",
            request,
            "-CA",
            self.certificate,
            "-CAkey",
            self.certificate.with_suffix(".key"),
            "-CAcreateserial",
            "-copy_extensions",
            "copy",
            "-days",
            "2",
            "-out",
            certificate,
        )
        return certificate, key


def _openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
