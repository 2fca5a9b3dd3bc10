"""Mutation testing of the reader of recordings (`benchmarks.proofs.mutation` says how)."""

from __future__ import annotations

from typing import Any

from benchmarks.proofs.mutation import ROOT, Subject, prove_mutations
from benchmarks.proofs.units import Units

_AUDIO = ROOT / "src" / "silencio" / "audio"
READER = Subject(
    modules=(
        *sorted(path for path in (_AUDIO / "containers").glob("*.py") if path.name != "__init__.py"),
        _AUDIO / "mixing.py",
        _AUDIO / "recording.py",
        _AUDIO / "decode.py",
    ),
    tests=("tests/unit/audio",),
    preloaded=(
        "silencio.models",  # without which torchvision, and with it lightning and timm, may not load
        *("numpy", "scipy.signal", "soundfile", "soxr", "pandas", "pydantic", "torch", "lightning", "timm", "onnx"),
        *("onnxruntime", "sklearn.linear_model", "hypothesis", "pytest", "tqdm", "yaml", "pyarrow.parquet", "pandera"),
    ),
    max_mutants=10,
)


def prove(units: Units) -> dict[str, Any]:
    """How many mutants of each module were killed, and which survived."""
    return prove_mutations([READER], units)
