"""A reserve of four made-up animals, small enough to train on in seconds: each sings at a pitch of its own."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import soundfile

ANIMALS = {
    "grekis": ("Pitangus sulphuratus", "Great Kiskadee", "Aves", 3000.0),
    "1139490": ("Ragoniella pulchella", "Katydid", "Insecta", 9000.0),
    "65448": ("Hypsiboas crepitans", "Emerald-eyed Treefrog", "Amphibia", 900.0),
    "41970": ("Panthera onca", "Jaguar", "Mammalia", 250.0),
}
PER_SPECIES = 5

# One epoch of small heads on mel bands that are few: the whole path, not a good model.
TINY = """
features: {sample_rate_hz: 16000, window_s: 2.0, hop_s: 2.0, n_fft: 512, hop_length: 256, n_mels: 32, f_max_hz: 8000.0}
seconds_per_shard: 30.0
heads:
  raw_cnn: {epochs: 2, batch_size: 4, widths: [4, 8], crops_per_recording: 1.0}
  effnet_lora: {epochs: 1, batch_size: 4, rank: 4}
supervisor: {kind: weighted_average}
# On four recordings one head is as good as two.
stacking: {keep_all_heads: true}
# Which graph is faster would be luck: tests of int8 switch it on.
export: {n_parity_clips: 2, quantize: {enabled: false}}
evaluation:
  n_resamples: 100
  soundscapes: {n_soundscapes: 2, duration_s: 20.0}
  failure_modes: {max_recordings: 4, background_s: 6.0}
"""
# Laid over the preset `demo`, whose second head takes time and shows no more of the path.
TINY_DEMO = TINY.replace("heads:\n", "heads:\n  texture: null\n")
# For whole runs: a network of timm's takes seconds to load and ten to export, and shows no more of the path.
TWO_SMALL_HEADS = TINY_DEMO.replace(
    "  effnet_lora: {epochs: 1, batch_size: 4, rank: 4}\n",
    "  effnet_lora: null\n"
    "  other_cnn: {kind: raw_cnn, epochs: 1, batch_size: 4, widths: [4, 8], crops_per_recording: 1.0}\n",
)


def write_source(root: Path, per_species: int = PER_SPECIES) -> Path:
    """Write recordings in BirdCLEF's layout."""
    rng = np.random.default_rng(0)
    rows = []
    for code, (scientific, common, _, pitch_hz) in ANIMALS.items():
        folder = root / "train_audio" / code
        folder.mkdir(parents=True)
        for number in range(per_species):
            rate_hz = (16000, 22050, 32000)[number % 3]
            time_s = np.arange(int(rate_hz * (1.0 + number))) / rate_hz
            song = np.sin(2 * np.pi * (pitch_hz + 40 * number) * min(1.0, rate_hz / 22050) * time_s)
            sound = 0.3 * song * (np.sin(2 * np.pi * 3 * time_s) > 0) + 0.01 * rng.standard_normal(len(time_s))
            soundfile.write(folder / f"{code}_{number}.ogg", sound.astype(np.float32), rate_hz)
            rows.append([code, "[]", f"{code}/{code}_{number}.ogg", "somebody", scientific, common, "CC BY 4.0"])
    header = ["primary_label", "secondary_labels", "filename", "author", "scientific_name", "common_name", "license"]
    _write_csv(root / "train.csv", [header, *rows])
    species = [[code, "", *names] for code, (*names, _) in ANIMALS.items()]
    taxonomy = ["primary_label", "inat_taxon_id", "scientific_name", "common_name", "class_name"]
    _write_csv(root / "taxonomy.csv", [taxonomy, *species])
    return root


def _write_csv(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
