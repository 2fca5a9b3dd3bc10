"""Certificate and key of a server."""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path

from silencio.errors import ConfigError

_logger = logging.getLogger("kserve")


@dataclass(frozen=True)
class Tls:
    """A pair of PEM files that fit together.

    Attributes:
        certificate: File of the certificate, with the chain below it.
        key: File of its key, without a passphrase.

    Raises:
        ConfigError: They cannot be read, or do not fit.
    """

    certificate: Path
    key: Path

    def __post_init__(self) -> None:
        try:
            # An empty passphrase: without one, OpenSSL would ask the terminal.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.certificate, self.key, password="")
        except (OSError, ssl.SSLError, ValueError) as error:
            raise ConfigError(
                f"TLS certificate {self.certificate} and key {self.key} cannot be used together: {error}"
            ) from error

    def version(self) -> tuple[tuple[int, int], ...]:
        """Another one when a file was replaced; links are followed, as a mounted Kubernetes secret changes by them."""
        facts = [path.stat() for path in (self.certificate, self.key) if path.exists()]
        return tuple((one.st_mtime_ns, one.st_ino) for one in facts)


class Renewal:
    """Tells once of every pair that took the place of the last and fits together.

    The SDK watches the files by inotify, which sees the first replacement and none after it.

    Args:
        tls: The pair.
    """

    def __init__(self, tls: Tls) -> None:
        self._tls = tls
        self._version = tls.version()

    def came(self) -> bool:
        """Whether there is a new pair to be loaded; one that does not fit is logged, and the old one stays."""
        version = self._tls.version()
        if version == self._version:
            return False
        self._version = version
        try:
            Tls(self._tls.certificate, self._tls.key)
        except ConfigError as error:
            _logger.error("the old TLS certificate stays in use: %s", error)
            return False
        _logger.info("the TLS certificate %s was renewed", self._tls.certificate)
        return True


def tls_of(certificate: str | None, key: str | None) -> Tls | None:
    """TLS if both files are named, none if neither is.

    Raises:
        ConfigError: One is named without the other, or they cannot be used.
    """
    if not certificate and not key:
        return None
    if not certificate or not key:
        raise ConfigError("--tls_cert and --tls_key belong together: one is not set")
    return Tls(Path(certificate), Path(key))
