"""What `import silencio` offers: decided, listed, typed, documented, and imported when it is asked for."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import silencio

ROOT = Path(__file__).parents[2]
SOURCE = Path(silencio.__file__)


def test_all__is_sorted_and_every_name_of_it_is_there() -> None:
    assert sorted(silencio.__all__) == silencio.__all__
    assert [name for name in silencio.__all__ if getattr(silencio, name, None) is None] == []
    assert set(silencio.__all__) <= set(dir(silencio))


def test_all__is_what_a_type_checker_sees() -> None:
    """Offered but not typed, a name is `object` to whoever uses it; typed but not offered, it fails when it runs."""
    (block,) = (
        node
        for node in ast.parse(SOURCE.read_text()).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    typed = {
        alias.asname or alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    typed |= {ast.unparse(node.target) for node in block.body if isinstance(node, ast.AnnAssign)}
    assert typed == set(silencio.__all__)
    assert SOURCE.with_name("py.typed").is_file()


def test_all__is_what_its_page_lists() -> None:
    page = (ROOT / "docs" / "notebook.md").read_text(encoding="utf-8")
    table = page.partition("## What is public")[2]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`([^`]+)`", " ".join(rows))) == silencio.__all__


@pytest.mark.parametrize("name", [name for name in silencio.__all__ if name != "__version__"])
def test_name__says_where_it_comes_from_and_what_it_is(name: str) -> None:
    public = getattr(silencio, name)
    assert public.__name__ == name and public.__module__.startswith("silencio.")
    assert public.__doc__


def test_errors__that_a_user_may_meet_are_all_of_one_root() -> None:
    errors = [name for name in silencio.__all__ if name.endswith("Error")]
    assert all(issubclass(getattr(silencio, name), silencio.SilencioError) for name in errors)


def test_name__that_is_not_public_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="module 'silencio' has no attribute 'load_model'"):
        silencio.load_model  # noqa: B018
    assert not hasattr(silencio, "__path_to_nowhere__")


def _imported_by(code: str) -> set[str]:
    """Packages that are there when a process has run it."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*{{name.partition('.')[0] for name in sys.modules}})"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_import__costs_nothing_that_is_not_asked_for() -> None:
    assert (
        _imported_by("import silencio; silencio.__version__; silencio.DecodeError")
        & {
            "numpy",
            "pandas",
            "pyarrow",
            "onnxruntime",
            "pydantic",
            "torch",
        }
        == set()
    )


def test_face__needs_no_training_framework_and_no_server() -> None:
    names = ", ".join(name for name in silencio.__all__ if name != "__version__")
    assert (
        _imported_by(f"from silencio import {names}") & {"torch", "kfp", "kserve", "mlflow", "sklearn", "pandas"}
        == set()
    )
