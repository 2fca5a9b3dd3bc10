"""Recordings made up for benchmarks: single ones, tables of them, and a folder with BirdCLEF's long tail."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from numpy.typing import NDArray

# BirdCLEF-2025: 28,564 recordings of 206 species, 2 to 990 of each.
N_RECORDINGS = 28_564
N_SPECIES = 206
_MIN_RECORDINGS, _MAX_RECORDINGS = 2, 990

_CLASSES = ("Aves", "Amphibia", "Insecta", "Mammalia")
_CLIP_HZ = 32_000
_CLIP_S = 0.5


def song(duration_s: float, rate_hz: int, seed: int) -> NDArray[np.int16]:
    """Chirps in noise, int16 (n_samples,)."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    pitch_hz = rng.uniform(500, rate_hz / 5)
    chirp = np.sin(2 * np.pi * pitch_hz * time_s + 40 * np.sin(2 * np.pi * 3 * time_s))
    sound = 0.3 * chirp * (np.sin(2 * np.pi * 2 * time_s) > 0) + 0.01 * rng.standard_normal(len(time_s))
    return np.asarray(np.rint(32767 * sound), np.int16)


def write_ogg(path: Path, samples: NDArray[np.int16], rate_hz: int) -> None:
    """OGG Vorbis, a second at a time: libsndfile crashes on a long one written at once."""
    with soundfile.SoundFile(path, "w", rate_hz, 1, format="OGG", subtype="VORBIS") as file:
        for first in range(0, len(samples), rate_hz):
            file.write(samples[first : first + rate_hz])


def tail(n_recordings: int, n_species: int = N_SPECIES) -> list[int]:
    """How many recordings each species has: BirdCLEF's long tail, scaled to fewer recordings.

    Returns:
        Falling counts whose sum is `n_recordings`, the least of them 2.
    """
    excess = n_recordings - _MIN_RECORDINGS * n_species
    if excess < 0:
        raise ValueError(f"{n_recordings} recordings are too few for {n_species} species")
    max_recordings = round(_MAX_RECORDINGS * n_recordings / N_RECORDINGS * N_SPECIES / n_species)
    max_recordings = min(max(max_recordings, _MIN_RECORDINGS), _MIN_RECORDINGS + excess // 2)
    rank = 1.0 - np.arange(n_species) / max(1, n_species - 1)
    # The exponent of the fall that gives the sum.
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if ((max_recordings - _MIN_RECORDINGS) * rank**middle).sum() > excess else (low, middle)
        )
    counts = _MIN_RECORDINGS + np.floor((max_recordings - _MIN_RECORDINGS) * rank**low).astype(int)
    # What rounding took goes to the species in the middle, one each.
    for number in range(n_recordings - int(counts.sum())):
        counts[(n_species // 4 + number) % n_species] += 1
    return sorted((int(count) for count in counts), reverse=True)


def write_reserve(root: Path, n_recordings: int, n_species: int = N_SPECIES) -> Path:
    """Write half-second recordings in BirdCLEF's layout, no two alike.

    They are FLAC: encoding as many OGG files would take longer than everything that is measured.
    """
    rng = np.random.default_rng(0)
    codes = [f"sp{number:04d}" for number in range(n_species)]
    rows = []
    for number, (code, count) in enumerate(zip(codes, tail(n_recordings, n_species), strict=True)):
        (root / "train_audio" / code).mkdir(parents=True)
        call = song(_CLIP_S, _CLIP_HZ, seed=number)
        for recording in range(count):
            name = f"{code}/{code}_{recording}.flac"
            # Four bits of noise of its own: other bytes and other sound, and quickly written.
            own = call + rng.integers(-8, 8, len(call), dtype=np.int16)
            soundfile.write(root / "train_audio" / name, own, _CLIP_HZ, format="FLAC", subtype="PCM_16")
            rows.append([code, "[]", name, "somebody", f"Genus {code}", code, "CC BY 4.0"])
    write_tables(root, rows)
    return root


def part_of(reserve: Path, root: Path, n_recordings: int, n_species: int = N_SPECIES) -> Path:
    """A smaller reserve with the same tail, of the same files (linked)."""
    wanted = dict(zip((f"sp{number:04d}" for number in range(n_species)), tail(n_recordings, n_species), strict=True))
    table = pd.read_csv(reserve / "train.csv", dtype=str, keep_default_na=False)
    position = table.groupby("primary_label").cumcount()
    rows = table[position < table["primary_label"].map(wanted)]
    for name in rows["filename"]:
        (root / "train_audio" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "train_audio" / name).hardlink_to(reserve / "train_audio" / name)
    write_tables(root, rows.to_numpy().tolist())
    return root


def write_tables(root: Path, rows: list[list[str]]) -> None:
    """`train.csv` and `taxonomy.csv` of BirdCLEF's layout."""
    header = ["primary_label", "secondary_labels", "filename", "author", "scientific_name", "common_name", "license"]
    species = {row[0]: row[4] for row in rows}
    taxonomy = [
        [code, "", scientific, code, _CLASSES[number % len(_CLASSES)]]
        for number, (code, scientific) in enumerate(sorted(species.items()))
    ]
    _write_csv(root / "train.csv", [header, *rows])
    columns = ["primary_label", "inat_taxon_id", "scientific_name", "common_name", "class_name"]
    _write_csv(root / "taxonomy.csv", [columns, *taxonomy])


def _write_csv(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
