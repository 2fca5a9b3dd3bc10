"""Whether recordings go to the predictor by TLS: they do, or stay on this machine, or their operator says otherwise."""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import unquote

import grpc

from serving.settings.transformer import TransformerSettings
from silencio.errors import ConfigError
from silencio.network import is_loopback


def predictor_credentials(settings: TransformerSettings) -> grpc.ChannelCredentials | None:
    """Credentials of the predictor's channel; None: without TLS.

    Files are read once: those that are renewed are taken at the next start.

    Raises:
        ConfigError: The predictor is on another machine, and nothing says how to reach it; its address is none; options
            contradict each other; or a file cannot be used.
    """
    certificate, key = settings.predictor_client_cert, settings.predictor_client_key
    uses_tls = settings.predictor_ca is not None or settings.predictor_use_ssl
    if (certificate is None) != (key is None):
        raise ConfigError("--predictor_client_cert and --predictor_client_key belong together: one is not set")
    if certificate is not None and not uses_tls:
        raise ConfigError(
            "--predictor_client_cert is shown by TLS alone: give --predictor_ca or --predictor_use_ssl true"
        )
    if uses_tls and settings.predictor_insecure:
        raise ConfigError("--predictor_insecure contradicts --predictor_ca and --predictor_use_ssl")
    if not uses_tls:
        if not settings.predictor_insecure and not _is_here(settings.predictor_host):
            raise ConfigError(
                f"the predictor {settings.predictor_host} is on another machine, and recordings would go there in "
                "clear: give --predictor_ca FILE (or --predictor_use_ssl true) to use TLS, or --predictor_insecure "
                "where a mesh encrypts or the network is yours alone; in a KServe InferenceService, among the "
                "transformer's args"
            )
        return None
    _check(settings.predictor_ca, certificate, key)
    read = [None if path is None else path.read_bytes() for path in (settings.predictor_ca, key, certificate)]
    return grpc.ssl_channel_credentials(*read)


def _is_here(address: str) -> bool:
    """Whether an address, as gRPC takes it, is this machine's: an IP scheme may name several, all of which are used."""
    if address.startswith(("unix:", "unix-abstract:")):
        return True
    scheme = next((one for one in ("dns:///", "dns:", "ipv4:", "ipv6:") if address.startswith(one)), "")
    try:
        return all(is_loopback(f"grpc://{one}") for one in unquote(address.removeprefix(scheme)).split(","))
    except ValueError as error:
        raise ConfigError(f"--predictor_host {address} is no address: {error}; HOST:PORT is needed") from error


def _check(authority: Path | None, certificate: Path | None, key: Path | None) -> None:
    """gRPC would say of a file that it cannot use, at every request, that the predictor is away."""
    context = ssl.create_default_context()
    try:
        if authority is not None:
            context.load_verify_locations(authority)
        if certificate is not None:
            context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:  # ssl's own are the former
        files = ", ".join(str(path) for path in (authority, certificate, key) if path is not None)
        raise ConfigError(f"TLS to the predictor: {files} cannot be used: {error}") from error
