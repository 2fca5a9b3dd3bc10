"""What users named is printed as it stands."""

from __future__ import annotations

import ast
import io
from pathlib import Path

from rich.table import Table
from rich.text import Text

from silencio.console import Console

ROOT = Path(__file__).parents[2]
NAMES = ["[dawn] 1.ogg", "frog/[/x].ogg", "out [b]/bundle", "[red]owl[/]", ":bee: 2.ogg", "a\\[b].ogg", "[link=x]"]


def test_console__prints_names_as_they_are() -> None:
    out = io.StringIO()
    console = Console(file=out)
    for name in NAMES:
        console.print(f"{name} was taken")
    assert out.getvalue().splitlines() == [f"{name} was taken" for name in NAMES]


def test_console__prints_names_in_tables_as_they_are() -> None:
    out = io.StringIO()
    table = Table("recording", NAMES[0], title=NAMES[1])
    for name in NAMES:
        table.add_row(name, Text("met", style="green"))
    Console(file=out).print(table)
    printed = out.getvalue()
    assert printed.count(NAMES[0]) == 2
    assert all(name in printed for name in NAMES)
    assert printed.count("met") == len(NAMES)


def test_console__does_not_break_names_in_a_pipe() -> None:
    out = io.StringIO()
    table = Table("recording")
    table.add_row("n" * 110)
    Console(file=out).print(table)
    assert "n" * 110 in out.getvalue()


def sources() -> list[Path]:
    rooms = [ROOT / name for name in ("benchmarks", "components", "pipelines", "scripts", "serving", "src")]
    return [file for room in rooms for file in sorted(room.rglob("*.py"))]


def markup_in(file: Path, root: Path) -> list[str]:
    """Rich reads markup in many ways: its own console and `print`, `from_markup`, columns of progress, a status."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        where = f"{file.relative_to(root)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.ImportFrom) and node.module in ("rich", "rich.console", "rich.markup"):
            found.append(f"{where} imports from {node.module}")
        if isinstance(node, ast.Call):
            name, options = ast.unparse(node.func), {one.arg: ast.unparse(one.value) for one in node.keywords}
            if name.endswith("from_markup") or "True" in (options.get("markup"), options.get("emoji")):
                found.append(f"{where} {name} reads markup")
            if name.endswith("TextColumn") and options.get("markup") != "False":
                found.append(f"{where} TextColumn without markup=False")
            # A spinner's text is markup unless it is `Text`, or says nothing that a user named.
            is_status = name.endswith(".status") or name == "status.update"
            if is_status and node.args and not ast.unparse(node.args[0]).startswith(("Text(", "'")):
                found.append(f"{where} {name} of a text that may be markup")
    return found


def test_source__has_one_console_and_no_markup() -> None:
    own = ROOT / "src" / "silencio" / "console.py"
    assert [found for file in sources() if file != own for found in markup_in(file, ROOT)] == []


def test_source__with_markup_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text(
        "from rich.console import Console\nConsole().status(f'{name}')\nConsole().status('fixed')\nTextColumn('x')\n"
    )
    assert [found.split()[0] for found in markup_in(tmp_path / "x.py", tmp_path)] == ["x.py:1", "x.py:2", "x.py:4"]
