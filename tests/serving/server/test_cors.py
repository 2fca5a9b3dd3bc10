"""Pages of other origins: nothing by default, and what a browser needs where the operator names them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from serving.access.keys import add_key
from serving.local import LocalServers, local_servers
from tests.waiting import HANG_S

ROUTE = "/v1/models/silencio:predict"
APP = "https://app.example.org"


@pytest.fixture(scope="module")
def open_to_app(bundle_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server that wants keys, open to one origin's pages."""
    keys = tmp_path_factory.mktemp("keys") / "keys.csv"
    key = add_key(keys, "app", 600, None)
    options = ["--keys", str(keys), "--allow_origin", APP, "--allow_origin", "http://localhost:3000"]
    with local_servers(bundle_directory, transformer_options=options) as servers:
        headers = {"X-API-Key": key}
        with httpx.Client(base_url=servers.url, trust_env=False, timeout=HANG_S, headers=headers) as client:
            yield client


def _preflight(
    client: httpx.Client, origin: str, method: str = "POST", headers: str = "content-type"
) -> httpx.Response:
    sent = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers, "X-API-Key": ""}
    return client.options(ROUTE, headers={"Origin": origin} | sent)


@pytest.mark.parametrize("origin", [APP, "http://localhost:3000"])
def test_preflight__needs_no_key(open_to_app: httpx.Client, origin: str) -> None:
    answer = _preflight(open_to_app, origin, headers="content-type,x-api-key,authorization,content-encoding")
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, origin)
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in answer.headers


def test_preflight__of_another_origin_is_refused_in_a_sentence(open_to_app: httpx.Client) -> None:
    answer = _preflight(open_to_app, "https://app.example.org.evil.net")
    assert (answer.status_code, list(answer.json())) == (400, ["error"])
    assert "access-control-allow-origin" not in answer.headers


def test_answer__the_page_may_read_it_and_refusals_too(open_to_app: httpx.Client) -> None:
    for key, status in ((open_to_app.headers["X-API-Key"], 400), ("wrong", 401)):
        answer = open_to_app.post(ROUTE, json={}, headers={"Origin": APP, "X-API-Key": key})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, APP)
        assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
        assert answer.headers["vary"] == "Origin"


def test_answer__another_origins_page_may_not(open_to_app: httpx.Client) -> None:
    answer = open_to_app.get("/v2/health/live", headers={"Origin": "https://other.example.org"})
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


def test_default__no_origin(servers: LocalServers) -> None:
    with httpx.Client(base_url=servers.url, trust_env=False, timeout=HANG_S) as client:
        for answer in (_preflight(client, APP), client.get("/v2/health/live", headers={"Origin": APP})):
            assert answer.is_success
            assert not [name for name in answer.headers if name.startswith("access-control")]
