"""delivery_due and record_delivery: a bundle is delivered once with the same recordings, and again by hand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from serving.canary.steps.delivery_due import Inputs, Outputs, run
from serving.canary.steps.release_place import ReleasePlace
from silencio.bundle.manifest import read_manifest
from silencio.errors import ConfigError, ReleaseError, ReleaseRefusedError
from silencio.release.deliveries import FOLDER
from silencio.release.policy import ReleasePolicy
from silencio.release.record import BundleIdentity, ReleaseRecord
from silencio.steps import record_delivery
from tests.serving.canary.delivered import sealed_bundle


class Deliveries:
    """A champion and a challenger, and a place with its last release.

    Attributes:
        champion: Folder of the champion.
        challenger: Folder of the challenger.
        packages: Where deliveries are noted.
        last: The last release; None: there was none.
    """

    def __init__(self, folder: Path) -> None:
        self.champion = sealed_bundle(folder / "champion")
        self.challenger = sealed_bundle(folder / "challenger", seed=1)
        self.packages = folder / "packages"
        self.last: ReleaseRecord | None = None
        self._page = folder / "page"

    def due(self, recordings_version: str = "r1", trigger: str = "new", **changes: Any) -> bool:
        found = ReleasePlace(store=cast(Any, SimpleNamespace(load=lambda: self.last)), route=cast(Any, None))
        given: dict[str, Any] = {"champion": self.champion, "challenger": self.challenger, "place": "", "found": found}
        given |= {"trigger": trigger, "recordings_version": recordings_version, "packages": str(self.packages)}
        return run(Inputs(**{**given, **changes}), Outputs(self._page))

    @property
    def why(self) -> str:
        return self._page.read_text().strip()

    def note(self) -> None:
        inputs = record_delivery.Inputs(self.challenger, "r1", str(self.packages), "s3://bundles/13/", "release-13")
        assert "was offered by release release-13" in record_delivery.run(inputs)

    def released(self, bundle: Path, state: Any) -> None:
        one = BundleIdentity(version="13", manifest_sha256=read_manifest(bundle).manifest_sha256, place="")
        policy = ReleasePolicy.shipped().model_dump(mode="json")
        began_at = "2026-11-30T06:00:00.000Z"
        self.last = ReleaseRecord(
            release_id="r13", champion=one, challenger=one, policy=policy, began_at=began_at, state=state
        )


@pytest.fixture
def deliveries(tmp_path: Path) -> Deliveries:
    return Deliveries(tmp_path)


def test_new_bundle__is_due_until_it_was_offered(deliveries: Deliveries) -> None:
    assert deliveries.due()
    assert deliveries.why == "bundle 0-placeholder was never held against these recordings"
    deliveries.note()
    assert not deliveries.due()
    assert "was offered on" in deliveries.why and deliveries.why.endswith("release release-13")


def test_changed_recordings__make_the_same_bundle_due_again(deliveries: Deliveries) -> None:
    deliveries.note()
    assert deliveries.due("r2") and not deliveries.due("r1")


def test_another_bundle__is_due_beside_one_that_was_offered(deliveries: Deliveries, tmp_path: Path) -> None:
    deliveries.note()
    assert deliveries.due(challenger=sealed_bundle(tmp_path / "other", seed=2))


def test_hand__delivers_what_was_noted_before(deliveries: Deliveries) -> None:
    deliveries.note()
    assert deliveries.due(trigger="by hand")
    assert deliveries.why == "bundle 0-placeholder is delivered by hand"


def test_nothing_offered__as_after_each_promotion_is_no_failure(deliveries: Deliveries, tmp_path: Path) -> None:
    """MLflow's alias `challenger` goes with the promotion, and `fetch_champion` leaves a folder without a bundle."""
    (tmp_path / "none").mkdir()
    assert not deliveries.due(challenger=tmp_path / "none")
    assert deliveries.why.startswith("no bundle is offered")


def test_champion__that_there_is_not_is_named(deliveries: Deliveries, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(ConfigError, match="no champion serves yet"):
        deliveries.due(champion=tmp_path / "none")


def test_champion__is_not_delivered_again(deliveries: Deliveries) -> None:
    assert not deliveries.due(challenger=deliveries.champion)
    assert "is the champion" in deliveries.why


def test_release__that_is_on_its_way_is_waited_for(deliveries: Deliveries) -> None:
    deliveries.released(deliveries.champion, "step")
    assert not deliveries.due()
    assert deliveries.why == "release r13 of bundle 13 has not ended (step)"
    deliveries.released(deliveries.champion, "rolled_back")
    assert deliveries.due()


def test_release__of_this_very_bundle_begins_no_more_and_a_hand_is_told(deliveries: Deliveries) -> None:
    deliveries.released(deliveries.challenger, "rolled_back")
    assert not deliveries.due() and not deliveries.due("r2")
    with pytest.raises(ReleaseRefusedError, match=r"was of this very bundle .* `silencio release start --again`"):
        deliveries.due(trigger="by hand")


@pytest.mark.parametrize(
    ("trigger", "packages", "message"),
    [("daily", "packages", "trigger 'daily' is not known"), ("new", "", "packages is empty")],
)
def test_arguments__that_name_nothing_are_refused(
    deliveries: Deliveries, trigger: str, packages: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        deliveries.due(trigger=trigger, packages=packages)


def test_note__that_is_broken_is_one_sentence(deliveries: Deliveries) -> None:
    deliveries.note()
    (written,) = (deliveries.packages / FOLDER).iterdir()
    written.write_text('{"outcome": "perhaps"}')
    with pytest.raises(ReleaseError, match="is no delivery of ours: move it away"):
        deliveries.due()
