"""Which recordings the instruments are: every sample of Debian's `sonic-pi-samples`, CC0, as it comes out of it.

They lie in one folder, without a table: `ambi_choir.flac` to `vinyl_scratch.flac`, the class before the first `_`.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

PACKAGE = "sonic-pi-samples"
_FOLDER = "usr/share/sonic-pi/samples"
_FILE_NAMES = """\
pattern: '([a-z]+)_'
class_name: instrument
author: users of freesound.org, for Sonic Pi
license: CC0-1.0
"""
_CLASSES = {
    "ambi": "Ambience",
    "bass": "Bass",
    "bd": "Bass drum",
    "drum": "Drum kit",
    "elec": "Electronic percussion",
    "glitch": "Glitch",
    "guit": "Guitar",
    "loop": "Loop",
    "mehackit": "Mehackit toy",
    "misc": "Miscellaneous",
    "perc": "Percussion",
    "sn": "Snare",
    "tabla": "Tabla",
    "vinyl": "Vinyl record",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of `instruments.csv`.

    Attributes:
        file_name: File name in the package and in the folder.
        sha256: SHA-256 of its bytes.
    """

    file_name: str
    sha256: str
    package: str = PACKAGE

    @property
    def path_in_package(self) -> str:
        """Path in the package."""
        return f"{_FOLDER}/{self.file_name}"

    @property
    def place(self) -> str:
        """Path in the folder that is laid out."""
        return self.file_name


@dataclass(frozen=True)
class InstrumentSet:
    """The samples, and what says how they are labelled."""

    recordings: tuple[Sample, ...]
    name: str = "instruments"

    @cached_property
    def texts(self) -> dict[str, str]:
        """`file_names.yaml` (`silencio.data.named_files`) and `taxonomy.csv`."""
        rows = [f"{label},{name},{name},instrument" for label, name in _CLASSES.items()]
        table = "\n".join(["primary_label,scientific_name,common_name,class_name", *rows, ""])
        return {"file_names.yaml": _FILE_NAMES, "taxonomy.csv": table}

    def is_own(self, path: Path) -> bool:
        """Whether a path in the folder is one of the samples."""
        return str(path) in {recording.place for recording in self.recordings}


def load_instrument_set() -> InstrumentSet:
    """Read the table that lies beside this module."""
    text = files(__package__).joinpath("instruments.csv").read_text(encoding="utf-8")
    return InstrumentSet(tuple(Sample(**row) for row in csv.DictReader(io.StringIO(text))))
