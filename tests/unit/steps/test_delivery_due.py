"""delivery_due and record_delivery: a bundle is delivered once with the same recordings, and by hand whenever."""

from __future__ import annotations

from pathlib import Path

import pytest

from silencio.errors import ConfigError, ReleaseError
from silencio.release.deliveries import FOLDER
from silencio.steps import delivery_due, record_delivery
from tests.unit.steps.delivered import sealed_bundle


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("bundles")
    return sealed_bundle(folder / "champion"), sealed_bundle(folder / "challenger", seed=1)


def due(
    bundles: tuple[Path, Path], packages: Path | str, recordings_version: str = "r1", trigger: str = "new"
) -> tuple[bool, str]:
    inputs = delivery_due.Inputs(trigger, *bundles, recordings_version, str(packages))
    page = bundles[0].with_name("page")
    return delivery_due.run(inputs, delivery_due.Outputs(page)), page.read_text().strip()


def note(bundles: tuple[Path, Path], packages: Path, recordings_version: str = "r1") -> None:
    inputs = record_delivery.Inputs(bundles[1], recordings_version, str(packages), "s3://bundles/13/", "release-13")
    assert "was offered by release release-13" in record_delivery.run(inputs)


def test_new_bundle__is_due_until_it_was_offered(bundles: tuple[Path, Path], tmp_path: Path) -> None:
    assert due(bundles, tmp_path) == (True, "bundle 0-placeholder was never held against these recordings")
    note(bundles, tmp_path)
    is_due, why = due(bundles, tmp_path)
    assert not is_due and "was offered on" in why and why.endswith("release release-13")


def test_changed_recordings__make_the_same_bundle_due_again(bundles: tuple[Path, Path], tmp_path: Path) -> None:
    note(bundles, tmp_path)
    assert due(bundles, tmp_path, "r2")[0]
    assert not due(bundles, tmp_path, "r1")[0]


def test_another_bundle__is_due_beside_one_that_was_offered(bundles: tuple[Path, Path], tmp_path: Path) -> None:
    note(bundles, tmp_path / "packages")
    other = sealed_bundle(tmp_path / "other", seed=2)
    assert due((bundles[0], other), tmp_path / "packages")[0]


def test_hand__delivers_what_was_offered_before(bundles: tuple[Path, Path], tmp_path: Path) -> None:
    note(bundles, tmp_path)
    assert due(bundles, tmp_path, trigger="by hand") == (True, "bundle 0-placeholder is delivered by hand")


def test_champion__is_not_delivered_again_by_itself(bundles: tuple[Path, Path], tmp_path: Path) -> None:
    is_due, why = due((bundles[0], bundles[0]), tmp_path)
    assert not is_due and "is the champion" in why


@pytest.mark.parametrize(
    ("trigger", "packages", "message"),
    [("daily", "packages", "trigger 'daily' is not known"), ("new", "", "packages is empty")],
)
def test_arguments__that_name_nothing_are_refused(
    bundles: tuple[Path, Path], trigger: str, packages: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        due(bundles, packages, trigger=trigger)


def test_note__that_is_broken_is_one_sentence(bundles: tuple[Path, Path], tmp_path: Path) -> None:
    note(bundles, tmp_path)
    (written,) = (tmp_path / FOLDER).iterdir()
    written.write_text('{"outcome": "perhaps"}')
    with pytest.raises(ReleaseError, match="is no delivery of ours: move it away"):
        due(bundles, tmp_path)
