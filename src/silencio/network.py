"""Settings of the network in the environment: the proxy on the way to an address, and whose certificates are trusted.

HTTP libraries read these variables each in its own way, and fail on values that they do not know with whatever is at
hand, often for an address that the variable does not concern. Here one variable is found for one address, so that a
message can name it.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from silencio.errors import ConfigError

# The latter two are Debian's, in /etc/hosts.
_LOOPBACK_NAMES = ("localhost", "ip6-localhost", "ip6-loopback")
# Below what systems give to outgoing connections (from 32768 on, or from 49152 on), above what services are known by.
_PORTS = range(10_000, 32_000)
_APART = 1_009


@dataclass(frozen=True)
class EnvironmentProxy:
    """A proxy that the environment names.

    Attributes:
        variable: Environment variable that says so.
        address: As it stands there, with a scheme.
    """

    variable: str
    address: str

    @property
    def shown(self) -> str:
        """The variable and the proxy, without a password."""
        scheme, _, rest = self.address.partition("://")
        return f"{self.variable}={scheme}://{rest.partition('/')[0].rpartition('@')[2]}"


def is_loopback(url: str) -> bool:
    """Whether an address is this machine's own, which no proxy can reach.

    So is the one that stands for every address: whoever connects to it reaches this machine.
    """
    host = (urlsplit(url).hostname or "").removesuffix(".")
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host)
        own = getattr(address, "ipv4_mapped", None) or address
        return bool(own.is_loopback or own.is_unspecified)
    return host in _LOOPBACK_NAMES or host.endswith(".localhost")


def free_ports(n_ports: int) -> list[int]:
    """TCP ports that are free now on loopback, none of them twice in a process.

    Whoever starts a server listens some seconds later. A port that the system chooses (port 0) can have become
    the near end of some connection until then; these cannot, and each process begins to count at a place of its own.
    """
    found: list[int] = []
    while len(found) < n_ports:
        port = _Ports.following()
        if _is_free(port):
            found.append(port)
    return found


class _Ports:
    """Where this process counts; a forked one begins anew."""

    process = 0
    last = 0

    @classmethod
    def following(cls) -> int:
        if cls.process != os.getpid():
            cls.process, cls.last = os.getpid(), os.getpid() * _APART % len(_PORTS)
        cls.last = (cls.last + 1) % len(_PORTS)
        return _PORTS[cls.last]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def proxy_of(url: str) -> EnvironmentProxy | None:
    """The proxy through which an address is reached; None connects directly.

    `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` count as for curl, in capitals or not; `NO_PROXY` may have
    ranges of addresses (`10.0.0.0/8`, `fe80::/10`).
    """
    parts = urlsplit(url)
    proxies = getproxies_environment()
    host = parts.hostname or ""
    if is_loopback(url) or proxy_bypass(host) or _in_range(host, proxies.get("no", "")):
        return None
    for scheme in (parts.scheme, "all"):
        if address := proxies.get(scheme):
            variable = f"{scheme}_proxy"
            name = variable if os.environ.get(variable) else variable.upper()
            return EnvironmentProxy(name, address if "://" in address else f"http://{address}")
    return None


def trusted_certificates(*variables: str) -> Path | None:
    """The file or folder of certificates that the environment wants trusted; None leaves it to the library.

    Args:
        variables: The first that is set counts.

    Raises:
        ConfigError: It is not there, or is a file without certificates; the message names the variable.
    """
    found = trusted_by_environment(*variables)
    return None if found is None else found[1]


def trusted_by_environment(*variables: str) -> tuple[str, Path] | None:
    """`trusted_certificates` with the variable that names them.

    Raises:
        ConfigError: As there.
    """
    for variable in variables:
        if text := os.environ.get(variable):
            return variable, certificates_of(Path(text), f"{variable}={text}", "correct or unset it")
    return None


def certificates_of(path: Path, source: str, remedy: str = "name a PEM file of certificates") -> Path:
    """A file or folder of certificates that are to be trusted, as it was named.

    Args:
        path: Path of the file.
        source: Who names it, as a message says.
        remedy: What to do where it cannot be used.

    Raises:
        ConfigError: It is not there, or is a file without certificates.
    """
    try:
        context = ssl.create_default_context()
        context.load_verify_locations(*([None, path] if path.is_dir() else [path]))
    except FileNotFoundError as error:
        raise ConfigError(f"{source} is not there: {remedy}") from error
    except OSError as error:  # of TLS too
        raise ConfigError(f"{source} holds no certificates that can be read: {remedy}") from error
    return path


def _in_range(host: str, no_proxy: str) -> bool:
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host)
        for text in no_proxy.split(","):
            with contextlib.suppress(ValueError):
                if address in ipaddress.ip_network(text.strip().strip("[]"), strict=False):
                    return True
    return False
