"""Prometheus's rules as its operator takes them: `python -m delivery.prometheus_rule` writes the object anew."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
OBJECT = ROOT / "manifests" / "operator" / "prometheus-rule.yaml"
_LISTED = ROOT / "monitoring" / "kustomization.yaml"
_HEAD = "# Made of monitoring/prometheus/rules by .venv/bin/python -m delivery.prometheus_rule; a test holds it against them.\n"


def text_of_rules() -> str:
    """The object, with every group of the files that the monitoring is told, in their order."""
    one = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "silencio"},
        "spec": {"groups": [group for path in rule_files() for group in _read(path)["groups"]]},
    }
    return _HEAD + yaml.safe_dump(one, sort_keys=False, width=120, allow_unicode=True)


def rule_files() -> list[Path]:
    """Those of the config map `prometheus-rules`."""
    (listed,) = (one for one in _read(_LISTED)["configMapGenerator"] if one["name"] == "prometheus-rules")
    return [_LISTED.parent / name for name in listed["files"]]


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    OBJECT.write_text(text_of_rules(), encoding="utf-8")
    sys.stdout.write(f"wrote {OBJECT}\n")
