"""A reserve in BirdCLEF's layout, made up in a second: five species that chirp, trill, click, pulse and growl.

It holds what real collections hold: numeric codes (one with a leading zero) beside letter codes, several rates and
formats, mono and stereo, recordings of a third of a second and of more than two windows, and secondary labels, one of
them of a species without recordings.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

if TYPE_CHECKING:
    from silencio.data.birdclef import Source
    from silencio.data.split import Split
    from silencio.data.validate import ValidatedRecordings
    from silencio.features import FeatureSpec

Encode = Callable[..., bytes]
Edit = Callable[[Callable[[dict[str, Any]], None]], None]

# The same examples on every run and every machine, and no time limit on a busy one.
hypothesis.settings.register_profile(
    "unit",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=50,
    # How long it takes to make examples is the machine's affair.
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("unit")

TAXONOMY = {
    "grekis": ("Pitangus sulphuratus", "Great Kiskadee", "Aves"),
    "bobfly1": ("Myiozetetes granadensis", "Gray-capped Flycatcher", "Aves"),
    "1139490": ("Ragoniella pulchella", "Ragoniella pulchella", "Insecta"),
    "0126247": ("Leptodactylus insularum", "Spotted Foam-nest Frog", "Amphibia"),
    "41970": ("Panthera onca", "Jaguar", "Mammalia"),
    # In the taxonomy, without a recording: no output of a model.
    "yebela1": ("Elaenia flavogaster", "Yellow-bellied Elaenia", "Aves"),
}
# code: (seconds, Hz, channels, format, secondary labels as the table has them)
RECORDINGS: dict[str, list[tuple[float, int, int, str, str]]] = {
    "grekis": [
        (0.3, 32000, 1, "OGG", "['1139490', 'bobfly1']"),
        (2.0, 44100, 2, "OGG", "[]"),
        (5.0, 32000, 1, "WAV", "['']"),
        (7.3, 22050, 1, "FLAC", "[]"),
        (12.0, 16000, 1, "OGG", "['yebela1']"),
    ],
    "bobfly1": [
        (1.0, 48000, 1, "OGG", "[]"),
        (3.1, 32000, 2, "WAV", "['grekis', 'yebela1']"),
        (5.5, 32000, 1, "OGG", "[]"),
        (0.8, 22050, 1, "FLAC", "[]"),
    ],
    "1139490": [
        (2.5, 48000, 1, "FLAC", "[]"),
        (0.5, 44100, 1, "WAV", "[]"),
        (6.0, 32000, 1, "OGG", "['0126247']"),
        (1.5, 32000, 2, "OGG", "[]"),
    ],
    "0126247": [
        (4.0, 16000, 1, "WAV", "[]"),
        (1.2, 32000, 1, "OGG", "['grekis']"),
        (0.4, 44100, 2, "FLAC", "[]"),
    ],
    "41970": [
        (3.0, 22050, 1, "OGG", "[]"),
        (0.7, 32000, 1, "WAV", "[]"),
        (5.2, 32000, 1, "OGG", "[]"),
    ],
}
N_RECORDINGS = sum(len(rows) for rows in RECORDINGS.values())


def animal(code: str, number: int, duration_s: float, rate_hz: int) -> NDArray[np.float32]:
    """What a species sounds like: a voice of its own, and each recording a little different."""
    rng = np.random.default_rng((*code.encode(), number))
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    pitch = 1.0 + 0.04 * number
    if code == "grekis":  # a chirp that rises four times a second
        sound = np.sin(2 * np.pi * pitch * (2000 * time_s + 3000 * np.square(time_s % 0.25)))
    elif code == "bobfly1":  # a trill
        sound = np.sin(2 * np.pi * pitch * 3500 * time_s) * (np.sin(2 * np.pi * 18 * time_s) > 0)
    elif code == "1139490":  # clicks
        sound = rng.standard_normal(len(time_s)) * np.exp(-400 * (time_s % (0.05 * pitch)))
    elif code == "0126247":  # pulses of a low tone
        sound = np.sin(2 * np.pi * pitch * 900 * time_s) * np.square(np.sin(2 * np.pi * 2 * time_s))
    else:  # a growl: noise without its treble
        sound = np.convolve(rng.standard_normal(len(time_s)), np.ones(64) / 8, mode="same")
    return (0.3 * sound + 0.003 * rng.standard_normal(len(time_s))).astype(np.float32)


def encoded(samples: NDArray[np.floating], rate_hz: int, container: str, subtype: str | None = None) -> bytes:
    """Samples (n,) or (n, channels) as a file's bytes, written a second at a time: libsndfile crashes on a long OGG."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", rate_hz, channels, format=container, subtype=subtype) as sound:
        for start in range(0, len(samples), rate_hz):
            sound.write(samples[start : start + rate_hz])
    return file.getvalue()


