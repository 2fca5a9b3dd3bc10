"""deploy_staging: the staging environment gets the bundle over the Kubernetes API, and answers as clients need it.

The API server is scripted; what answers at its address is the real serving pair.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from serving.canary.kserve.predictors import bundle_place, identity_of
from serving.canary.steps.deploy_staging import Inputs, run
from serving.client import Client
from serving.local.servers import local_servers
from silencio.bundle.manifest import PARITY, read_manifest
from silencio.bundle.parity import Parity
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.errors import ConfigError, ReleaseError, ReleaseRefusedError, RouteError
from silencio.release.deliveries import delivery_of
from tests.serving.canary.kserve.stage import NAMESPACE, Stage, record
from tests.waiting import HANG_S

STAGING = f"kserve:{NAMESPACE}/silencio"
URI = "s3://bundles/placeholder-0123/"


class Clock:
    """Time that passes only while the step waits; the controllers work meanwhile."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._now_s = stage, 0.0

    def now_s(self) -> float:
        return self._now_s

    def wait(self, seconds: float) -> None:
        self._now_s += seconds
        self._stage.settle()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_placeholder_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def url(bundle: Path) -> Iterator[str]:
    with local_servers(bundle, start_timeout_s=HANG_S) as servers:
        yield servers.url


def inputs(stage: Stage, url: str, bundle: Path, **changes: Any) -> Inputs:
    given: dict[str, Any] = {"staging": STAGING, "url": url, "bundle": bundle, "uri": URI, "clock": Clock(stage)}
    given |= {"production": "kserve:elsewhere/silencio", "recordings_version": "r1"}
    given["packages"] = str(bundle.parent / "packages")
    return Inputs(**{**given, "connect": lambda namespace: stage.cluster(), **changes})


def test_environment__serves_the_bundle_and_is_asked(stage: Stage, url: str, bundle: Path) -> None:
    before = stage.predictor
    assert run(inputs(stage, url, bundle)) == f"{STAGING} serves bundle 0-placeholder with its numbers"
    assert bundle_place(stage.predictor) == URI
    # Both containers are still there, and nothing but the place and the names of the bundle is another.
    (changed,) = [one for one in stage.predictor["containers"] if one not in before["containers"]]
    assert changed["name"] == "kserve-container" and len(stage.predictor["containers"]) == 2
    named = ("containers", "labels", "annotations")
    assert {key: value for key, value in stage.predictor.items() if key not in named} == {
        key: value for key, value in before.items() if key not in named
    }
    # By which a bootstrap leaves it alone, and a release knows what serves.
    assert identity_of(stage.predictor, None) == read_manifest(bundle).manifest_sha256


def test_environment__that_serves_it_already_is_only_asked(standard: Stage, url: str, bundle: Path) -> None:
    run(inputs(standard, url, bundle))
    version = standard.service["metadata"]["resourceVersion"]
    run(inputs(standard, url, bundle))
    assert standard.service["metadata"]["resourceVersion"] == version


def test_release__that_is_on_its_way_there_is_not_disturbed(stage: Stage, url: str, bundle: Path) -> None:
    stage.at(25)
    before = stage.service["spec"]
    with pytest.raises(ReleaseError, match=f"a release is on its way in {NAMESPACE}/silencio: wait for its end"):
        run(inputs(stage, url, bundle))
    assert stage.service["spec"] == before


def test_release__that_has_begun_and_offered_nothing_yet_is_not_disturbed(
    standard: Stage, url: str, bundle: Path
) -> None:
    store = standard.store()
    with store.lease("a judge") as token:
        store.save(record(), fencing_token=token)
    before = standard.service["spec"]
    with pytest.raises(ReleaseError, match="a release is on its way"):
        run(inputs(standard, url, bundle))
    assert standard.service["spec"] == before


def test_production__is_never_taken_for_staging(standard: Stage, url: str, bundle: Path) -> None:
    before = standard.service
    with pytest.raises(ConfigError, match=f"staging and place are both {STAGING}: all visitors would get"):
        run(inputs(standard, url, bundle, production=STAGING))
    assert standard.service == before


def test_key__that_would_go_in_clear_is_refused_before_anything_is_changed(
    standard: Stage, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SILENCIO_API_KEY", "k" * 32)
    before = standard.service
    with pytest.raises(ConfigError, match="in clear"):
        run(inputs(standard, "http://staging.example.org", bundle))
    assert standard.service == before


def test_numbers__that_are_others_refuse_the_bundle_and_are_noted(standard: Stage, url: str, tmp_path: Path) -> None:
    """What was handed on says other numbers than the bundle that staging serves under the same name gives."""
    bundle = write_placeholder_bundle(tmp_path / "bundle")
    parity = Parity.load(bundle / PARITY)
    shifted = [replace(clip, probabilities=np.clip(clip.probabilities + 0.2, 0, 1)) for clip in parity.clips]
    replace(parity, clips=tuple(shifted)).save(bundle / PARITY)
    with pytest.raises(ReleaseRefusedError, match="staging gives other numbers than bundle 0-placeholder had"):
        run(inputs(standard, url, bundle))
    noted = delivery_of(str(tmp_path / "packages"), read_manifest(bundle).manifest_sha256, "r1")
    assert noted is not None and noted.outcome == "refused"


def test_pods__of_the_former_bundle_that_answer_for_a_while_are_waited_out(
    standard: Stage, url: str, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every other request meets one of them until the rollout is over."""
    post, n_sent = Client.post, itertools.count()

    def by_turns(self: Client, *arguments: Any, **options: Any) -> httpx.Response:
        if 0 < next(n_sent) < 3:
            return httpx.Response(404, json={"error": "unknown model"})
        return post(self, *arguments, **options)

    monkeypatch.setattr(Client, "post", by_turns)
    assert run(inputs(standard, url, bundle)).endswith("with its numbers")


def test_pods__of_another_bundle_are_not_taken_for_it(standard: Stage, url: str, tmp_path: Path, bundle: Path) -> None:
    other = write_placeholder_bundle(tmp_path / "other", seed=1)
    with pytest.raises(ReleaseError, match=r"staging does not serve s3://\S+ after 20 s \(\S+ answers 404 for this"):
        run(inputs(standard, url, other, max_wait_s=20.0))


def test_pods__that_never_become_ready_are_told_with_kserve_s_words(standard: Stage, url: str, bundle: Path) -> None:
    pulled = {"type": "Ready", "status": "False", "message": "the image cannot be pulled"}
    standard.edit({"status": {"conditions": [pulled]}})
    standard.controllers.settle = lambda: None  # type: ignore[method-assign]
    with pytest.raises(ReleaseError, match=r"staging does not serve .* \(Ready is False: the image cannot be pulled\)"):
        run(inputs(standard, url, bundle, max_wait_s=20.0))


def test_place__that_is_not_there_is_named(standard: Stage, url: str, bundle: Path) -> None:
    with pytest.raises(RouteError, match="there is no InferenceService other"):
        run(inputs(standard, url, bundle, staging=f"kserve:{NAMESPACE}/other"))
    with pytest.raises(ConfigError, match="staging 'silencio': give kserve:NAMESPACE/NAME"):
        run(inputs(standard, url, bundle, staging="silencio"))
    with pytest.raises(ConfigError, match="staging_url is empty"):
        run(inputs(standard, "", bundle))


def test_environment__that_is_not_named_is_passed_by(standard: Stage, bundle: Path) -> None:
    before = standard.service
    assert "no staging environment is named" in run(inputs(standard, "", bundle, staging=""))
    assert standard.service == before
