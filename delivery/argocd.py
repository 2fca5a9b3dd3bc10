"""Applications of Argo CD, and what the paths that they name would bring to a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from delivery.render import Object
from delivery.rendered import Rendered, name_of
from silencio.errors import ConfigError

WAVE = "argocd.argoproj.io/sync-wave"
HOOK = "argocd.argoproj.io/hook"
OPTIONS = "argocd.argoproj.io/sync-options"
# Of an Application whose source is this repository: the others' are charts.
OURS = {"silencio.io/source": "git"}


def with_sources(objects: Sequence[Object], render: Callable[[str], Sequence[Object]]) -> Rendered:
    """Objects with those Applications that others of them bring, and what each path of this repository renders to.

    Args:
        objects: As rendered.
        render: Objects of a path of the repository.

    Raises:
        ConfigError: A path cannot be rendered.
    """
    found, sources = list(objects), dict[str, Sequence[Object]]()
    # `found` grows on the way: an Application may bring others.
    for one in found:
        path = path_of(one)
        if path and path not in sources:
            sources[path] = render(path)
            found += [each for each in sources[path] if each.get("kind") in ("Application", "AppProject")]
    return replace(Rendered(found), sources=sources)


def path_of(application: Object) -> str:
    """The path in this repository that it applies; empty: it is no Application, or a chart's."""
    labels = (application.get("metadata") or {}).get("labels") or {}
    if application.get("kind") != "Application" or not OURS.items() <= labels.items():
        return ""
    return str((application["spec"].get("source") or {}).get("path", ""))


def wave_of(one: Object) -> int | None:
    """Its sync wave; None: none is given, or no number."""
    text = str(((one.get("metadata") or {}).get("annotations") or {}).get(WAVE, "0"))
    return int(text) if text.lstrip("-").isdecimal() else None


def children_of(rendered: Rendered) -> Iterator[tuple[Object, Sequence[Object]]]:
    """Applications that apply something other than Applications, each with that; of a chart nothing is known."""
    for one in rendered.of_kind("Application"):
        objects = rendered.sources.get(path_of(one), ())
        if not any(each.get("kind") == "Application" for each in objects):
            yield one, objects


def everything(rendered: Rendered) -> Rendered:
    """All that Applications bring, together, as it is on the cluster in the end."""
    return Rendered([one for _, objects in children_of(rendered) for one in objects])


def repository_path(root: Path, path: str) -> Path:
    """A path of the repository.

    Raises:
        ConfigError: There is no such folder.
    """
    folder = (root / path).resolve()
    if not folder.is_relative_to(root.resolve()) or not (folder / "kustomization.yaml").is_file():
        raise ConfigError(f"an Application names the path {path!r}, where the repository has no kustomization.yaml")
    return folder


def project_of(rendered: Rendered, application: Object) -> Object | None:
    """Its AppProject; None: it is not there."""
    name = application["spec"].get("project")
    return next((one for one in rendered.of_kind("AppProject") if name_of(one) == name), None)
