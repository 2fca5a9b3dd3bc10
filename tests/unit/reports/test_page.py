"""Pages for people."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from silencio.reports import bars, curve, page
from silencio.reports.markup import Markup
from silencio.reports.page import Block

HOSTILE = "<script>alert('x')</script> & <b>"
ESCAPED = "&lt;script&gt;"


def _page(path: Path, *blocks: Block | tuple[str, Block], title: str = "Recordings") -> str:
    page(title, list(blocks), path / "report.html")
    return (path / "report.html").read_text(encoding="utf-8")


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data.strip())


def _texts(html: str) -> list[str]:
    parser = _Text()
    parser.feed(html)
    return parser.texts


def test_page__holds_title_headings_and_blocks_in_order(tmp_path: Path) -> None:
    table = pd.DataFrame({"species": ["grekis"]})
    html = _page(tmp_path, "First.", ("Heading", "Second."), ("Table", table), Markup("<svg>picture</svg>"))
    texts = [text for text in _texts(html) if "font" not in text]
    assert texts == [
        "Recordings",
        "Recordings",
        "First.",
        "Heading",
        "Second.",
        "Table",
        "species",
        "grekis",
        "picture",
    ]


def test_page__is_one_html_document(tmp_path: Path) -> None:
    html = _page(tmp_path, "A sentence.")
    assert html.startswith("<!doctype html>")
    assert html.endswith("</html>")
    assert '<meta charset="utf-8">' in html


def test_page__needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    html = _page(tmp_path, pd.DataFrame({"a": [1]}), curve([1.0, 0.5], "epoch", "loss"))
    assert not re.search(r"<(script|link|img|iframe)\b", html)
    assert not re.search(r"(src|href)=\"(?!#)", html.replace("xlink:href", "href"))


@pytest.mark.parametrize(
    "blocks",
    [
        pytest.param([HOSTILE], id="sentence"),
        pytest.param([(HOSTILE, "calm")], id="heading"),
        pytest.param([pd.DataFrame({"a": [HOSTILE]})], id="cell"),
        pytest.param([pd.DataFrame({HOSTILE: ["a"]})], id="column"),
    ],
)
def test_page__what_data_says_is_text_not_markup(tmp_path: Path, blocks: list[Block | tuple[str, Block]]) -> None:
    html = _page(tmp_path, *blocks)
    assert "<script" not in html
    assert ESCAPED in html
    assert HOSTILE in _texts(html)


def test_page__a_title_is_text_in_both_places(tmp_path: Path) -> None:
    html = _page(tmp_path, title=HOSTILE)
    assert "<script" not in html
    assert html.count(ESCAPED) == 2


def test_table__shows_every_row(tmp_path: Path) -> None:
    texts = _texts(_page(tmp_path, pd.DataFrame({"recording": [f"recording {n}" for n in range(500)]})))
    assert {f"recording {n}" for n in range(500)} <= set(texts)


def test_table__shows_every_column(tmp_path: Path) -> None:
    texts = _texts(_page(tmp_path, pd.DataFrame({f"column {n}": [n] for n in range(50)})))
    assert {f"column {n}" for n in range(50)} <= set(texts)


def test_table__cuts_no_text_short(tmp_path: Path) -> None:
    reason = "not audio that can be decoded (123456 bytes): " + "a reason that libsndfile gives at length " * 5
    assert reason.strip() in _texts(_page(tmp_path, pd.DataFrame({"reason": [reason]})))


def test_table__figures_have_three_decimals_counts_none_and_codes_stay(tmp_path: Path) -> None:
    table = pd.DataFrame({"code": ["0126247"], "mAP": [0.123456], "recordings": [1234]})
    texts = _texts(_page(tmp_path, table))
    assert texts[-3:] == ["0126247", "0.123", "1234"]


def test_page__any_script_survives(tmp_path: Path) -> None:
    assert "Señorita ñandú 鳥" in _page(tmp_path, "Señorita ñandú 鳥")


def test_page__makes_its_folder_and_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "split" / "page.html"
    page("The former page", [], path)
    page("Another", [], path)
    assert "The former page" not in path.read_text()


def test_figures__are_svg_to_be_put_into_a_page(tmp_path: Path) -> None:
    for figure in (curve([3.0, 2.0, 1.0], "epoch", "loss"), bars({"train": [1, 2], "test": [1, 0]}, ["a", "b"], "n")):
        assert figure.startswith("<svg")
        assert figure.rstrip().endswith("</svg>")
        assert figure in _page(tmp_path, ("A picture", figure))


def test_bars__have_a_piece_for_each_part_and_a_place_for_each_name() -> None:
    names = ["0126247", "1139490", "grekis"]
    svg = bars({"train": [3, 2, 1], "validation": [1, 1, 1], "test": [1, 1, 1]}, names, "recordings")
    for text in (*names, "train", "validation", "test", "recordings"):
        assert f">{text}</text>" in svg
    assert [svg.count(f'class="piece-{number}"') for number in range(3)] == [4, 4, 4]  # with the legend's


def test_curve__of_one_epoch_can_be_drawn() -> None:
    assert ">loss</text>" in curve([1.5], "epoch", "loss")


def test_curve__falls_downwards_over_its_numbers() -> None:
    svg = curve([2.0, 1.0, 0.5], "epoch", "loss")
    line = re.search(r'<path d="M([^"]+)"', svg)
    assert line
    points = [[float(value) for value in point.split()] for point in line[1].split("L")]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert [y for _, y in points] == sorted(y for _, y in points)
    assert re.findall(r'text-anchor="middle" class="tick">([^<]+)<', svg) == ["1", "2", "3"]


def test_curve__a_loss_that_is_no_number_leaves_a_gap() -> None:
    assert "nan" not in curve([2.0, float("nan"), 0.5], "epoch", "loss").split(">", 1)[1]


def test_bars__pieces_of_one_name_follow_each_other() -> None:
    svg = bars({"train": [3, 1], "test": [1, 0]}, ["a", "b"], "recordings")
    rows = re.findall(r'<rect x="([\d.]+)" y="33" width="([\d.]+)"', svg)
    (first, width), (second, rest) = ((float(x), float(w)) for x, w in rows)
    assert second == pytest.approx(first + width, abs=0.02)
    assert width == pytest.approx(3 * rest, abs=0.05)


def test_figures__are_the_same_every_time() -> None:
    assert curve([1.0, 0.5], "epoch", "loss") == curve([1.0, 0.5], "epoch", "loss")


def test_table__is_a_region_that_a_screen_reader_calls_as_its_heading(tmp_path: Path) -> None:
    html = _page(tmp_path, ("Loss by curve", pd.DataFrame({"curve": ["beta"], "log-loss": [0.25]})))
    assert 'role="region" aria-label="Loss by curve"' in html
    assert _texts(html).count("Loss by curve") == 1
    assert '<th scope="row">beta</th><td class="number">0.250</td>' in html
