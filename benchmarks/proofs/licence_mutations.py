"""Mutation testing of what may be done with a bundle (`benchmarks.proofs.mutation` says how)."""

from __future__ import annotations

from typing import Any

from benchmarks.proofs.mutation import ROOT, Subject, prove_mutations, with_reasons
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


_RESTRICTIONS = ("", "non-commercial", "no derivatives", "all rights reserved", "unknown")
# What is changed, a part of the line, and why nobody can see it.
HARMLESS = (
    *((f"{text!r} changed", "Restriction = Literal[", "type checkers alone read it") for text in _RESTRICTIONS),
    ("'all rights reserved' changed", "_ORDER: tuple", "no identifier of SPDX reserves all rights: never looked up"),
)


def prove(units: Units) -> dict[str, Any]:
    """How many mutants of each module were killed, which survived, and which of these change nothing to be seen."""
    return with_reasons(prove_mutations([LICENCES], units), [LICENCES], HARMLESS)
