"""The reserve's recordings under each rule, cut into folds; BirdNET embeds a window once, whatever the rule."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy.folds import Reserve, fold_recordings, read_reserve
from silencio.audio import LastWindow
from silencio.config import RunConfig, preset_text, resolve
from silencio.data.embeddings import GridEncoder, grid_windows, open_encoders
from silencio.data.shards import ShardSet, write_shard
from silencio.encoders import Encoder
from silencio.errors import ConfigError
from silencio.features import FeatureSpec
from silencio.settings import Settings
from silencio.storage import write_atomically

Rule = Literal["padded", "weighted", "left_out", "moved_back"]
RULES: tuple[Rule, ...] = ("padded", "weighted", "moved_back", "left_out")
ENCODER = "birdnet"


def cut_of(rule: Rule) -> LastWindow:
    """How recordings are cut: `weighted` cuts as `padded` does, and counts otherwise."""
    return "padded" if rule == "weighted" else rule


class WindowEncoder(GridEncoder):
    """An encoder that remembers windows and not recordings: most windows are the same under every rule."""

    def __init__(self, one: GridEncoder, features: FeatureSpec, folder: Path) -> None:
        super().__init__(one.spec, one._path, features)  # the same encoder with another memory
        self._folder = folder / one.spec.name

    def embed(self, waveform: NDArray[np.int16], sha256: str) -> NDArray[np.float32]:
        return np.stack([self._window(window) for window in grid_windows(waveform, self._features)])

    def _window(self, window: NDArray[np.int16]) -> NDArray[np.float32]:
        kept = self._folder / f"{hashlib.sha256(np.ascontiguousarray(window).data).hexdigest()}.f32"
        if not kept.exists():
            if self._encoder is None:
                rate_hz = self._features.sample_rate_hz
                self._encoder = Encoder(self._path, self.spec, rate_hz, Settings().session_threads)
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(kept, self._encoder.embed(window[None])[0].tobytes())
        return np.fromfile(kept, np.float32)


class HeldShards(ShardSet):
    """Shards whose recordings are looked up once: a head on embeddings draws thousands an epoch."""

    def __init__(self, shards: ShardSet) -> None:
        self.__dict__.update(shards.__dict__)
        self._waveforms = [shards.waveform(index) for index in range(len(shards))]
        self._held = {name: [shards.embedding(name, index) for index in range(len(shards))] for name in shards.encoders}

    def waveform(self, index: int) -> NDArray[np.int16]:
        return self._waveforms[index]

    def embedding(self, name: str, index: int) -> NDArray[np.float32]:
        return self._held[name][index]


@dataclass(frozen=True)
class Sound:
    """The recordings that are tested.

    Attributes:
        data: A folder in BirdCLEF's layout.
        work: Shards and embeddings are kept here.
    """

    data: Path
    work: Path

    @classmethod
    def of_environment(cls, work: Path) -> Sound:
        """The pack that `SILENCIO_RESERVE` names.

        Raises:
            ConfigError: It names none.
        """
        if not os.environ.get("SILENCIO_RESERVE"):
            raise ConfigError("SILENCIO_RESERVE is not set: it names a folder of recordings in BirdCLEF's layout")
        return cls(Path(os.environ["SILENCIO_RESERVE"]), work)

    @cached_property
    def reserve(self) -> Reserve:
        config = self.config("padded")
        return read_reserve(self.data, config.seed, config.split)

    def config(self, cut: LastWindow) -> RunConfig:
        """The preset `reserve`, recordings cut by this rule."""
        return resolve(preset_text("reserve"), overrides=[f"features.last_window={cut}", "seed=0"])

    def shards(self, cut: LastWindow) -> ShardSet:
        """All recordings."""
        config, folder = self.config(cut), self.work / f"shard-{cut}"
        if not (folder / "shard.json").exists():
            encoders = [
                WindowEncoder(one, config.features, self.work / "embeddings")
                for one in open_encoders(config.encoders, config.features)
            ]
            write_shard(self.reserve.recordings.assign(split="all"), config.features, folder, encoders)
        return ShardSet([folder], config.features)

    def fold(self, cut: LastWindow, fold: int, part: str) -> ShardSet:
        """What of them is `train`, `validation` or `test` when `fold` is tested; `training`: the first two."""
        shards = self.shards(cut)
        parts = fold_recordings(self.reserve.recordings, fold).set_index("recording_id")["split"]
        own = shards.table["recording_id"].map(parts)
        return HeldShards(shards.subset((own != "test" if part == "training" else own == part).to_numpy()))


def window_shares(shards: ShardSet, index: int) -> NDArray[np.float64]:
    """How much of each served window of a recording is there, of 1."""
    window = shards.spec.window_samples
    there = len(shards.waveform(index)) - np.array(shards.window_starts(index))
    return np.asarray(np.minimum(1.0, there / window))
