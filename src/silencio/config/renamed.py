"""Settings that had another name before 0.1.0: an old one is refused by a sentence that names the new one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from silencio.errors import ConfigError

# By its place in a configuration; the new name stands at the same place.
RENAMED_SETTINGS: dict[str, str] = {
    "evaluation.failure_modes.longest_s": "max_recording_s",
    "evaluation.failure_modes.most_backgrounds": "max_backgrounds",
    "evaluation.failure_modes.most_recordings": "max_recordings",
    "evaluation.slices.least_recordists": "min_recordists",
    "evaluation.soundscapes.most_call_s": "max_call_s",
    "export.most_clip_bytes": "max_clip_bytes",
    "export.quantize.most_map_loss": "max_map_loss",
    "gates.most_calibration_error": "max_calibration_error",
    "self_training.least": "min_probability",
    "supervisor.most_steps": "max_steps",
    "thresholds.least": "min_threshold",
    "thresholds.least_positives": "min_positives",
    "thresholds.most": "max_threshold",
}


def refuse_renamed(values: Mapping[str, Any]) -> None:
    """Look for old names in one layer of a configuration, also where a null takes the setting away.

    Args:
        values: The layer, as YAML has it.

    Raises:
        ConfigError: One sentence for each old name.
    """
    if found := list(_renamed(values)):
        raise ConfigError("; ".join(f"{old} is called {new} now" for old, new in found))


def _renamed(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for old, new in RENAMED_SETTINGS.items():
        *sections, name = old.split(".")
        section: Any = values
        for one in sections:
            section = section.get(one) if isinstance(section, Mapping) else None
        if isinstance(section, Mapping) and name in section:
            yield old, ".".join([*sections, new])
