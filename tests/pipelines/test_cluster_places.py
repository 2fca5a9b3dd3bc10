"""What is known of a place before a run is sent: `test_submit` holds what is refused."""

import pytest

from pipelines.cluster_places import check_read, check_recordings, names_claim, need_claim
from silencio.config import preset_names, preset_text, resolve
from silencio.errors import ConfigError


@pytest.mark.parametrize(
    "place",
    [
        *("/data", "/data/", "/data//2026", "/data/2026/all recordings.csv", "/data/a/../b"),
        *("s3://b.1_2-C", "s3://recordings/", "s3://recordings/\u00c4rzte/2026", "s3://recordings/all.csv"),
    ],
)
def test_place__that_pods_may_see_is_not_refused(place: str) -> None:
    check_recordings(place)
    check_read("--previous", place)


def test_zip__is_read_from_the_claim_and_not_from_s3() -> None:
    check_recordings("/data/birdclef-2025.zip")
    with pytest.raises(ConfigError, match=r"^--data 's3://recordings/birdclef-2025.zip': a zip is read from a disk"):
        check_recordings("s3://recordings/birdclef-2025.zip")


def test_recordings__that_are_fetched_need_no_place() -> None:
    check_recordings("demo")
    check_recordings("instruments")


@pytest.mark.parametrize(
    ("data", "bundles", "wanted"),
    [
        ("/data", [], True),
        ("/data/2026", [], True),
        ("s3://recordings/data", [], False),
        ("demo", [], False),
        ("s3://recordings", ["s3://bundles/1", "none"], False),
        ("s3://recordings", ["/data/bundles/1"], True),
        ("s3://recordings/all.csv", [], True),  # a manifest names files anywhere
        ("s3://recordings/all.parquet", [], True),
    ],
)
def test_claim__is_needed_where_anything_may_lie_on_it(data: str, bundles: list[str], wanted: bool) -> None:
    assert need_claim(data, bundles, {"heads": {"texture": {"epochs": 3}}}) is wanted


@pytest.mark.parametrize(
    ("weights", "wanted"), [("/data/lite0.pth", True), ("/database/lite0.pth", False), ("package", False)]
)
def test_claim__is_needed_for_files_that_the_configuration_names(weights: str, wanted: bool) -> None:
    assert need_claim("s3://recordings", [], {"heads": {"a": {"weights": weights}}, "more": [1, None]}) is wanted


def test_claim__is_named_by_the_preset_that_needs_it() -> None:
    named = {name for name in preset_names() if names_claim(resolve(preset_text(name)).model_dump(mode="json"))}
    assert named == {"birdclef"}
