"""The names that a server's certificate is for, and what its clients would find wrong with it."""

from __future__ import annotations

import contextlib
import ssl
from typing import Any

from serving.access.tls import Tls

_ROUNDS = 8


def refusal_at(tls: Tls, host: str) -> str:
    """Why clients that trust this very certificate would refuse it at a host; empty where they take it."""
    try:
        _handshake(tls, host)
    except ssl.SSLCertVerificationError as error:
        return error.verify_message.rstrip(".")
    return ""


def names_of(tls: Tls) -> tuple[str, ...]:
    """Names and addresses that a certificate is for, as they stand in it; none where it is not valid now."""
    with contextlib.suppress(ssl.SSLCertVerificationError):
        shown: dict[str, Any] = _handshake(tls, None).getpeercert() or {}
        found: tuple[tuple[str, str], ...] = shown.get("subjectAltName", ())
        return tuple(name for kind, name in found if kind in ("DNS", "IP Address"))
    return ()


def _handshake(tls: Tls, host: str | None) -> ssl.SSLObject:
    """Do the handshake of a client and this server in memory: Python reads a certificate in no other way.

    Raises:
        ssl.SSLCertVerificationError: The client does not take it.
    """
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tls.certificate, tls.key, password="")
    client = ssl.create_default_context(cafile=tls.certificate)
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.check_hostname = host is not None
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_side = client.wrap_bio(to_client, to_server, server_hostname=host)
    server_side = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(_ROUNDS):
        with contextlib.suppress(ssl.SSLWantReadError):
            client_side.do_handshake()
            break
        with contextlib.suppress(ssl.SSLWantReadError):
            server_side.do_handshake()
    return client_side
