"""Recordings that were really served: sent by clients of each device, answered, read back from the prediction log."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from benchmarks.month.scenes import Scene, Scenes
from benchmarks.month.story import PARTS, SITES, Condition, Part, moments
from serving.client import Client
from serving.local import LocalServers, local_servers
from silencio.bundle.graph import OUTPUT
from silencio.bundle.manifest import GRAPH, PARITY, read_manifest
from silencio.bundle.parity import Parity
from silencio.errors import ServingError
from silencio.export.bundle import write_manifest
from silencio.prediction_log import RecordingFacts, WindowRecord, read_log

_SITE_OF = {device: site for site in SITES for device in site.devices}
_N_CLIENTS = 3
# So long a row may wait in the log's memory.
_FLUSH_S = 2.0
Key = tuple[Condition, str, Part]


@dataclass(frozen=True)
class ServedRecording:
    """A recording with its rows.

    Attributes:
        code: What is in it; empty where nothing is.
        rows: One a window.
    """

    code: str
    rows: tuple[WindowRecord, ...]


Served = Mapping[Key, Sequence[ServedRecording]]


@contextmanager
def serving(bundle: Path, log: Path) -> Iterator[LocalServers]:
    """Both servers of a bundle, with the prediction log on.

    Args:
        bundle: Its folder.
        log: Place of the prediction log.
    """
    options = ["--prediction_log", str(log), "--prediction_log_seconds", f"{_FLUSH_S:g}"]
    with local_servers(bundle, transformer_options=options) as servers:
        yield servers


def shuffled_bundle(bundle: Path, folder: Path) -> Path:
    """The same bundle with every answer under the next species' name, as a faulty export writes it.

    Its parity clips are of the same export: the loader, which refuses another order of the class list, takes it.

    Args:
        bundle: The folder of the one that is right; its version stays.
        folder: Gets the broken one.
    """
    shutil.copytree(bundle, folder)
    manifest = read_manifest(folder)
    order = np.roll(np.arange(len(manifest.classes)), 1)
    model = onnx.load(str(folder / GRAPH))
    (last,) = (node for node in model.graph.node if OUTPUT in node.output)
    last.output[list(last.output).index(OUTPUT)] = "in_order"
    model.graph.initializer.append(numpy_helper.from_array(order.astype(np.int64), "another_order"))
    model.graph.node.append(helper.make_node("Gather", ["in_order", "another_order"], [OUTPUT], axis=1))
    onnx.save(model, str(folder / GRAPH))
    parity = Parity.load(folder / PARITY)
    clips = tuple(replace(one, probabilities=one.probabilities[:, order]) for one in parity.clips)
    replace(parity, clips=clips).save(folder / PARITY)
    write_manifest(manifest, folder)
    return folder


def serve_scenes(
    servers: LocalServers,
    log: Path,
    scenes: Scenes,
    cells: Sequence[tuple[Condition, str]],
    n_per_cell: int,
    on_progress: Callable[[str], None],
) -> Served:
    """Have the recordings of some devices answered.

    Args:
        servers: What answers.
        log: Where its rows are.
        scenes: Makes the recordings.
        cells: Conditions of devices.
        n_per_cell: Recordings of each condition, device and part of the day.
        on_progress: Told how far it is.

    Raises:
        ServingError: A recording was not answered, or its rows did not come.
    """
    keys: list[Key] = [(condition, device, part) for condition, device in cells for part in PARTS]
    began = datetime.now(UTC)
    truth: dict[str, str] = {}

    def send(key: Key) -> None:
        condition, device, part = key
        site = _SITE_OF[device]
        rng = np.random.default_rng(0)
        with Client(servers.url, 120.0) as client:
            for number, at in enumerate(moments(rng, 0, part, n_per_cell)):
                scene: Scene = scenes.make(condition, device, part, number)
                session = _session(key, number)
                client.predict(
                    scene.content,
                    latitude=site.latitude,
                    longitude=site.longitude,
                    recorded_at=at,
                    session_id=session,
                    site_id=site.site_id,
                    device_id=device,
                )
                truth[session] = scene.code

    with ThreadPoolExecutor(_N_CLIENTS) as clients:
        for n_done, _ in enumerate(clients.map(send, keys), 1):
            if n_done % 12 == 0:
                on_progress(f"{n_done * n_per_cell} of {len(keys) * n_per_cell} recordings served")
    return _rows(log, began, keys, truth, n_per_cell)


def _session(key: Key, number: int) -> str:
    return f"{':'.join(key)}:{number}"


def _rows(log: Path, began: datetime, keys: Sequence[Key], truth: Mapping[str, str], n_per_cell: int) -> Served:
    from benchmarks.month.waiting import until

    def written() -> list[dict[str, Any]] | None:
        table = read_log(str(log), began - timedelta(minutes=1), datetime.now(UTC) + timedelta(minutes=1))
        rows: list[dict[str, Any]] = table.to_pylist()
        return rows if len({row["session_id"] for row in rows} & set(truth)) == len(truth) else None

    by_session: dict[str, list[WindowRecord]] = {}
    for row in until(written, "the rows of all recordings"):
        by_session.setdefault(row["session_id"], []).append(_record(row))
    found = {
        key: [
            ServedRecording(truth[session], tuple(sorted(by_session[session], key=lambda one: one.start_s or 0.0)))
            for number in range(n_per_cell)
            if (session := _session(key, number)) in by_session
        ]
        for key in keys
    }
    if lacking := [key for key, recordings in found.items() if len(recordings) < n_per_cell]:
        raise ServingError(f"the log lacks recordings of {lacking[0]}")
    return found


_FACTS = [one.name for one in fields(RecordingFacts)]
_OWN = [one.name for one in fields(WindowRecord) if one.name not in ("facts", "audio")]


def _record(row: Mapping[str, Any]) -> WindowRecord:
    """A row of the log as what wrote it had it."""
    facts = RecordingFacts(**{name: row[name] for name in _FACTS} | {"notes": tuple(row["notes"] or ())})
    own = {name: row[name] for name in _OWN}
    if own["probabilities"] is not None:
        own["probabilities"] = np.asarray(own["probabilities"], np.float16)
    audio = {
        name: np.asarray(value, np.float32) if isinstance(value, list) else value
        for name, value in row.items()
        if value is not None and name not in _FACTS and name not in _OWN
    }
    return WindowRecord(facts=facts, audio=audio, **own)
