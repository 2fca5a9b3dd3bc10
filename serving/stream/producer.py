"""A recorder that is made up: one-minute soundscapes, with calls at known times, into a folder or S3."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from serving.simulate.recordings import Recording
from serving.stream.recorder_clock import SOUNDSCAPE_S
from silencio.data.backgrounds import BackgroundPool
from silencio.data.calls import LabelledWaveform
from silencio.data.raven import TABLE_SUFFIX
from silencio.data.soundscape_files import write_soundscape
from silencio.data.soundscapes import AnnotatedSoundscape, SoundscapeConfig, generate_soundscapes
from silencio.errors import DecodeError, SourceError
from silencio.features import FeatureSpec, FrontEnd
from silencio.storage import join, write_bytes

BACKGROUNDS = "train_soundscapes"
# A call's source is kept decoded: a few of each species are enough for variety.
_PER_SPECIES = 3
_FOR_EVER = 10**9


@dataclass(frozen=True)
class ProducerConfig:
    """What a producer writes.

    Attributes:
        target: Folder or `s3://` prefix.
        site: Begins every name.
        start: Time of the first soundscape, as its name tells it.
        interval_s: Seconds from the start of one to that of the next, as their names tell it; at least 1.
        n_soundscapes: None: without end.
        duration_s: Length of each soundscape.
        max_calls: Most calls in each; 0 leaves backgrounds alone.
        seed: The same seed, the same samples.
    """

    target: str
    site: str = "SIM01"
    start: datetime = datetime(2025, 4, 11, 5, 0)  # local time at a site that is made up
    interval_s: float = SOUNDSCAPE_S
    n_soundscapes: int | None = None
    duration_s: float = SOUNDSCAPE_S
    max_calls: int = 9
    seed: int = 0


def produce(recordings: Sequence[Recording], backgrounds: Path | None, config: ProducerConfig) -> Iterator[str]:
    """Write soundscapes one after the other, each when it is due.

    The table of its calls (Raven's) is there before the recording is, and the recording appears whole: in a folder
    under a hidden name first, in S3 by one request.

    Args:
        recordings: Sources of the calls; those without a label are left out.
        backgrounds: Folder of real ones; None, or one without recordings, leaves made noise.
        config: What the producer writes.

    Yields:
        Where each was written.

    Raises:
        SourceError: No recording with a label can be decoded.
        StorageError: The place cannot be written.
    """
    spec = FeatureSpec()
    pool = BackgroundPool.of_folder(backgrounds, spec) if backgrounds else BackgroundPool(spec.sample_rate_hz)
    made = generate_soundscapes(
        _calls(recordings, spec, config.seed),
        pool,
        spec,
        SoundscapeConfig(
            seed=config.seed,
            n_soundscapes=config.n_soundscapes or _FOR_EVER,
            duration_s=config.duration_s,
            n_calls=(min(3, config.max_calls), config.max_calls),
            sites=(config.site,),
            start=config.start,
            interval_s=config.interval_s,
        ),
    )
    return (_write(one, config.target) for one in made)


def _calls(recordings: Sequence[Recording], spec: FeatureSpec, seed: int) -> list[LabelledWaveform]:
    by_code: dict[str, list[Recording]] = defaultdict(list)
    for recording in recordings:
        if recording.code:
            by_code[recording.code].append(recording)
    front_end, rng = FrontEnd(spec), np.random.default_rng(seed)
    calls = []
    for code, own in sorted(by_code.items()):
        for number in sorted(rng.permutation(len(own))[:_PER_SPECIES].tolist()):
            try:
                calls.append(LabelledWaveform(own[number].name, code, front_end.waveform(own[number].read())))
            except (DecodeError, OSError):
                continue  # a recording that is none has no call
    if not calls:
        raise SourceError(
            "no recording with a label can be decoded: give --recordings a folder with train.csv, or one folder a class"
        )
    return calls


def _write(soundscape: AnnotatedSoundscape, target: str) -> str:
    with tempfile.TemporaryDirectory(prefix="silencio-producer-") as folder:
        # libsndfile crashes when a long OGG is written at once: this writes a second at a time.
        audio = write_soundscape(soundscape, Path(folder), "ogg")
        table = f"{soundscape.name}{TABLE_SUFFIX}"
        write_bytes(join(target, table), (Path(folder) / table).read_bytes())
        uri = join(target, audio.name)
        write_bytes(uri, audio.read_bytes())
    return uri
