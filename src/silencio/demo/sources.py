"""Which recordings the demo has: `sources.csv`, `species.csv`, and the BirdCLEF tables made of them.

What was left out of the packages, and why: spoken descriptions; horse.mp3, which libsndfile does not open; a pig that a
person voices, and Scratch's Cat, Meow and SeaLion, which YAMNet takes for people; hooves; a bird without a name; dogs
and a cricket shorter than 0.2 s; coyote_00, which is silent but for its first seconds; and what repeats another
recording, in whole (the two other goats, the second crickets, Widelands' horse_00, which is Scratch's Horse) or in
pieces (boar, cut from the pig of another package; bird5_00). Sounds were compared across all packages by
cross-correlation of their waveforms.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from silencio.demo.packages import PACKAGES

_TRAIN_COLUMNS = [
    "primary_label",
    "secondary_labels",
    "type",
    "filename",
    "collection",
    "rating",
    "url",
    "latitude",
    "longitude",
    "scientific_name",
    "common_name",
    "author",
    "license",
]
_TAXONOMY_COLUMNS = ["primary_label", "inat_taxon_id", "scientific_name", "common_name", "class_name"]


@dataclass(frozen=True, slots=True)
class Species:
    """One row of `species.csv`. A label as wide as "deer" has the name of the narrowest taxon that holds all of it."""

    label: str
    class_name: str
    scientific_name: str
    common_name: str


@dataclass(frozen=True, slots=True)
class Recording:
    """One row of `sources.csv`.

    Attributes:
        path_in_package: Path of the file; of one inside a container `path of the container:path in it`.
        sha256: SHA-256 of the file as it comes out of the package.
    """

    label: str
    package: str
    path_in_package: str
    sha256: str
    sample_rate_hz: int
    duration_s: float
    url: str
    author: str
    license: str

    @property
    def filename(self) -> str:
        """Path below `train_audio/`; the prefix keeps apart the files that two packages call `cow.ogg`."""
        return f"{self.label}/{PACKAGES[self.package].prefix}{self.path_in_package.rpartition('/')[2]}"

    @property
    def place(self) -> str:
        """Path in the folder that is laid out."""
        return f"train_audio/{self.filename}"


@dataclass(frozen=True)
class DemoSet:
    """The recordings to lay out, and the tables that go with them."""

    recordings: tuple[Recording, ...]
    species: dict[str, Species]
    name: str = "demo"

    @cached_property
    def texts(self) -> dict[str, str]:
        """The tables, by their names."""
        return {"train.csv": self.train_csv, "taxonomy.csv": self.taxonomy_csv}

    def is_own(self, path: Path) -> bool:
        """Whether a path in the folder is a recording of this or a larger or smaller demo."""
        prefixes = tuple(package.prefix for package in PACKAGES.values() if package.prefix)
        return path.match("train_audio/*/*") and path.name.startswith(prefixes)

    @cached_property
    def train_csv(self) -> str:
        """BirdCLEF's `train.csv`: thirteen columns, one row a recording."""
        return _to_csv(_TRAIN_COLUMNS, (self._train_row(recording) for recording in self.recordings))

    @cached_property
    def taxonomy_csv(self) -> str:
        """BirdCLEF's `taxonomy.csv`: the labels that have recordings."""
        present = sorted({recording.label for recording in self.recordings})
        return _to_csv(_TAXONOMY_COLUMNS, (self._taxonomy_row(label) for label in present))

    def _train_row(self, recording: Recording) -> dict[str, str]:
        species = self.species[recording.label]
        return {
            "primary_label": recording.label,
            "secondary_labels": "[]",
            "type": "['']",
            "filename": recording.filename,
            "collection": recording.package,
            "rating": "0",
            "url": recording.url,
            "latitude": "",
            "longitude": "",
            "scientific_name": species.scientific_name,
            "common_name": species.common_name,
            "author": recording.author,
            "license": recording.license,
        }

    def _taxonomy_row(self, label: str) -> dict[str, str]:
        species = self.species[label]
        return {
            "primary_label": label,
            "inat_taxon_id": "",
            "scientific_name": species.scientific_name,
            "common_name": species.common_name,
            "class_name": species.class_name,
        }


def load_demo_set(*, with_widelands: bool = False) -> DemoSet:
    """Read the tables that lie beside this module.

    Args:
        with_widelands: Also the recordings of `widelands-data`, a package of 381 MB.
    """
    recordings = [_to_recording(row) for row in _read_csv("sources.csv")]
    chosen = [r for r in recordings if with_widelands or not PACKAGES[r.package].only_on_request]
    species = {row["label"]: Species(**row) for row in _read_csv("species.csv")}
    return DemoSet(tuple(sorted(chosen, key=lambda recording: recording.filename)), species)


def _to_recording(row: dict[str, str]) -> Recording:
    sample_rate_hz, duration_s = int(row.pop("sample_rate_hz")), float(row.pop("duration_s"))
    return Recording(**row, sample_rate_hz=sample_rate_hz, duration_s=duration_s)


def _read_csv(name: str) -> list[dict[str, str]]:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def _to_csv(columns: list[str], rows: Iterable[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
