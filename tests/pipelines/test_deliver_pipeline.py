"""The pipeline `deliver`: its graph, and a whole delivery on this machine with a judge beside it."""

from __future__ import annotations

import json
import shutil
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.image import VERSION
from pipelines.compile import COMPILED
from pipelines.deliver import deliver_pipeline
from pipelines.local.identity import local_image, run_identity
from pipelines.local.run import run_local
from serving.canary.auto import Auto
from serving.canary.places import RELEASE_FOLDER
from silencio.bundle.manifest import read_manifest
from silencio.export.bundle import write_manifest
from silencio.release.deliveries import FOLDER
from silencio.release.policy import ReleasePolicy
from tests.serving.canary import world
from tests.serving.canary.world import Place
from tests.waiting import until

STEPS = [
    "replay",
    "check-offer",
    "integration-test",
    "package",
    "deploy-staging",
    "silencio-release",
    "record-delivery",
]


def compiled(name: str) -> dict[str, Any]:
    """The graph as it is committed."""
    return dict(next(yaml.load_all((COMPILED / f"{name}-{VERSION}.yaml").read_text(), yaml.CSafeLoader)))


def test_graph__goes_from_trigger_to_visitors_in_the_order_of_the_proofs() -> None:
    spec = compiled("deliver")
    root = spec["root"]["dag"]["tasks"]
    (condition,) = [one for one in root.values() if "triggerPolicy" in one]
    assert root["due"] is condition
    assert "delivery-due" in condition["dependentTasks"]
    due = spec["components"][condition["componentRef"]["name"]]["dag"]["tasks"]
    assert due.keys() == set(STEPS)
    after = {name: set(task.get("dependentTasks", ())) for name, task in due.items()}
    for earlier, later in pairwise(STEPS):
        assert earlier in after[later], f"{later} does not wait for {earlier}"


def test_graph__releases_by_the_nodes_of_the_pipeline_release() -> None:
    spec = compiled("deliver")
    own = compiled("release")
    nested = spec["components"]["comp-silencio-release"]["dag"]["tasks"]
    assert nested.keys() == own["root"]["dag"]["tasks"].keys()
    steps = {f"canary-{share:g}-percent" for share in ReleasePolicy.shipped().steps[1:]}
    assert steps <= nested.keys()


def _sealed(bundle: Path, folder: Path, version: str) -> Path:
    shutil.copytree(bundle, folder)
    verdict = {"passed": True, "failed_gates": [], "gates": []}
    write_manifest(read_manifest(folder).model_copy(update={"version": version, "verdict": verdict}), folder)
    return folder


@pytest.mark.survival
def test_run__delivers_a_new_bundle_once(
    tmp_path: Path, tiny_bundle: Path, tiny_source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it in processes of its own, with the real serving pair; the judge in this one, over the same folder."""
    champion, challenger = (_sealed(tiny_bundle, tmp_path / name, name) for name in ("champion", "challenger"))
    # The made-up world's visitors are counted for this bundle.
    monkeypatch.setattr(world, "NEW", read_manifest(challenger).manifest_sha256)
    place = Place(tmp_path / "state" / RELEASE_FOLDER)

    def begin_and_judge() -> None:
        """The made-up world has no splitter by which `stage` could begin: the release is there when it looks."""
        until(lambda: any((tmp_path / "packages").glob("challenger-*")))
        record = place.begin(release_id="r1")
        offered = record.challenger.model_copy(update={"manifest_sha256": world.NEW})
        with place.store.lease("test") as token:
            place.store.save(record.model_copy(update={"challenger": offered}), fencing_token=token)
        Auto(place.world()).run("judge")

    judge = threading.Thread(target=begin_and_judge, daemon=True)
    judge.start()
    arguments = {
        "place": str(tmp_path / "state"),
        "packages": str(tmp_path / "packages"),
        "recordings": str(tiny_source),
        "champion": str(champion),
        "challenger": str(challenger),
    }
    identity = run_identity(local_image())
    run_local(deliver_pipeline(), arguments, identity, tmp_path / "out", {"why": "why.md"})
    judge.join()
    assert "was never held against these recordings" in (tmp_path / "out" / "why.md").read_text()
    (packaged,) = (tmp_path / "packages").glob("challenger-*")
    assert read_manifest(packaged).manifest_sha256 == world.NEW
    (noted,) = ((tmp_path / "packages") / FOLDER).iterdir()
    assert json.loads(noted.read_bytes())["why"] == "release r1"
    # As a recurring run finds it the next day.
    again = run_local(deliver_pipeline(), arguments, run_identity(local_image()), tmp_path / "again", {"why": "why.md"})
    assert "release r1 was of this very bundle" in (tmp_path / "again" / "why.md").read_text()
    ran = {time.step for time in again.times}
    assert "delivery-due" in ran and not ran & {"replay", "package", "record-delivery"}
