"""Both servers on this machine: `with local_servers(bundle) as servers: ... servers.url`."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from serving.access.certificate import names_of, refusal_at
from serving.access.tls import Tls
from serving.local.server_process import ServerProcess
from serving.server.protocol import LOOPBACK, MAX_BODY_BYTES, REFUSED
from serving.settings.local import NOT_THE_PREDICTORS, NOT_THE_TRANSFORMERS
from silencio.bundle.manifest import MANIFEST
from silencio.errors import ServingError
from silencio.network import free_ports, is_loopback

# A server that listens everywhere is reached here.
_EVERY_ADDRESS = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104  # compared, not listened on
_POLL_S = 0.1


@dataclass(frozen=True)
class LocalServers:
    """Two servers that run.

    Attributes:
        url: The transformer's address; with TLS, by a name of this machine that its certificate is for, if it has one.
        grpc_address: Its gRPC side, HOST:PORT.
        predictor: The server that runs the graph, on loopback.
        transformer: The server that takes recordings.
    """

    url: str
    grpc_address: str
    predictor: ServerProcess
    transformer: ServerProcess

    @property
    def both(self) -> tuple[ServerProcess, ServerProcess]:
        return self.predictor, self.transformer

    def check_alive(self) -> None:
        """Raises `ServingError` with the last lines of a server's log if it has ended."""
        for server in self.both:
            code = server.exit_code()
            if code == 0:
                raise ServingError(
                    f"the {server.name} was stopped by somebody else (exit code 0); one server is of no use "
                    "without the other, which is stopped, too"
                )
            if code is not None:
                raise ServingError(
                    f"the {server.name} ended by itself (exit code {code}); its last lines:\n{server.last_lines()}"
                )

    def stop(self) -> None:
        """Stop the transformer, which calls the predictor until its last request is answered, and then the predictor.

        Raises:
            ServingError: One that was to stop did not end in order; the message has its last lines.
        """
        for server in reversed(self.both):
            server.request_stop()
            server.wait_until_stopped()
        for server in self.both:
            server.check_end()


def _ignore(message: str) -> None:
    pass


@contextmanager
def local_servers(
    bundle: Path,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    grpc_port: int = 0,
    max_body_bytes: int = MAX_BODY_BYTES,
    tls: Tls | None = None,
    transformer_options: Sequence[str] = (),
    predictor_options: Sequence[str] = (),
    on_progress: Callable[[str], None] = _ignore,
    start_timeout_s: float = 1_800.0,
) -> Iterator[LocalServers]:
    """Start predictor and transformer, wait until both are ready, stop both at the end.

    Args:
        bundle: The bundle's folder.
        host: Where the transformer listens; the predictor listens on loopback.
        port: The transformer's port; 0 takes a free one.
        grpc_port: The transformer's gRPC port; 0 takes a free one.
        max_body_bytes: Largest body or message that the transformer takes.
        tls: The transformer's certificate and key; None: it speaks plain text, as the predictor on loopback does.
        transformer_options: Further options of `python -m serving.transformer`.
        predictor_options: Further options of `python -m serving.predictor`.
        on_progress: Called with what is waited for.
        start_timeout_s: How long to wait for a server that lives and is not ready; one that ends is noticed at once.

    Raises:
        ServingError: A server refuses the bundle, ends, does not become ready, or does not end in order.
    """
    if not (bundle / MANIFEST).is_file():  # the servers would say so too, some seconds later
        raise ServingError(f"{bundle} is no bundle: it holds no {MANIFEST}")
    free = free_ports(2)
    port, grpc_port = port or free[0], grpc_port or free[1]
    for option, one in (("--port", port), ("--grpc-port", grpc_port)):
        _refuse_taken_port(host, one, option)
    with tempfile.TemporaryDirectory(prefix="silencio-serving-") as logs:
        options = ["--bundle", str(bundle), "--host", host, *_ports(port, grpc_port)]
        options += ["--max_body_bytes", str(max_body_bytes), *transformer_options]
        if tls is not None:
            options += ["--tls_cert", str(tls.certificate), "--tls_key", str(tls.key)]
        servers = _start(bundle, _Addresses.of(host, port, grpc_port, tls), options, predictor_options, Path(logs))
        try:
            _wait_until_ready(servers, on_progress, start_timeout_s)
            yield servers
        except BaseException:
            # What went wrong first is what is reported.
            with suppress(ServingError):
                servers.stop()
            raise
        servers.stop()


