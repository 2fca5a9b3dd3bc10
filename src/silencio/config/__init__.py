"""One strict configuration for a whole run: a preset, a file over it, single values over that."""

from silencio.config.presets import preset_names, preset_text, read_config_file
from silencio.config.run import STUDENT, Release, RunConfig, resolve
from silencio.config.sections import DistillationConfig, EvaluationConfig, ExportConfig, StackingConfig

__all__ = [
    "STUDENT",
    "DistillationConfig",
    "EvaluationConfig",
    "ExportConfig",
    "Release",
    "RunConfig",
    "StackingConfig",
    "preset_names",
    "preset_text",
    "read_config_file",
    "resolve",
]
