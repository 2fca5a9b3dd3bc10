"""A log of May 2026 in a folder, with a bundle, places, judgements, a data set and a list of sensitive species."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from monitoring.cli.ecology import configure
from silencio.bundle.placeholder import PLACEHOLDER_CLASSES, write_placeholder_bundle
from silencio.command import command
from tests.unit.ecology.made_log import failed, recording, table

CODES = [one.code for one in PLACEHOLDER_CLASSES]
DAWN = datetime(2026, 5, 1, 10, 40, tzinfo=UTC)  # 5:40 in Bogotá
PLACES = {
    "zone": "America/Bogota",
    "seasons": {"dry": [12, 1, 2, 3], "rainy": [4, 5, 6, 7, 8, 9, 10, 11]},
    "sites": {
        "mirador": {"name": "Mirador", "trail": "North trail", "latitude": 4.61234, "longitude": -74.10123},
        "rio": {"name": "Río", "latitude": 4.71, "longitude": -74.12},
    },
}
DATASET = {
    "title": "Sounds of a reserve",
    "abstract": "Species that a model detected, & some that people confirmed <by ear>.",
    "license": "CC-BY-4.0",
    "rights_holder": "A reserve",
    "creator": {"organization": "A reserve", "given_name": "Ana", "surname": "Gómez", "email": "ana@example.org"},
    "geographic_description": "A reserve",
    "country_code": "CO",
    "precision": 0.01,
}
# The log's bundle is the one whose class list and thresholds are given.
VERSION = "0-placeholder"


@dataclass(frozen=True)
class Place:
    """Files of a test.

    Attributes:
        root: Folder of all.
        log: Folder of the log.
    """

    root: Path
    log: Path

    @property
    def bundle(self) -> Path:
        return self.root / "bundle"

    def options(self, *more: object) -> list[str]:
        """Options that every command shares, and more."""
        shared = ["--log", self.log, "--month", "2026-05", "--places", self.root / "places.yaml"]
        return [str(one) for one in (*shared, *more)]

    def write(self, name: str, values: object) -> Path:
        """A YAML file, or one of JSON's lines."""
        path = self.root / name
        if name.endswith(".jsonl"):
            lines = values if isinstance(values, list) else [values]
            path.write_text("".join(f"{json.dumps(one)}\n" for one in lines), encoding="utf-8")
        else:
            path.write_text(yaml.safe_dump(values), encoding="utf-8")
        return path


def write_log(folder: Path, rows: pa.Table, day: str = "2026-05-01") -> None:
    (folder / f"date={day}").mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, folder / f"date={day}" / f"{len(list(folder.rglob('*.parquet')))}.parquet")


def made_place(root: Path) -> Place:
    """Twelve walks at two sites, and a recorder at the first one."""
    place = Place(root, root / "log")
    for i in range(12):
        at = DAWN + timedelta(days=i)
        rows = [*_walk(i, at), *_recorder(i, at + timedelta(hours=14))]
        write_log(place.log, table(rows), f"{at:%Y-%m-%d}")
    place.write("places.yaml", PLACES)
    place.write("dataset.yaml", DATASET)
    return place


def with_bundle(place: Place) -> Place:
    """With a bundle of the log's version; it is not quick to write."""
    write_placeholder_bundle(place.bundle)
    return place


def judgement(request_id: str, window: int, code: str, verdict: str, number: int = 0, **more: Any) -> dict[str, Any]:
    """A row of `silencio.feedback.JUDGEMENT_SCHEMA`."""
    return {
        "id": f"{request_id} {window} {code} {number}",
        "detection_or_window_id": f"{request_id}-0:{window}",
        "request_id": request_id,
        "window_index": window,
        "species_code": code,
        "verdict": verdict,
        "complete": False,
        "reviewer_key": "ana",
        "role": "reviewer",
        "seen_blind": False,
        "comment": "",
        "created_at": "2026-06-02T10:00:00Z",
    } | more


def run(options: Sequence[str]) -> int:
    """The command `silencio ecology` with its own way to end."""
    parser = argparse.ArgumentParser()
    configure(parser)
    parsed = parser.parse_args(options)
    return command(lambda: parsed.run(parsed))()


def _walk(i: int, at: datetime) -> list[dict[str, Any]]:
    facts = {"session_id": f"walk {i}", "site_id": "mirador" if i % 3 else "rio", "bundle_version": VERSION}
    first = recording([CODES[4]], [CODES[4], CODES[i % 3]], at=at, duration_s=60, request_id=f"walk{i}", **facts)
    second = recording([], [CODES[3]], at=at + timedelta(minutes=2), duration_s=30, request_id=f"walk{i}b", **facts)
    lost = failed(at=at + timedelta(minutes=3), **facts) if i == 0 else []
    return [*first, *second, *lost]


def _recorder(i: int, at: datetime) -> list[dict[str, Any]]:
    facts = {"site_id": "mirador", "device_id": "recorder 1", "bundle_version": VERSION}
    if i == 5:
        return []
    return recording(*([[CODES[1]]] if i % 2 else [[]]), at=at, duration_s=60, request_id=f"night{i}", **facts)
