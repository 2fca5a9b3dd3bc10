from __future__ import annotations

import csv
from pathlib import Path

import pytest

from silencio.demo.packages import PACKAGES
from silencio.demo.sources import load_demo_set


@pytest.mark.parametrize("with_widelands", [False, True])
def test_load_demo_set__rows_are_sound(with_widelands: bool) -> None:
    demo = load_demo_set(with_widelands=with_widelands)
    names = [recording.filename for recording in demo.recordings]
    assert len(set(names)) == len(names) == (98 if with_widelands else 59)
    assert len({recording.sha256 for recording in demo.recordings}) == len(names)
    assert {Path(name).suffix for name in names} == {".ogg", ".mp3", ".wav"}
    assert not any("_desc" in name for name in names)
    assert all(recording.duration_s > 0.2 for recording in demo.recordings)
    assert ("widelands-data" in {recording.package for recording in demo.recordings}) is with_widelands


def test_load_demo_set__species_names_are_one_to_one() -> None:
    species = load_demo_set(with_widelands=True).species
    assert len({entry.scientific_name for entry in species.values()}) == len(species)
    assert {entry.class_name for entry in species.values()} == {"Amphibia", "Aves", "Insecta", "Mammalia"}


def test_load_demo_set__labels_over_several_packages() -> None:
    """What an honest test needs: labels of which a whole package can be held out."""
    packages: dict[str, set[str]] = {}
    for recording in load_demo_set().recordings:
        packages.setdefault(recording.label, set()).add(recording.package)
    assert sorted(label for label, held in packages.items() if len(held) >= 3) == [
        "cat",
        "chicken",
        "cow",
        "dog",
        "duck",
        "frog",
        "horse",
        "owl",
        "sheep",
    ]


def test_train_csv__is_what_birdclef_has() -> None:
    rows = list(csv.DictReader(load_demo_set().train_csv.splitlines()))
    assert ",".join(rows[0]) == (
        "primary_label,secondary_labels,type,filename,collection,rating,url,latitude,longitude,"
        "scientific_name,common_name,author,license"
    )
    for row in rows:
        assert row["filename"].split("/")[0] == row["primary_label"]
        assert (row["secondary_labels"], row["type"]) == ("[]", "['']")
        assert row["author"] and row["license"] and row["collection"] in PACKAGES


def test_taxonomy_csv__has_the_labels_of_train_csv_and_no_others() -> None:
    demo = load_demo_set()
    lines = demo.taxonomy_csv.splitlines()
    assert lines[0] == "primary_label,inat_taxon_id,scientific_name,common_name,class_name"
    assert [line.split(",")[0] for line in lines[1:]] == sorted({recording.label for recording in demo.recordings})
