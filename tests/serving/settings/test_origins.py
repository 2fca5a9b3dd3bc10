"""Origins that an operator may name."""

from __future__ import annotations

import pytest

from serving.settings.origins import check_origin
from silencio.errors import ConfigError


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "https://app.example.org",
        "http://localhost:3000",
        "https://192.168.1.5:80",
        "http://[::1]:8000",
        "capacitor://localhost",
    ],
)
def test_origin__as_browsers_write_it(origin: str) -> None:
    assert check_origin(origin) == origin


_NO_ORIGINS = """null app.example.org https://app.example.org/ https://app.example.org/page
HTTPS://app.example.org https://App.example.org https://*.example.org
https://app.example.org:443 http://a:80 https:// https://a:b https://me@a https://a?b **"""


@pytest.mark.parametrize("origin", ["", *_NO_ORIGINS.split()])
def test_origin__that_no_page_has_is_refused(origin: str) -> None:
    with pytest.raises(ConfigError, match="is no origin of web pages: one like"):
        check_origin(origin)
