"""The serving images carry no training framework."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import serving
import silencio

NEVER = ("torch", "torchvision", "lightning", "timm", "peft", "kfp", "mlflow", "librosa", "serving.local")


def test_servers__import_no_training_framework() -> None:
    code = (
        "import serving.transformer.model, serving.transformer.page.routes, serving.transformer.openapi, "
        "serving.prediction_log.opened, serving.predictor.model, serving.settings.predictor, serving.server.start, "
        "sys; "
        f"print([name for name in {NEVER} if name in sys.modules])"
    )
    roots = os.pathsep.join(str(Path(package.__path__[0]).parent) for package in (serving, silencio))
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": roots})
    assert done.stdout.strip() == "[]"


def test_commands__import_no_kserve() -> None:
    """`serve` and `predict` start in a moment, and the SDK does not read their command line."""
    code = (
        "import sys; from silencio.cli.entries import commands, parser_of; "
        "[parser_of(entry) for entry in commands().values() if entry.module.startswith('serving.')]; "
        "sys.exit('serving.cli.predict' not in sys.modules or 'kserve' in sys.modules or 'torch' in sys.modules)"
    )
    roots = os.pathsep.join(str(Path(package.__path__[0]).parent) for package in (serving, silencio))
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"PYTHONPATH": roots})
