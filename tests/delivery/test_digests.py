"""Digests come from a registry, of the bytes that it gives; without all of them nothing is written."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from delivery.checks import findings_of
from delivery.digests import PINNED, Registry, pin, pinned_text
from delivery.render import has_kubectl, render
from delivery.rendered import Rendered
from silencio.errors import ConfigError
from tests.delivery.overlays import MANIFESTS, ROOT

needs_kubectl = pytest.mark.skipif(not has_kubectl(), reason="kubectl is not installed")
INDEX = "application/vnd.oci.image.index.v1+json"


class FakeRegistry:
    """Speaks as much of the distribution protocol as is needed to read a manifest.

    Attributes:
        images: Names that it has, in `wildlife/`, with the tag 0.1.0.
        header: The digest that it names, in place of the right one.
        wants_token: Whether it answers 401 without one.
        requested: Paths, in order.
    """

    def __init__(self) -> None:
        self.images: set[str] = set()
        self.header: str | None = None
        self.wants_token = False
        self.requested: list[str] = []
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.requested.append(self.path)
                status, content, headers = registry.answer(self.path, dict(self.headers))
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def manifest(self, name: str) -> bytes:
        return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "of": name}).encode()

    def answer(self, path: str, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        if path.startswith("/token"):
            scope = parse_qs(urlsplit(path).query)["scope"][0]
            return 200, json.dumps({"token": f"for {scope}"}).encode(), {}
        name = path.removeprefix("/v2/wildlife/").removesuffix("/manifests/0.1.0")
        scope = f"repository:wildlife/{name}:pull"
        if self.wants_token and headers.get("Authorization") != f"Bearer for {scope}":
            challenge = f'Bearer realm="http://{self.host}/token",service="registry",scope="{scope}"'
            return 401, b"", {"WWW-Authenticate": challenge}
        if name not in self.images or INDEX not in headers.get("Accept", ""):
            return 404, b"", {}
        content = self.manifest(name)
        right = f"sha256:{hashlib.sha256(content).hexdigest()}"
        return 200, content, {"Docker-Content-Digest": self.header or right}

    def registry(self) -> Registry:
        return Registry(f"{self.host}/wildlife", is_plain_http=True)


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    registry = FakeRegistry()
    yield registry
    registry.server.shutdown()
    registry.server.server_close()


def test_digest__is_of_the_bytes_that_the_registry_gives(fake: FakeRegistry) -> None:
    fake.images = {"predictor"}
    digest = fake.registry().digest("predictor", "0.1.0")
    assert digest == f"sha256:{hashlib.sha256(fake.manifest('predictor')).hexdigest()}"


def test_digest__comes_by_a_token_where_the_registry_wants_one(fake: FakeRegistry) -> None:
    fake.images, fake.wants_token = {"predictor"}, True
    assert fake.registry().digest("predictor", "0.1.0").startswith("sha256:")
    assert len(fake.requested) == 3


@pytest.mark.parametrize(
    ("images", "header", "message"),
    [
        (set(), None, r"predictor:0\.1\.0 cannot be read \(status 404\): push it first"),
        ({"predictor"}, f"sha256:{'0' * 64}", "and the registry calls it sha256:0000"),
    ],
    ids=["not there", "another digest in the header"],
)
def test_digest__is_refused_of_a_registry_that(
    fake: FakeRegistry, images: set[str], header: str | None, message: str
) -> None:
    fake.images, fake.header = images, header
    with pytest.raises(ConfigError, match=message):
        fake.registry().digest("predictor", "0.1.0")


def test_registry__sends_no_token_request_in_clear_where_it_has_tls() -> None:
    challenge = 'Bearer realm="http://registry.example.org/token",service="registry"'
    with pytest.raises(ConfigError, match="wants an account"):
        Registry("registry.example.org/wildlife")._token(challenge)


@pytest.mark.parametrize("place", ["https://registry.example.org/wildlife", "", "registry example"])
def test_registry__is_host_and_path(place: str) -> None:
    with pytest.raises(ConfigError, match="is no registry"):
        Registry(place)


@needs_kubectl
def test_pin__makes_the_overlay_render_with_what_the_registry_has(fake: FakeRegistry, tmp_path: Path) -> None:
    overlay = shutil.copytree(MANIFESTS, tmp_path / "manifests") / "overlays" / "production"
    fake.images = {"predictor", "transformer", "train", "monitor"}
    path = pin(overlay, fake.registry(), "0.1.0")
    images = yaml.safe_load(path.read_text(encoding="utf-8"))["images"]
    assert {one["newName"] for one in images} == {f"{fake.host}/wildlife/{name}" for name in fake.images}
    assert findings_of(Rendered(render(overlay))) == []


@needs_kubectl
def test_pin__writes_nothing_where_one_image_is_missing(fake: FakeRegistry, tmp_path: Path) -> None:
    overlay = shutil.copytree(MANIFESTS, tmp_path / "manifests") / "overlays" / "staging"
    fake.images = {"predictor", "transformer", "monitor"}
    with pytest.raises(ConfigError, match="train:0"):
        pin(overlay, fake.registry(), "0.1.0")
    assert not (overlay / PINNED).exists()


def test_pin__is_not_for_an_overlay_that_takes_tags(fake: FakeRegistry) -> None:
    with pytest.raises(ConfigError, match="takes no digests"):
        pin(MANIFESTS / "overlays" / "local", fake.registry(), "0.1.0")


def test_pinned_text__names_registry_and_tag() -> None:
    digest = f"sha256:{'a' * 64}"
    text = pinned_text({"registry.example/silencio/predictor": digest}, "registry.example.org/wildlife", "0.1.0")
    assert "registry.example.org/wildlife, tag 0.1.0" in text.splitlines()[0]
    assert yaml.safe_load(text)["images"] == [
        {
            "name": "registry.example/silencio/predictor",
            "newName": "registry.example.org/wildlife/predictor",
            "digest": digest,
        }
    ]


@needs_kubectl
def test_script__writes_the_file_and_says_where(
    fake: FakeRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.spec_from_file_location("pin_digests", ROOT / "scripts" / "pin_digests.py")
    assert spec and spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    overlays = shutil.copytree(MANIFESTS, tmp_path / "manifests") / "overlays"
    fake.images = {"predictor", "transformer", "train", "monitor"}
    given = ["--overlay", "staging", "--registry", f"{fake.host}/wildlife", "--tag", "0.1.0", "--plain-http"]
    monkeypatch.setattr("sys.argv", ["pin_digests.py", *given, "--overlays", str(overlays)])
    assert script.main() == 0
    assert (overlays / "staging" / PINNED).is_file()
    assert "commit it" in capsys.readouterr().out
