"""The shipped Role and what a release asks an API server for: neither more nor less."""

from __future__ import annotations

from collections.abc import Callable

import yaml

from serving.canary.kserve.requests import ConfigMapRequests
from serving.canary.requests import Request
from tests.serving.canary.kserve.stage import MODES, NAME, ROLE, Mode, Stage, record, verbs_of_role

SETTINGS = ROLE.with_name("kserve-settings.yaml")


def _everything(stage: Stage) -> set[tuple[str, str, str]]:
    """Asked for by a release that is promoted, with its record, its requests and its health."""
    store, requests = stage.store(), ConfigMapRequests(stage.cluster(), NAME)
    with store.lease("judge") as token:
        saved = store.save(record(), fencing_token=token)
        store.save(saved, fencing_token=token)
    request = Request(command="pause", by="somebody", release_id="release-13", written_at="2026-11-30T06:00:00Z")
    requests.put(request)
    requests.remove(request)
    stage.route().check(record())
    stage.route().health()
    stage.baking()
    stage.route().roll_back(record())
    stage.settle()
    stage.retire()
    return set(stage.api.log)


def test_role__allows_what_is_asked_for_and_nothing_else(staged: Callable[[Mode], Stage]) -> None:
    requested: set[tuple[str, str, str]] = set().union(*(_everything(staged(mode)) for mode in MODES))
    in_namespace = {(verb, resource) for verb, resource, namespace in requested if namespace != "kserve"}
    assert in_namespace == verbs_of_role()


def test_role__of_kserves_settings_allows_the_one_read(staged: Callable[[Mode], Stage]) -> None:
    requested: set[tuple[str, str, str]] = set().union(*(_everything(staged(mode)) for mode in MODES))
    role, binding = yaml.safe_load_all(SETTINGS.read_text(encoding="utf-8"))
    (rule,) = role["rules"]
    assert {(verb, resource) for verb, resource, namespace in requested if namespace == "kserve"} == {
        ("get", "configmaps")
    }
    assert (rule["verbs"], rule["resources"]) == (["get"], ["configmaps"])
    assert rule["resourceNames"] == ["inferenceservice-config"]
    assert role["metadata"]["namespace"] == binding["metadata"]["namespace"] == "kserve"