def write_rows(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_folder(root: Path) -> Path:
    """Write recordings and tables in BirdCLEF's layout."""
    rows = []
    for code, recordings in RECORDINGS.items():
        (root / "train_audio" / code).mkdir(parents=True)
        for number, (duration_s, rate_hz, channels, container, secondary) in enumerate(recordings):
            name = f"{code}/XC{number}.{container.lower()}"
            sound = animal(code, number, duration_s, rate_hz)
            if channels == 2:
                sound = np.stack([sound, 0.5 * sound], axis=1)
            (root / "train_audio" / name).write_bytes(encoded(sound, rate_hz, container))
            scientific, common, _ = TAXONOMY[code]
            rows.append(
                {
                    "primary_label": code,
                    "secondary_labels": secondary,
                    "type": "['song']",
                    "filename": name,
                    "collection": "XC",
                    "rating": "4.5",
                    "url": f"https://xeno-canto.org/{number}",
                    "latitude": "" if number == 1 else f"{4.5 + number}",
                    "longitude": "" if number == 1 else "-75.5",
                    "scientific_name": scientific,
                    "common_name": common,
                    "author": f"author {number % 2}",
                    "license": "cc-by-sa 4.0" if number % 2 else "cc-by-nc 4.0",
                }
            )
    # The table is in no order: whoever needs one must sort.
    rows.sort(key=lambda row: row["filename"][::-1])
    write_rows(root / "train.csv", rows)
    species = [
        {
            "primary_label": code,
            "inat_taxon_id": "1",
            "scientific_name": scientific,
            "common_name": common,
            "class_name": taxon,
        }
        for code, (scientific, common, taxon) in TAXONOMY.items()
    ]
    write_rows(root / "taxonomy.csv", species)
    return root


@pytest.fixture(scope="session")
def encode() -> Encode:
    """`encode(samples, rate_hz, "OGG")` gives the bytes of a file."""
    return encoded


@pytest.fixture(scope="session")
def birdclef_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For reading: whoever changes it changes it for every test."""
    return write_folder(tmp_path_factory.mktemp("birdclef"))


@pytest.fixture
def own_folder(birdclef_folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    return Path(shutil.copytree(birdclef_folder, tmp_path / "reserve"))


@pytest.fixture(scope="session")
def spec() -> FeatureSpec:
    from silencio.features import FeatureSpec

    return FeatureSpec()


@pytest.fixture(scope="session")
def source(birdclef_folder: Path) -> Source:
    from silencio.data.birdclef import read_birdclef

    return read_birdclef(birdclef_folder)


@pytest.fixture(scope="session")
def validated(source: Source) -> ValidatedRecordings:
    from silencio.data.validate import validate_recordings

    return validate_recordings(source.recordings)


@pytest.fixture(scope="session")
def drawn(validated: ValidatedRecordings) -> Split:
    from silencio.data.split import SplitConfig, draw_split

    return draw_split(validated.usable, SplitConfig())


@pytest.fixture(scope="session")
def shard_folders(
    validated: ValidatedRecordings, drawn: Split, spec: FeatureSpec, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Path]]:
    """The folders of the `development` and of the `test` shards, several of each. For reading."""
    from silencio.data.shards import plan_shards, write_shard

    recordings = validated.usable.merge(drawn.assignment[["recording_id", "split"]], on="recording_id")
    folders: dict[str, list[Path]] = {"development": [], "test": []}
    root = tmp_path_factory.mktemp("shards")
    for number, plan in enumerate(plan_shards(validated.usable, drawn.assignment, seconds_per_shard=10.0)):
        write_shard(recordings[recordings["recording_id"].isin(plan.recording_ids)], spec, root / str(number))
        folders[plan.split].append(root / str(number))
    return folders


@pytest.fixture(scope="session")
def bundle_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For reading: whoever changes it changes it for every test."""
    from silencio.bundle.placeholder import write_placeholder_bundle

    return write_placeholder_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def own_bundle(bundle_directory: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    return Path(shutil.copytree(bundle_directory, tmp_path / "bundle"))


@pytest.fixture
def edit_manifest(own_bundle: Path) -> Edit:
    """Change bundle.json of `own_bundle` and seal it again, as somebody would who knows every hash in it."""
    from silencio.bundle import BundleManifest

    def edit(change: Callable[[dict[str, Any]], None]) -> None:
        path = own_bundle / "bundle.json"
        content = json.loads(path.read_text())
        change(content)
        manifest = BundleManifest.model_validate(content)
        hashes = {"spec_sha256": manifest.spec.sha256, "classes_sha256": manifest.classes.sha256}
        path.write_text(manifest.model_copy(update=hashes).sealed().model_dump_json(indent=2))

    return edit
