"""docs/operating.md has a row for every metric of the servers, with its labels, and says how sessions are counted."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from serving.metrics import model
from serving.metrics.process import SHADOW_DROP_REASONS
from serving.metrics.sessions import MAX_SESSIONS
from serving.settings.transformer import TransformerSettings
from serving.transformer.shadow import MAX_COPIES, MAX_COPY_BYTES

PAGE = (Path(__file__).parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")
METRICS = PAGE.partition("\n## Metrics\n")[2].partition("\n## ")[0]
TEXT = " ".join(PAGE.split())


def _cells(part: str) -> dict[str, list[str]]:
    """By the name in a row's first cell, those of its second."""
    rows = re.findall(r"^\| `(\w+)` \|([^|]*)\|", part, re.MULTILINE)
    return {name: re.findall(r"`(\w+)`", cell) for name, cell in rows}


def test_metrics__each_has_a_row_with_its_labels() -> None:
    assert model  # its metrics are made when it is imported
    families = [one for one in REGISTRY._collector_to_names if isinstance(one, MetricWrapperBase)]
    labels = {
        f"{one._name}{'_total' if one._type == 'counter' else ''}": [
            name for name in one._labelnames if name != "version"
        ]
        for one in families
        if one._name.startswith("silencio_")
    }
    documented = _cells(METRICS)
    assert len(documented) > 20
    assert {name: documented.get(name) for name in labels} == labels
    assert documented.keys() <= labels.keys()


def test_shadow__each_reason_has_a_row_and_the_limits_are_said() -> None:
    part = PAGE.partition("### Shadow traffic")[2].partition("\n## ")[0]
    assert [name for name in _cells(part) if name != "reason"] == list(SHADOW_DROP_REASONS)
    assert f"{MAX_COPIES} of them, and {MAX_COPY_BYTES >> 20} MiB of recordings, are held at most" in TEXT
    share = TransformerSettings.model_fields["shadow_share"].default
    assert f"(`--shadow_share`, {share:g})" in TEXT


def test_sessions__limits_are_said() -> None:
    session_s = TransformerSettings.model_fields["session_s"].default
    assert f"longer than `--session_s` ({session_s:g})" in TEXT
    assert f"{MAX_SESSIONS:,} sessions of a stretch are told apart" in TEXT