@dataclass(frozen=True)
class _Addresses:
    """The transformer's addresses: one for probes from here, the others for clients."""

    probed: str
    url: str
    grpc: str

    @classmethod
    def of(cls, host: str, port: int, grpc_port: int, tls: Tls | None) -> Self:
        here = _EVERY_ADDRESS.get(host, host)
        name = _url_host(here if tls is None else certified_host(tls, here, is_everywhere=here != host))
        scheme = "http" if tls is None else "https"
        return cls(f"{scheme}://{_url_host(here)}:{port}", f"{scheme}://{name}:{port}", f"{name}:{grpc_port}")


def certified_host(tls: Tls, host: str, *, is_everywhere: bool) -> str:
    """A name of this host that the certificate is for; the host's own where there is none."""
    if not refusal_at(tls, host):
        return host
    names = [name for name in names_of(tls) if "*" not in name]
    is_here = is_loopback(f"https://{_url_host(host)}")
    usable = (name for name in names if is_everywhere or (is_here and is_loopback(f"https://{_url_host(name)}")))
    return next(usable, host)


def _start(
    bundle: Path,
    addresses: _Addresses,
    transformer_options: Sequence[str],
    predictor_options: Sequence[str],
    logs: Path,
) -> LocalServers:
    predictor_rest, predictor_grpc = free_ports(2)
    address = f"{LOOPBACK}:{predictor_grpc}"
    predictor = ServerProcess.start(
        "serving.predictor",
        ["--bundle", str(bundle), "--host", LOOPBACK, *_ports(predictor_rest, predictor_grpc), *predictor_options],
        url=f"http://{LOOPBACK}:{predictor_rest}",
        log=logs / "predictor.log",
        without=NOT_THE_PREDICTORS,
    )
    try:
        transformer = ServerProcess.start(
            "serving.transformer",
            [*transformer_options, "--enable_grpc", "true", "--predictor_host", address],
            url=addresses.probed,
            log=logs / "transformer.log",
            without=NOT_THE_TRANSFORMERS,
        )
    except OSError:
        predictor.request_stop()
        predictor.wait_until_stopped()
        raise
    return LocalServers(addresses.url, addresses.grpc, predictor, transformer)


def _ports(rest: int, grpc: int) -> Sequence[str]:
    return "--http_port", str(rest), "--grpc_port", str(grpc)


def _wait_until_ready(servers: LocalServers, on_progress: Callable[[str], None], start_timeout_s: float) -> None:
    deadline_s = time.monotonic() + start_timeout_s
    for server in servers.both:
        while True:
            servers.check_alive()
            state = server.readiness()
            if state.ready:
                break
            if state.reason.startswith(REFUSED):
                raise ServingError(f"the {server.name} does not serve this bundle: {state.reason}")
            if time.monotonic() > deadline_s:
                raise ServingError(
                    f"the {server.name} is not ready after {start_timeout_s:g} s: {state.reason}; its last lines:\n"
                    f"{server.last_lines()}"
                )
            on_progress(f"waiting for the {server.name}: {state.reason}")
            time.sleep(_POLL_S)


def _refuse_taken_port(host: str, port: int, option: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As the server will do: a port whose last connection is only waiting to be forgotten is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ServingError(
                f"cannot listen on {host} port {port}: {error.strerror or error}; choose another by {option}, or "
                f"{option} 0"
            ) from error


def _url_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
