"""docs/bundle.md and docs/bundle.schema.json say what every field of bundle.json is; a new one needs its words."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from silencio.__main__ import main
from silencio.bundle.manifest import BundleManifest
from silencio.bundle.placeholder import write_placeholder_bundle

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "bundle.md").read_text(encoding="utf-8")
SCHEMA: dict[str, Any] = json.loads((DOCS / "bundle.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def placeholder(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = write_placeholder_bundle(tmp_path_factory.mktemp("bundle"), inputs=("log_mel", "waveform"))
    return json.loads((folder / "bundle.json").read_text(encoding="utf-8"))


def _properties() -> Iterator[tuple[str, dict[str, Any]]]:
    for where, part in [("bundle.json", SCHEMA), *SCHEMA["$defs"].items()]:
        for name, field in part["properties"].items():
            yield f"{where}.{name}", field


def test_schema__is_that_of_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bundle", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA, (
        "write it anew: silencio bundle schema > docs/bundle.schema.json"
    )


@pytest.mark.parametrize(("name", "field"), _properties(), ids=lambda one: one if isinstance(one, str) else "")
def test_schema__every_field_says_what_it_is(name: str, field: dict[str, Any]) -> None:
    assert len(field.get("description", "").split()) >= 2, f"{name}: a line under Attributes in the class is missing"


def test_schema__takes_real_bundles(placeholder: dict[str, Any], tiny_bundle: Path) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    validator = Draft202012Validator(SCHEMA)
    validator.validate(placeholder)
    validator.validate(json.loads((tiny_bundle / "bundle.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"unknown": 1},
        {"precision": "int4"},
        {"heads": []},
        {"inputs": [{"name": "spectrogram", "dtype": "float32", "shape": [1]}]},
        {"thresholds": {"a": "high"}},
    ],
)
def test_schema__refuses_what_the_reader_refuses(placeholder: dict[str, Any], change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Draft202012Validator(SCHEMA).validate(placeholder | change)
    with pytest.raises(ValueError, match="validation error"):
        BundleManifest.model_validate(placeholder | change)


@pytest.mark.parametrize("name", BundleManifest.model_fields)
def test_page__every_field_has_its_row(name: str) -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |")]
    assert len(rows) == 1
    assert len(rows[0].split("|")[2].split()) >= 3


def test_page__every_file_has_its_row(tiny_bundle: Path) -> None:
    for path in tiny_bundle.iterdir():
        assert f"| `{path.name}{'/' if path.is_dir() else ''}` |" in PAGE


def test_page__its_code_computes_the_hashes(placeholder: dict[str, Any], tiny_bundle: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    *statements, expression = code.strip().splitlines()
    for manifest in (placeholder, json.loads((tiny_bundle / "bundle.json").read_text(encoding="utf-8"))):
        names: dict[str, Any] = {"manifest": manifest, "json": json, "hashlib": hashlib}
        exec("\n".join(statements), names)
        assert eval(expression, names) == manifest["manifest_sha256"]
        for content, known in (("spec", manifest["spec"]), ("classes", manifest["classes"]["species"])):
            text = json.dumps(known, sort_keys=True, separators=(",", ":"))
            assert hashlib.sha256(text.encode()).hexdigest() == manifest[f"{content}_sha256"]
