"""Origins of web pages, as options name them. Nothing here needs KServe."""

from __future__ import annotations

import re

from silencio.errors import ConfigError

_ANY_ORIGIN = "*"
# Apps that are pages have schemes of their own: capacitor://localhost.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?")


def check_origin(origin: str) -> str:
    """Check an origin as a browser writes it: `https://app.example.org`, without a path; or `*`.

    Raises:
        ConfigError: It is none, so no page would ever have it.
    """
    port = origin.rpartition(":")[2]
    is_default = (origin.startswith("https:") and port == "443") or (origin.startswith("http:") and port == "80")
    if origin != _ANY_ORIGIN and (is_default or not _ORIGIN.fullmatch(origin)):
        raise ConfigError(
            f"{origin!a} is no origin of web pages: one like https://app.example.org is needed (no path, no slash at "
            "its end, small letters, no port that is usual), or * for all of them"
        )
    return origin
