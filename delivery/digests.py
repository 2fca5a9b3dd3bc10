"""Digests of our images as a registry has them, written into the file by which an overlay renders."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path

import requests  # type: ignore[import-untyped]
import yaml

from delivery.checks.containers import PLACEHOLDER
from delivery.render import Object, render
from delivery.rendered import Rendered
from silencio.errors import ConfigError
from silencio.storage import write_atomically

PINNED = Path("pinned") / "kustomization.yaml"
# A list of images by architecture where there is one, else the image.
_ACCEPTED = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_TIMEOUT_S = 30
_HOST = re.compile(r"[A-Za-z0-9.-]+(?::\d+)?")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


class Registry:
    """A registry that speaks the OCI distribution protocol, read alone.

    Args:
        place: Host and path before the images' names, as `registry.example.org/silencio`.
        is_plain_http: Whether it has no TLS.

    Raises:
        ConfigError: The place is none.
    """

    def __init__(self, place: str, is_plain_http: bool = False) -> None:
        host, _, path = place.strip("/").partition("/")
        if not _HOST.fullmatch(host):
            raise ConfigError(f"--registry {place!r} is no registry: registry.example.org/silencio is one")
        self.place = f"{host}/{path}".rstrip("/")
        self._url = f"{'http' if is_plain_http else 'https'}://{host}/v2"
        self._path = f"{path}/" if path else ""
        user, password = os.environ.get("REGISTRY_USERNAME"), os.environ.get("REGISTRY_PASSWORD")
        self._account = (user, password) if user and password else None

    def digest(self, name: str, tag: str) -> str:
        """The digest of an image's manifest: of the bytes that the registry gives, not of what it says of them.

        Args:
            name: The image's, behind the registry's place.
            tag: Its tag.

        Raises:
            ConfigError: The registry does not have it, does not answer, or contradicts itself.
        """
        url = f"{self._url}/{self._path}{name}/manifests/{tag}"
        try:
            answer = requests.get(url, headers={"Accept": _ACCEPTED}, auth=self._account, timeout=_TIMEOUT_S)
            if answer.status_code == requests.codes.unauthorized:
                token = self._token(answer.headers.get("WWW-Authenticate", ""))
                headers = {"Accept": _ACCEPTED, "Authorization": f"Bearer {token}"}
                answer = requests.get(url, headers=headers, timeout=_TIMEOUT_S)
        except requests.RequestException as error:
            raise ConfigError(f"{self.place} does not answer ({type(error).__name__}): nothing was written") from error
        if answer.status_code != requests.codes.ok:
            raise ConfigError(f"{self.place}/{name}:{tag} cannot be read (status {answer.status_code}): push it first")
        digest = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
        named = answer.headers.get("Docker-Content-Digest", digest)
        if named != digest:
            raise ConfigError(f"{self.place}/{name}:{tag} is {digest}, and the registry calls it {named}")
        return digest

    def _token(self, challenge: str) -> str:
        given = dict(_CHALLENGE.findall(challenge))
        # Of a registry with TLS the account goes nowhere in clear.
        scheme = self._url.partition("//")[0]
        if not challenge.startswith("Bearer ") or not given.get("realm", "").startswith(("https://", f"{scheme}//")):
            raise ConfigError(f"{self.place} wants an account: set REGISTRY_USERNAME and REGISTRY_PASSWORD")
        wanted = {key: value for key, value in given.items() if key in ("service", "scope")}
        answer = requests.get(given["realm"], params=wanted, auth=self._account, timeout=_TIMEOUT_S)
        if answer.status_code != requests.codes.ok:
            raise ConfigError(
                f"{self.place} gives no token (status {answer.status_code}): are REGISTRY_USERNAME and _PASSWORD right?"
            )
        found = answer.json()
        return str(found.get("token") or found.get("access_token"))


def pin(overlay: Path, registry: Registry, tag: str) -> Path:
    """Write the digests of all our images of an overlay.

    Args:
        overlay: Its folder, in `manifests/overlays`.
        registry: Has the images.
        tag: Their tag.

    Returns:
        The file.

    Raises:
        ConfigError: The overlay is none that takes digests, or the registry does not have an image. Nothing is written.
    """
    if not (overlay / PINNED.parent).is_dir():
        raise ConfigError(f"{overlay} takes no digests: it has no folder {PINNED.parent}")
    digests = {name: registry.digest(name.rpartition("/")[2], tag) for name in our_images(overlay)}
    write_atomically(overlay / PINNED, pinned_text(digests, registry.place, tag).encode())
    return overlay / PINNED


def pinned_text(digests: dict[str, str], place: str, tag: str) -> str:
    """The component that puts registry and digests in.

    Args:
        digests: Digest by name of the image in the manifests.
        place: The registry's.
        tag: Tag of the images, for people.
    """
    images = [
        {"name": name, "newName": f"{place}/{name.rpartition('/')[2]}", "digest": digest}
        for name, digest in sorted(digests.items())
    ]
    component = {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component", "images": images}
    return f"# By scripts/pin_digests.py: {place}, tag {tag}.\n{yaml.safe_dump(component, sort_keys=False)}"


def our_images(overlay: Path) -> list[str]:
    """Names of our images in an overlay, without tags, as the manifests have them before digests are put in."""
    pods = Rendered(unpinned(overlay)).pods
    images = {str(one.get("image", "")) for pod in pods for one in pod.containers}
    return sorted({one.partition(":")[0] for one in images if one.startswith(PLACEHOLDER)})


def unpinned(overlay: Path, pinned: str | None = None) -> list[Object]:
    """An overlay as it renders with another file of digests, by default with one of no image in it.

    Args:
        overlay: Its folder, in `manifests/overlays`.
        pinned: The file's text.
    """
    # kustomize takes no component that does nothing.
    text = pinned or pinned_text({"none": "sha256:" + "0" * 64}, "none", "none")
    with tempfile.TemporaryDirectory() as folder:
        manifests = shutil.copytree(overlay.parents[1], Path(folder) / "manifests")
        there = manifests / "overlays" / overlay.name
        (there / PINNED).write_text(text, encoding="utf-8")
        return render(there)
