"""How the page and its files are handed out, without a browser."""

from __future__ import annotations

import httpx

_HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_page__only_who_asks_for_html_gets_it(http: httpx.Client) -> None:
    page = http.get("/", headers=_HTML)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "Accept" in page.headers["vary"].split(", ")
    for headers in ({}, {"Accept": "application/json"}):
        assert http.get("/", headers=headers).json() == {"status": "alive"}


def test_page__nothing_inline_and_nothing_from_elsewhere_may_run(http: httpx.Client) -> None:
    page = http.get("/", headers=_HTML)
    policy = dict(one.strip().split(" ", 1) for one in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert {policy["script-src"], policy["style-src"], policy["connect-src"]} == {"'self'"}


def test_page__files_are_kept_until_one_changes(http: httpx.Client) -> None:
    page = http.get("/", headers=_HTML)
    again = http.get("/", headers=_HTML | {"If-None-Match": page.headers["etag"]})
    assert (page.headers["cache-control"], again.status_code, again.content) == ("no-cache", 304, b"")
    version = page.headers["etag"].strip('W/"')
    for name, media_type in (("page.js", "text/javascript"), ("page.css", "text/css"), ("icon.svg", "image/svg+xml")):
        assert f'"page/{version}/{name}"' in page.text
        file = http.get(f"/page/{version}/{name}")
        assert file.headers["content-type"].startswith(media_type)
        assert "immutable" in file.headers["cache-control"]
        assert file.headers["content-encoding"] == "gzip"
        assert http.get(file.url, headers={"Accept-Encoding": "identity"}).text == file.text
        # While servers of two versions stand behind one address.
        assert http.get(f"/page/of-another-version/{name}").headers["cache-control"] == "no-cache"
    assert http.get(f"/page/{version}/routes.py").status_code == 404
