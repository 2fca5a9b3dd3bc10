"""MkDocs' hook of `make site`: pages outside docs/, and the reference of what is public and of what docs/ name.

The site's environment has MkDocs and nothing of ours: the code is read, not imported.
"""

from __future__ import annotations

import ast
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
DOCS, LIBRARY = ROOT / "docs", ROOT / "src"
# Pages at the root of the repository, and alerts' runbooks, each with its place in the site.
OUTSIDE = {"README.md": "index.md", "ARCHITECTURE.md": "ARCHITECTURE.md", "CHANGELOG.md": "CHANGELOG.md"} | {
    f"monitoring/runbooks/{path.name}": f"runbooks/{path.name}"
    for path in sorted((ROOT / "monitoring" / "runbooks").glob("*.md"))
}
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#|/)([^)#\s]+)")
_NAMED = re.compile(r"`(silencio(?:\.\w+)+)`")
_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


class UnknownNameError(Exception):
    """Documentation names what the library has not."""


def on_files(files: Files, config: Any) -> Files:
    """MkDocs' event: add the pages that are not in docs/."""
    from mkdocs.structure.files import File

    made = {"api.md": public_page(), "api_named.md": named_page(named_in_docs())}
    outside = {place: (ROOT / name).read_text(encoding="utf-8") for name, place in OUTSIDE.items()}
    for place, content in {**outside, **made}.items():
        files.append(File.generated(config, place, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """MkDocs' event: links lead from page to page of the site as in the repository."""
    names = {place: name for name, place in OUTSIDE.items()}
    place = page.file.src_uri
    return site_links(markdown, names.get(place, f"docs/{place}"))


def site_links(markdown: str, name: str) -> str:
    """A page with its links as the site needs them.

    Args:
        markdown: The page.
        name: Its path in the repository.

    Returns:
        The page; links to files that the site has not are left as they are, which a strict build refuses.
    """

    def place(link: re.Match[str]) -> str:
        target = os.path.normpath(PurePosixPath(name).parent / link[1])
        return OUTSIDE.get(target) or (target.removeprefix("docs/") if target.startswith("docs/") else link[1])

    kept = _FENCE.findall(markdown)
    texts = [_LINK.sub(place, text) for text in _FENCE.split(markdown)]
    return "".join(text + fence for text, fence in zip(texts, [*kept, ""], strict=True))


def public_page() -> str:
    """What `import silencio` offers, in the order of its `__all__`, functions first."""
    names = sorted(
        (name for name in public_names() if name != "__version__"), key=lambda name: (name[0].isupper(), name)
    )
    head = "# Reference: `import silencio`\n\nWhat is public; [notebook.md](notebook.md) shows it at work.\n\n"
    return head + "".join(f"::: silencio.{name}\n\n" for name in names)


def public_names() -> list[str]:
    """`silencio.__all__`, read from its file."""
    tree = ast.parse((LIBRARY / "silencio" / "__init__.py").read_text(encoding="utf-8"))
    (names,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and any(isinstance(one, ast.Name) and one.id == "__all__" for one in node.targets)
    )
    return list(ast.literal_eval(names))


def named_page(names: dict[str, str]) -> str:
    """Modules, classes and functions that the documentation names: of modules, what they say of themselves.

    Args:
        names: Names, each with a page that has it.

    Raises:
        UnknownNameError: The library has not what is named.
    """
    head = "# Reference: what the documentation names\n\nOf these everything may change from version to version.\n\n"
    return head + "".join(_entry(name, page) for name, page in sorted(names.items()))


def named_in_docs() -> dict[str, str]:
    """Every dotted name of the library in pages (the change log tells of what was)."""
    pages = [*sorted(DOCS.glob("*.md")), ROOT / "README.md", ROOT / "ARCHITECTURE.md"]
    return {name: page.name for page in pages for name in _NAMED.findall(page.read_text(encoding="utf-8"))}


def _entry(name: str, page: str) -> str:
    if name in entry_point_groups() or name.removeprefix("silencio.") in public_names():
        return ""
    parts = [part for part in name.split(".") if not part.isupper()]  # NAME stands for any
    if _module_file(parts) is not None:
        options = "    options:\n      members: false\n      show_root_full_path: true\n"
        return f"::: {'.'.join(parts)}\n{options}\n"
    if parts[-1] in _defined(_module_file(parts[:-1])):
        return f"::: {'.'.join(parts)}\n    options:\n      show_root_full_path: true\n\n"
    raise UnknownNameError(f"{page} names `{name}`, which is neither in the library nor a group of entry points")


def entry_point_groups() -> set[str]:
    """Of pyproject.toml."""
    return set(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"])


def _module_file(parts: list[str]) -> Path | None:
    path = LIBRARY.joinpath(*parts)
    found = (file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file())
    return next(found, None)


def _defined(file: Path | None) -> Iterator[str]:
    if file is not None:
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                yield node.name
            elif isinstance(node, ast.ImportFrom):
                yield from (one.asname or one.name for one in node.names)
