"""Mutation testing of what may be done with a bundle (`benchmarks.proofs.mutation` says how)."""

from __future__ import annotations

from typing import Any

from benchmarks.proofs.mutation import ROOT, Subject, prove_mutations
from benchmarks.proofs.units import Units

LICENCES = Subject(
    modules=tuple(ROOT / "src" / "silencio" / "bundle" / name for name in ("licences.py", "licence_texts.py")),
    tests=("tests/unit/bundle/test_licences.py", "tests/unit/bundle/test_licence_texts.py"),
    preloaded=(
        "silencio.models",  # without which torchvision, and with it lightning and timm, may not load
        *("numpy", "scipy.signal", "soundfile", "soxr", "pandas", "pydantic", "torch", "lightning", "timm", "onnx"),
        *("onnxruntime", "sklearn.linear_model", "hypothesis", "pytest", "tqdm", "yaml", "pyarrow.parquet", "pandera"),
    ),
    texts=True,
)


def prove(units: Units) -> dict[str, Any]:
    """How many mutants of each module were killed, and which survived."""
    return prove_mutations([LICENCES], units)
