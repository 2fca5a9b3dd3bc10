"""The backgrounds that training may mix in: the train half of a source's soundscapes, kept in memory."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from silencio.data.backgrounds import BackgroundPool, by_hash, half_of
from silencio.errors import AudioError, StorageError
from silencio.features import FeatureSpec, FrontEnd
from silencio.storage import concerns_one_file, name_of, read_bytes

_logger = logging.getLogger(__name__)


def training_backgrounds(soundscapes: pd.DataFrame, spec: FeatureSpec, max_s: float = 1800.0) -> BackgroundPool:
    """The train half of unlabelled soundscapes, decoded once: a crop is then mixed in milliseconds.

    One that cannot be read is left out, and the log says so. Where there are none, the pool makes noise.

    Args:
        soundscapes: Rows with `path`, as `ingest` writes them.
        spec: Feature spec, for its sample rate.
        max_s: About how much sound is kept (half an hour at 32 kHz is 115 MB), taken from all sites alike.

    Raises:
        StorageError: The place of the soundscapes does not answer.
    """
    front_end = FrontEnd(spec)
    kept: list[tuple[str, NDArray[np.int16]]] = []
    left = max_s * spec.sample_rate_hz
    paths = {name_of(path): path for path in soundscapes["path"] if half_of(name_of(path)) == "train"}
    for name in sorted(paths, key=by_hash):
        if left <= 0:
            break
        try:
            waveform = front_end.waveform(read_bytes(paths[name]))
        except (AudioError, StorageError) as error:
            if isinstance(error, StorageError) and not concerns_one_file(error):
                raise
            _logger.warning("%s is not mixed into training: %s", paths[name], error)
            continue
        kept.append((name, waveform))
        left -= len(waveform)
    return BackgroundPool.of_waveforms(kept, spec.sample_rate_hz, "train")
