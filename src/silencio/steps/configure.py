"""configure: a configuration taken apart, so that a step is done again for the settings that it reads and no others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from silencio.config import resolve
from silencio.config.parts import config_sha256, parts_by_step, settings_before


@dataclass(frozen=True)
class Inputs:
    """What the step reads.

    Attributes:
        config: The configuration, as YAML or JSON.
        overrides: Values laid over it, each like `heads.raw_cnn.epochs=3`.
        compiled_for: What the pipeline has nodes for (`RunConfig.graph`).
    """

    config: str
    overrides: Sequence[str]
    compiled_for: Mapping[str, str]


def run(inputs: Inputs) -> dict[str, str]:
    """Resolve a configuration and take it apart. No recording is read and nothing is written.

    Returns:
        By step what it reads (JSON, see `silencio.config.parts`), as `before_STEP` a digest of all settings that what
        the step is handed was made with, as `config_sha256` the identity of all settings that the bundle is made with,
        and as `resolved` the whole configuration with every default written out.

    Raises:
        ConfigError: The configuration cannot be used, or wants other nodes.
    """
    resolved = resolve(inputs.config, overrides=inputs.overrides)
    resolved.check_graph(inputs.compiled_for)
    parts = parts_by_step(resolved)
    before = {f"before_{step}": value for step, value in settings_before(resolved, parts).items()}
    made_with = {f"config_sha256{of}": config_sha256(resolved, parts, of) for of in ("", "_student")}
    return {"resolved": resolved.to_yaml(), **parts, **before, **made_with}
