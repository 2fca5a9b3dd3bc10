"""What the tests of manifests render: the shipped overlays with made-up digests, and one overlay a component.

`python -m tests.delivery.overlays` writes `golden/` anew: what changed in it is what changes on a cluster.
"""

from __future__ import annotations

import copy
import hashlib
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path

import yaml

from delivery.argocd import with_sources
from delivery.digests import PINNED, our_images, pinned_text
from delivery.render import Object, objects_of, rendered_text
from delivery.rendered import Rendered, title

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "manifests"
GOLDEN = Path(__file__).parent / "golden"
SERVING = ("local", "staging", "production")
SHIPPED = (*SERVING, "platform", "monitoring", "queues")
PINNED_OVERLAYS = ("staging", "production", "platform")
PLACE = "registry.example.org/wildlife"
BUNDLE_IMAGE = "oci+native://registry.example.org/wildlife/bundle"
# Components that no shipped overlay has, and `release` for a Prometheus with its operator. Each has what silencio-place
# needs for it beside what base needs.
OPERATOR = "operator"
ALONE = {
    "canary-knative": {},
    "gpu": {},
    "keda": {"prometheus": "http://prometheus.monitoring:9090"},
    OPERATOR: {"prometheus": "http://prometheus.monitoring:9090"},
    "oci-bundle": {"bundle": f"{BUNDLE_IMAGE}@sha256:{'0' * 64}"},
    "signed-bundles": {},
    "watching": {
        "drift": "s3://silencio-drift/watching/",
        "recordings": "s3://recordings/",
        "s3": "s3.silencio-platform.svc:8333",
    },
}
# Applied by hand, beside the platform.
RESTORE = "restore"
# What Argo CD is given, and what it then applies; not among the overlays.
ARGOCD = {"argocd": "manifests/argocd", "applications": "manifests/argocd/applications"}
NAMES = (*SHIPPED, *ALONE, *ARGOCD)
_DIGEST = re.compile("sha256:[0-9a-f]{64}")


def made_up_digest(name: str) -> str:
    """Of a form that kubectl takes; no registry has it."""
    return f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"


def write_overlays(folder: Path) -> Path:
    """All of them, in a copy of the manifests.

    Args:
        folder: Where.

    Returns:
        The folder of overlays, by `NAMES`.
    """
    overlays = shutil.copytree(MANIFESTS, folder / "manifests") / "overlays"
    # What the monitoring is told stands beside the manifests.
    shutil.copytree(ROOT / "monitoring", folder / "monitoring")
    for name in PINNED_OVERLAYS:
        digests = {image: made_up_digest(image) for image in our_images(MANIFESTS / "overlays" / name)}
        (overlays / name / PINNED).write_text(pinned_text(digests, PLACE, "0.1.0"), encoding="utf-8")
    for name, place in ALONE.items():
        (overlays / name).mkdir()
        text = yaml.safe_dump(_alone(name, place))
        (overlays / name / "kustomization.yaml").write_text(text, encoding="utf-8")
    return overlays


def golden(name: str) -> str:
    """A committed render, with digests that kubectl would take."""
    return (GOLDEN / f"{name}.yaml").read_text(encoding="utf-8").replace("sha256:DIGEST", made_up_digest("golden"))


def golden_objects(name: str) -> list[Object]:
    """The objects of a committed render, a new copy each time."""
    return copy.deepcopy(_parsed(name))


def folder_of(name: str, overlays: Path) -> Path:
    """Where one of `NAMES` is, beside the folder that `write_overlays` gave."""
    return overlays.parents[1] / ARGOCD[name] if name in ARGOCD else overlays / name


def delivered() -> Rendered:
    """What Argo CD is given, with all that its Applications bring, as it is committed."""
    names = {path: name for name, path in ARGOCD.items()}
    return with_sources(golden_objects("argocd"), lambda path: golden_objects(names.get(path, path.rpartition("/")[2])))


@cache
def _parsed(name: str) -> list[Object]:
    return objects_of(golden(name))


def comparable(text: str) -> dict[str, Object]:
    """A render by its objects: neither their order nor digests count."""
    objects = objects_of(_DIGEST.sub("sha256:DIGEST", text))
    return {f"{one['apiVersion']} {title(one)}": one for one in objects}


def _alone(name: str, place: dict[str, str]) -> Object:
    values = {
        "namespace": f"silencio-{name}",
        "bundle": "s3://silencio-bundles/initial/",
        "gateway": "envoy-gateway-system",
        "monitoring": "monitoring",
        "platform": "silencio-platform",
        **place,
    }
    by_tag = [{"op": "add", "path": "/metadata/labels/silencio.io~1images", "value": "by-tag"}]
    return {
        "resources": ["../../base"],
        "configMapGenerator": [
            {"name": "silencio-place", "literals": [f"{key}={value}" for key, value in values.items()]}
        ],
        "generatorOptions": {"disableNameSuffixHash": True},
        "components": [f"../../components/{'release' if name == OPERATOR else name}", "../../components/place"],
        "patches": [{"target": {"kind": "Namespace"}, "patch": yaml.safe_dump(by_tag)}],
    }


def main() -> None:
    """Write the committed renders anew."""
    GOLDEN.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        overlays = write_overlays(Path(folder))
        for name in NAMES:
            text = _DIGEST.sub("sha256:DIGEST", rendered_text(folder_of(name, overlays)))
            (GOLDEN / f"{name}.yaml").write_text(text, encoding="utf-8")
    (GOLDEN / f"{RESTORE}.yaml").write_text(rendered_text(MANIFESTS / RESTORE), encoding="utf-8")


if __name__ == "__main__":
    main()
