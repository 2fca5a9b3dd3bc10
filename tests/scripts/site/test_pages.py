"""The site has every page of the documentation, its links lead from page to page, and it names what there is."""

from __future__ import annotations

import re

import pytest

import silencio
from scripts.site.pages import (
    DOCS,
    OUTSIDE,
    ROOT,
    UnknownNameError,
    named_in_docs,
    named_page,
    public_names,
    public_page,
    site_links,
)

MADE = {"api.md", "api_named.md"}


@pytest.mark.parametrize(
    ("name", "link", "of_the_site"),
    [
        ("README.md", "docs/data.md", "data.md"),
        ("README.md", "docs/domains.md#your-own-sounds", "domains.md#your-own-sounds"),
        ("README.md", "docs/openapi.json", "openapi.json"),
        ("README.md", "ARCHITECTURE.md", "ARCHITECTURE.md"),
        ("ARCHITECTURE.md", "README.md#limits", "index.md#limits"),
        ("docs/predict.md", "../README.md", "index.md"),
        ("docs/running.md", "../ARCHITECTURE.md", "ARCHITECTURE.md"),
        ("docs/alerts.md", "../monitoring/runbooks/SilencioSlow.md", "runbooks/SilencioSlow.md"),
        ("docs/predict.md", "streams.md#exactly-once", "streams.md#exactly-once"),
        # What is no page stays: of its own page, of the web; or what a strict build refuses.
        ("README.md", "#limits", "#limits"),
        ("docs/predict.md", "https://example.org/docs/x.md", "https://example.org/docs/x.md"),
        ("docs/predict.md", "../src/silencio/errors.py", "../src/silencio/errors.py"),
    ],
)
def test_link__leads_to_the_same_page_of_the_site(name: str, link: str, of_the_site: str) -> None:
    assert site_links(f"See [it]({link}), and\n", name) == f"See [it]({of_the_site}), and\n"


def test_link__in_a_block_of_code_is_left_alone() -> None:
    text = "[a](docs/a.md)\n\n```md\n[a](docs/a.md)\n```\n\n[b](docs/b.md)\n"
    assert site_links(text, "README.md") == "[a](a.md)\n\n```md\n[a](docs/a.md)\n```\n\n[b](b.md)\n"


def test_site__lists_every_page_once() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    pages = re.findall(r"- (\S+\.md)$", navigation, re.MULTILINE)
    assert sorted(pages) == sorted({*OUTSIDE.values(), *MADE, *(page.name for page in DOCS.glob("*.md"))})


def test_public_page__has_every_public_name() -> None:
    assert public_names() == silencio.__all__
    assert sorted(re.findall(r"^::: silencio\.(\w+)$", public_page(), re.MULTILINE)) == sorted(
        set(silencio.__all__) - {"__version__"}
    )


def test_named_page__has_what_the_documentation_names() -> None:
    page = named_page(named_in_docs())
    assert "::: silencio.audio\n    options:\n      members: false" in page
    assert "::: silencio.data.soundscapes.generate_soundscapes\n" in page


def test_named_page__takes_what_a_package_offers_from_its_files() -> None:
    assert "::: silencio.detections.prior.BirdnetRange\n" in named_page(
        {"silencio.detections.prior.BirdnetRange": "x.md"}
    )


def test_named_page__leaves_out_what_has_another_place() -> None:
    names = {"silencio.commands": "x.md", "silencio.predict": "x.md"}
    assert ":::" not in named_page(names)
    assert "::: silencio.steps\n" in named_page({"silencio.steps.NAME": "x.md"})


@pytest.mark.parametrize("name", ["silencio.no_such_room", "silencio.audio.no_such_function", "silencio.no_room.Thing"])
def test_named_page__refuses_what_the_library_has_not(name: str) -> None:
    with pytest.raises(UnknownNameError, match=rf"^data\.md names `{name}`"):
        named_page({name: "data.md"})
