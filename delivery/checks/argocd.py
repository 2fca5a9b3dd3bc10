"""What Argo CD is told: Applications, the order of their waves, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from delivery.argocd import HOOK, OPTIONS, children_of, everything, path_of, project_of, wave_of
from delivery.checks.network import reached_services
from delivery.given import API_GROUPS, CLUSTER_KINDS, CONTROLLERS
from delivery.render import Object
from delivery.rendered import Rendered, name_of, namespace_of, title
from serving.canary.kserve.predictors import WRITTEN_FIELDS

_SERVER = "https://kubernetes.default.svc"
# What is lost with them.
_KEPT = ("Namespace", "PersistentVolumeClaim")


def projects(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Each Application has a project that takes its source, its namespace, and all that its path brings."""
    for one in rendered.of_kind("Application"):
        project = project_of(rendered, one)
        if project is None:
            yield title(one), f"there is no project {one['spec'].get('project')!r}"
            continue
        spec, source = project["spec"], one["spec"].get("source") or {}
        if source.get("repoURL") not in spec.get("sourceRepos", ()):
            yield title(one), f"its project does not take the source {source.get('repoURL')!r}"
        if not source.get("targetRevision"):
            yield title(one), "names no targetRevision: what it applies would be whatever is there"
        spaces = {each["namespace"] for each in spec.get("destinations", ()) if each.get("server") == _SERVER}
        objects = rendered.sources.get(path_of(one), ())
        wanted = {namespace_of(each) for each in objects if each.get("kind") not in CLUSTER_KINDS}
        for space in sorted({(one["spec"].get("destination") or {}).get("namespace", ""), *wanted} - spaces):
            yield title(one), f"its project does not let it into the namespace {space!r}"
        kinds = {(each["group"], each["kind"]) for each in spec.get("clusterResourceWhitelist", ())}
        for each in objects:
            group = str(each.get("apiVersion")).rpartition("/")[0]
            if each.get("kind") in CLUSTER_KINDS and (group, each["kind"]) not in kinds:
                yield title(one), f"its project does not let it make {title(each)}"


def waves(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """What an Application needs is of an earlier wave, or given: kinds of operators, Services that its pods reach."""
    children = list(children_of(rendered))
    charts = {str((one["spec"].get("source") or {}).get("chart", "")): one for one, _ in children}
    for one, objects in children:
        for each in [one, *objects]:
            if wave_of(each) is None:
                yield title(one), f"the wave of {title(each)} is no number"
        for group in sorted({str(each.get("apiVersion")).partition("/")[0] for each in objects}):
            chart = charts.get(CONTROLLERS.get(group, "none"))
            if chart is not None and not _is_before(chart, one):
                yield title(one), f"has objects of {group}, and {title(chart)} is of no earlier wave"
            if chart is None and group not in API_GROUPS and _is_of_an_operator(group):
                yield title(one), f"has objects of {group}, which nothing brings: none of its objects would be applied"
        for owner, (server, service) in _reached(rendered, children, objects):
            where = f"{owner} reaches {title(service)}"
            if server is not one and not _is_before(server, one):
                yield title(one), f"{where} of {title(server)}, which is of no earlier wave"
            if server is one and not _is_served_before(objects, service, owner):
                yield title(one), f"{where}, whose pods are of no earlier wave than it"


def _reached(
    rendered: Rendered, children: list[tuple[Object, Sequence[Object]]], objects: Sequence[Object]
) -> Iterator[tuple[str, tuple[Object, Object]]]:
    """Owners of pods, each with a Service that the pod reaches and the Application that brings it."""
    services = {
        (namespace_of(each), name_of(each)): (one, each)
        for one, brought in children
        for each in brought
        if each.get("kind") == "Service"
    }
    whole = everything(rendered)
    for pod in Rendered(objects).pods:
        if pod.owner.startswith("CronJob"):
            continue  # it begins by the clock
        for place in sorted(set(reached_services(whole, pod)) & services.keys()):
            yield pod.owner, services[place]


def _is_of_an_operator(group: str) -> bool:
    return "." in group and not group.endswith(".k8s.io")


def _is_before(first: Object, second: Object) -> bool:
    before, after = wave_of(first), wave_of(second)
    return before is not None and after is not None and before < after


def _is_served_before(objects: Sequence[Object], service: Object, owner: str) -> bool:
    """Whether the pods of a Service are of an earlier wave than another pod of the same Application."""
    by_owner = {f"{one.get('kind')} {name_of(one)}": wave_of(one) or 0 for one in objects}
    selector = {"matchLabels": service["spec"].get("selector") or {}}
    pods = Rendered(objects).selected(namespace_of(service), selector)
    return all(by_owner[one.owner] < by_owner[owner] for one in pods if not one.is_made_by_others)


def owned_fields(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Of an InferenceService Argo CD leaves alone what releases write, and nothing else, when it applies it, too."""
    for one, objects in children_of(rendered):
        services = [each for each in objects if each.get("kind") == "InferenceService"]
        options = (one["spec"].get("syncPolicy") or {}).get("syncOptions") or ()
        if services and "RespectIgnoreDifferences=true" not in options:
            yield title(one), "has no RespectIgnoreDifferences=true: each sync would take a release back"
        ignored = [
            each for each in one["spec"].get("ignoreDifferences") or () if each.get("kind") == "InferenceService"
        ]
        for service in services:
            pointers = {
                pointer
                for each in ignored
                if each.get("name", name_of(service)) == name_of(service)
                for pointer in each.get("jsonPointers") or ()
            }
            for pointer in sorted(set(WRITTEN_FIELDS) - pointers):
                yield title(one), f"{pointer} of {title(service)} is written by releases, and Git would take it back"
            for pointer in sorted(pointers - set(WRITTEN_FIELDS)):
                yield title(one), f"{pointer} of {title(service)} is ignored, and no release writes it: Git could not"


def applied(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Applications are applied on the server's side, come back after a failure, and none goes with a line of Git."""
    children = {title(each) for objects in rendered.sources.values() for each in objects}
    for one in rendered.of_kind("Application"):
        policy = one["spec"].get("syncPolicy") or {}
        if "ServerSideApply=true" not in (policy.get("syncOptions") or ()):
            yield title(one), "has no ServerSideApply=true: large CRDs do not fit into an annotation"
        retry = policy.get("retry") or {}
        if not policy.get("automated") or retry.get("limit") != -1:
            yield title(one), "is not synced by itself, with retries without end: the next wave would wait for ever"
        elif not retry.get("refresh"):
            yield title(one), "has no retry.refresh: a commit that is mended would be tried again as it was"
        if title(one) in children and "Prune=false" not in _options_of(one):
            yield title(one), f"has no {OPTIONS}: Prune=false: all that it applied would go with a line of Git"


def kept(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Argo CD deletes neither namespaces nor volume claims: data would go with them."""
    for one in rendered.of_kind(*_KEPT):
        options = _options_of(one)
        for option in ("Prune=false", "Delete=false"):
            if option not in options and HOOK not in (one["metadata"].get("annotations") or {}):
                yield title(one), f"its {OPTIONS} lack {option}"


def _options_of(one: Object) -> list[str]:
    text = ((one.get("metadata") or {}).get("annotations") or {}).get(OPTIONS, "")
    return [option.strip() for option in str(text).split(",")]
