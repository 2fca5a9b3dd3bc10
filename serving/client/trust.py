"""Certificates that a client of the servers takes, and its error about a server that shows another one."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import httpx

from serving.client.options import CACERT_OPTION, CERTIFICATE_VARIABLES
from silencio.errors import ConfigError
from silencio.network import certificates_of, trusted_by_environment

# OpenSSL's numbers (x509_vfy.h); all others are of an authority that is not known.
_NOT_NOW = {9: "not valid yet", 10: "expired"}
_OTHER_NAME = {62, 63, 64}
# How OpenSSL takes an answer in clear.
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")


@dataclass(frozen=True)
class Trust:
    """Certificates that a client takes.

    Attributes:
        path: File or folder of PEM; None: the public authorities that come with certifi.
        source: The option or variable that names them, for messages.
    """

    path: Path | None = None
    source: str = "the public authorities"

    @classmethod
    def of(cls, url: str, proxy: str = "", cacert: Path | None = None) -> Self:
        """The option's, else the environment's: looked at only where the server or its proxy shows a certificate.

        Raises:
            ConfigError: It names certificates that cannot be used, or the option is given where none is shown.
        """
        if not shows_certificate(url, proxy):
            if cacert is not None:
                raise ConfigError(f"{CACERT_OPTION} {cacert} is of no use: {url} shows no certificate; use https://")
            return cls()
        if cacert is not None:
            source = f"{CACERT_OPTION} {cacert}"
            return cls(certificates_of(cacert, source), source)
        found = trusted_by_environment(*CERTIFICATE_VARIABLES)
        return cls() if found is None else cls(found[1], f"{found[0]}={found[1]}")

    def context(self) -> ssl.SSLContext:
        """Make the TLS context of a connection."""
        if self.path is None:
            return httpx.create_ssl_context(trust_env=False)
        is_folder = self.path.is_dir()
        context = ssl.create_default_context(
            cafile=None if is_folder else self.path, capath=self.path if is_folder else None
        )
        # As curl does: what stands there is trusted, also a server's own certificate without its authority.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return context

    def explained(self, url: str, error: httpx.TransportError, through: str = "") -> str:
        """Why an address does not answer, and what to do where its certificate or its scheme is the reason.

        Args:
            url: The server's address.
            error: The attempt's error.
            through: Words for the proxy between, for the message.
        """
        fault = _tls_error(error)
        if isinstance(fault, ssl.SSLCertVerificationError):
            return self._refused(url, fault)
        hint = ""
        if fault is not None and fault.reason in _NO_TLS:
            hint = "; if it speaks no TLS, use http://"
        elif isinstance(error, httpx.RemoteProtocolError) and urlsplit(url).scheme == "http":
            hint = "; if it speaks TLS, use https://"
        return f"{url} does not answer{through}: {str(error).rstrip('.') or type(error).__name__}{hint}"

    def _refused(self, url: str, fault: ssl.SSLCertVerificationError) -> str:
        what = f"the certificate of {url} is not taken ({fault.verify_message})"
        if fault.verify_code in _OTHER_NAME:
            return f"{what}: call the server by a name that its certificate is for, or give it one for this name"
        if fault.verify_code in _NOT_NOW:
            return f"{what}: renew it on the server, or set the clock of whichever machine is wrong"
        return (
            f"{what}: trusted are {self.source}; give the PEM file of whoever signed it by {CACERT_OPTION} FILE or "
            f"{CERTIFICATE_VARIABLES[0]}=FILE"
        )


def shows_certificate(*addresses: str) -> bool:
    """Whether one of them is reached by TLS; one that is no address is not."""
    return any(address.lower().startswith("https://") for address in addresses)


def is_certificate_refused(error: httpx.TransportError) -> bool:
    """Whether it is the server's certificate that is not taken, which no second try will change."""
    return isinstance(_tls_error(error), ssl.SSLCertVerificationError)


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """What stands behind an HTTP library's own error."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error
