"""One reader stands behind every way in: the same file has the same windows, the same notes and the same refusal."""

from __future__ import annotations

import csv
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest

from serving.local import LocalServers
from serving.stream.consumer import Consumer, ConsumerConfig
from silencio.__main__ import main
from silencio.audio import Truncated
from silencio.data.validate import ValidationConfig, examine
from silencio.steps import batch_score
from silencio.storage.parquet import read_parquet
from tests.recorder_files import with_data_size, with_flac_total, without_ogg_end

Make = Callable[..., bytes]
ROUTE = "/v1/models/silencio:predict"


@dataclass(frozen=True)
class Outcome:
    """What became of one file: sentences about it, its length, and that of what refused it."""

    notes: list[str]
    duration_s: float
    refusal: str = ""


def _odd_files(recording: Make) -> dict[str, tuple[bytes, str]]:
    """By name: its bytes, and the kind of what is odd about it; a refusal's words where it is none."""
    wav, flac, ogg = (recording(6.0, container) for container in ("WAV", "FLAC", "OGG"))
    stereo = np.frombuffer(wav[44:], np.int16)
    inverted = np.stack([stereo, -np.maximum(stereo, -32767)], axis=1).astype("<i2").tobytes()
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(inverted), b"WAVE", b"fmt ", 16, 1, 2, 32_000, 128_000, 4, 16, b"data", len(inverted))  # noqa: E501  # fmt: skip
    return {
        "whole.ogg": (ogg, ""),
        "unwritten.wav": (with_data_size(wav, 0), "header_size"),
        "doubled.flac": (with_flac_total(flac, 2 * 192_000), "header_size"),
        "phone.ogg": (without_ogg_end(ogg), "no_end_mark"),
        "joined.ogg": (ogg + ogg, "joined"),
        "inverted.wav": (head + inverted, "channels_cancel"),
        "cut.wav": (wav[: len(wav) // 2], "truncated"),
        "cut.flac": (flac[: len(flac) // 2], "truncated"),
        "short.wav": (recording(0.05, "WAV"), "the audio is 0.05 s long, at least 0.1 s is needed"),
        "page.ogg": (b"<html>Too many requests</html>", "not audio that can be decoded (30 bytes)"),
        "memo.ogg": (b"\0\0\0\x20ftypM4A " + bytes(500), "MPEG-4 audio or video (.m4a, .mp4) is not decoded here"),
    }


def _by_check(paths: list[Path], truncated: Truncated) -> dict[str, Outcome]:
    outcomes = {}
    for path in paths:
        facts, faults = examine(path.name, str(path), ValidationConfig(truncated=truncated, clipped_share=1.0))
        sentences = [fault.detail for fault in faults]
        outcomes[path.name] = (
            Outcome([], 0.0, sentences[0]) if facts is None else Outcome(sentences, float(facts["duration_s"]))
        )
    return outcomes


def _by_predict(paths: list[Path], truncated: Truncated, backend: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Outcome]:  # noqa: E501  # fmt: skip
    main(["predict", *map(str, paths), *backend, "--format", "json", "--truncated", truncated])
    printed = capsys.readouterr()
    documents = {Path(one["file"]).name: one for one in map(json.loads, printed.out.splitlines())}
    outcomes = {
        name: Outcome([note["text"] for note in one["notes"]], one["duration_s"]) for name, one in documents.items()
    }
    message = dict(line.split(": ", 1) for line in printed.err.splitlines() if ": note: " not in line)
    return outcomes | {Path(name).name: Outcome([], 0.0, reason) for name, reason in message.items()}


def _by_endpoint(paths: list[Path], truncated: Truncated, http: httpx.Client) -> dict[str, Outcome]:
    outcomes = {}
    for path in paths:
        answer = http.post(
            f"{ROUTE}?truncated={truncated}", content=path.read_bytes(), headers={"Content-Type": "audio/ogg"}
        ).json()
        if "error" in answer:
            outcomes[path.name] = Outcome([], 0.0, answer["error"].removeprefix("body: "))
        else:
            (one,) = answer["predictions"]
            outcomes[path.name] = Outcome([note["text"] for note in one["notes"]], one["duration_s"])
    return outcomes


def _from_table(file: Path) -> dict[str, Outcome]:
    with file.open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    return {
        row["file"]: Outcome(
            row["notes"].split("; ") if row["notes"] else [], float(row["duration_s"] or 0.0), row["reason"]
        )
        for row in rows
    }


def _by_consumer(place: Path, truncated: Truncated, url: str, target: Path) -> dict[str, Outcome]:
    config = ConsumerConfig(str(place), str(target), url, every_s=0.05, settle_s=0.0, truncated=truncated)
    Consumer(config).run(once=True)
    return _from_table(target / "files.csv")


def _by_batch(paths: list[Path], truncated: Truncated, bundle: Path, target: Path) -> dict[str, Outcome]:
    target.mkdir()
    archive = pd.DataFrame({"file": [path.name for path in paths], "uri": [str(path) for path in paths], "shard": 0})
    archive.to_parquet(target / "archive")
    inputs = batch_score.Inputs(target / "archive", 0, str(bundle), 1, truncated)
    batch_score.run(inputs, batch_score.Outputs(target / "scores"))
    assert len(read_parquet(target / "archive")) == len(paths)
    return _from_table(target / "scores" / "files.csv")


@pytest.mark.parametrize("truncated", ["note", "refuse"])
def test_every_way_in__says_the_same_of_a_file(
    truncated: Truncated,
    recording: Make,
    servers: LocalServers,
    http: httpx.Client,
    bundle_directory: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    odd = _odd_files(recording)
    place = tmp_path / "in"
    place.mkdir()
    paths = [place / name for name in odd]
    for path in paths:
        path.write_bytes(odd[path.name][0])
    by_check = _by_check(paths, truncated)
    others = {
        "predict --bundle": _by_predict(paths, truncated, ["--bundle", str(bundle_directory)], capsys),
        "predict --url": _by_predict(paths, truncated, ["--url", servers.url], capsys),
        "endpoint": _by_endpoint(paths, truncated, http),
        "consumer": _by_consumer(place, truncated, servers.url, tmp_path / "results"),
        "batch": _by_batch(paths, truncated, bundle_directory, tmp_path / "batch"),
    }
    for name, (_, expected) in odd.items():
        refused = by_check[name].refusal
        if expected in ("", "header_size", "no_end_mark", "joined", "channels_cancel"):
            assert (len(by_check[name].notes), refused) == (int(bool(expected)), "")
        elif expected == "truncated":
            text = refused if truncated == "refuse" else by_check[name].notes[0]
            assert text.startswith("the file is truncated: ")
        else:
            assert refused.startswith(expected)
        for backend, outcomes in others.items():
            assert outcomes[name].notes == by_check[name].notes, (backend, name)
            assert outcomes[name].refusal == refused, (backend, name)
            assert outcomes[name].duration_s == pytest.approx(by_check[name].duration_s, abs=1e-3), (backend, name)
