"""Connections to a server: its address, the proxy on the way, whose certificates are taken, and where a key may go."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import httpx

from serving.client.options import KEY_IN_CLEAR_OPTION
from serving.client.trust import Trust, shows_certificate
from silencio.errors import ConfigError, ServingError
from silencio.network import is_loopback, proxy_of


def connection(
    url: str,
    timeout_s: float,
    api_key: str | None = None,
    *,
    key_in_clear: bool = False,
    trust: Trust | None = None,
) -> httpx.Client:
    """A client that keeps its connections and shows its key.

    Args:
        url: The server's address.
        timeout_s: Longest wait for one answer.
        api_key: The key, sent as `Authorization: Bearer …`; none is sent where it is empty.
        key_in_clear: The key may go to another machine without TLS, where everybody on the way can read it.
        trust: Certificates that are taken, by `trust_for`; looked up where it is not given.

    Raises:
        ServingError: `url` is no address, or the environment names a proxy that cannot be used.
        ConfigError: The environment names certificates that cannot be used, or the key would go out in clear.
    """
    check_address(url)
    if api_key and not key_in_clear and urlsplit(url).scheme == "http" and not is_loopback(url):
        raise ConfigError(
            f"the API key would go to {urlsplit(url).hostname} in clear, where everybody on the way can read it: ask "
            f"https://, or allow it by {KEY_IN_CLEAR_OPTION} where the network is yours alone"
        )
    proxy = proxy_of(url)
    trust = trust or trust_for(url)
    try:
        return httpx.Client(
            timeout=timeout_s,
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            # httpx would fail on any variable that it does not understand, also where it does not matter for this URL.
            trust_env=False,
            proxy=None if proxy is None else proxy.address,
            verify=trust.context() if shows_certificate(url, "" if proxy is None else proxy.address) else True,
        )
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        if proxy is None:
            raise
        raise ServingError(
            f"{url} cannot be called through the proxy that the environment names ({proxy.shown}): http://HOST:PORT or "
            f"https://HOST:PORT is taken; correct or unset {proxy.variable}, or name the server in NO_PROXY"
        ) from error


def trust_for(url: str, cacert: Path | None = None) -> Trust:
    """Find which certificates are taken at an address.

    Args:
        url: The server's address.
        cacert: The file that `--cacert` names; None leaves it to the environment.

    Raises:
        ServingError: `url` is no address.
        ConfigError: The certificates that are named cannot be used.
    """
    check_address(url)
    proxy = proxy_of(url)
    return Trust.of(url, "" if proxy is None else proxy.address, cacert)


def check_address(url: str) -> None:
    """Refuse what is no address of a server.

    Raises:
        ServingError: `url` has no scheme, no host, or a port that is none.
    """
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        # As the system will look it up, and as httpx will send it; each refuses names that the other takes.
        _ = (parts.hostname or "").encode("idna"), httpx.URL(url).host
    except (ValueError, httpx.InvalidURL) as error:
        raise ServingError(f"{url!r} is no address of a server ({error}): http://HOST:PORT is needed") from error
    if not is_address:
        raise ServingError(f"{url!r} is no address of a server: http://HOST:PORT is needed")
