"""The JSON schema of bundle.json, for whoever reads bundles without this library."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from silencio.bundle.manifest import BundleManifest, EncoderEntry, GraphInput, HeadEntry, Tolerances
from silencio.features import FeatureSpec
from silencio.taxonomy import ClassList, Species

_PARTS: tuple[type[BaseModel], ...] = (
    BundleManifest,
    ClassList,
    EncoderEntry,
    FeatureSpec,
    GraphInput,
    HeadEntry,
    Species,
    Tolerances,
)
_ATTRIBUTE = re.compile(r"^    (\w+): (.+(?:\n {8,}.+)*)", re.MULTILINE)


def bundle_schema() -> dict[str, Any]:
    """JSON schema (2020-12) of bundle.json; every description is the one in the code.

    `silencio bundle schema` prints it.
    """
    return described_schema(BundleManifest, _PARTS)


def described_schema(model: type[BaseModel], parts: Sequence[type[BaseModel]]) -> dict[str, Any]:
    """JSON schema (2020-12) of a model, with the docstrings' words for every field.

    Args:
        model: What the schema is of.
        parts: The model and every model inside it.
    """
    schema = model.model_json_schema()
    for part in parts:
        _describe(schema if part is model else schema["$defs"][part.__name__], part)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _describe(schema: dict[str, Any], part: type[BaseModel]) -> None:
    """Each property with what the docstring's `Attributes` say of it; the model with the docstring's first sentence."""
    words: dict[str, str] = {}
    for one in reversed(part.__mro__):
        words |= _attributes(inspect.cleandoc(one.__dict__.get("__doc__") or ""))
    schema["description"] = inspect.cleandoc(part.__doc__ or "").partition("\n")[0]
    for name, field in schema["properties"].items():
        if name in words:
            field["description"] = words[name]


def _attributes(doc: str) -> dict[str, str]:
    _, _, listed = doc.partition("Attributes:\n")
    return {name: " ".join(text.split()) for name, text in _ATTRIBUTE.findall(listed)}
