"""The report as a whole: complete, self-contained, the same every time, and readable by everybody."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from silencio.evaluation.comparisons import Comparison
from silencio.evaluation.gates import Reason, Verdict
from silencio.reports.inputs import ReportInputs
from silencio.reports.report import write_report
from silencio.taxonomy import ClassList, Species
from tests.unit.reports.conftest import metrics

Report = Callable[[ReportInputs], str]

ALL = [
    "verdict",
    "recordings",
    "examples",
    "comparison",
    "decisions",
    "confusions",
    "slices",
    "species",
    "soundscapes",
    "failure-modes",
    "mislabelled",
    "variants",
    "bundle",
]
_VOID = {"meta", "image", "line", "rect", "circle", "path"}


class Page(HTMLParser):
    """Elements in order, text, and whether every element that was opened is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and self._open[-1] != "style":
            self.texts.append(data.strip())

    def of(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


def _ids(html: str) -> list[str]:
    return [str(section["id"]) for section in Page(html).of("section")]


def test_report__has_every_section_in_order(shown: str) -> None:
    assert _ids(shown) == ALL


def test_report__contents_lead_to_every_section(shown: str) -> None:
    links = [link["href"] for link in Page(shown).of("a")]
    assert links == ["#content", *(f"#{name}" for name in ALL)]


def test_report__leaves_out_what_is_not_known(inputs: ReportInputs, report: Report) -> None:
    evaluation = replace(
        inputs.evaluation, soundscapes={}, failure_modes={}, slices=[], species=[], curve={}, calibration={}
    )
    bare = replace(inputs, evaluation=evaluation, data=None, test=None, predict=None, variants=None, mislabelled=None)
    assert _ids(report(bare)) == ["verdict", "comparison", "confusions", "bundle"]


def test_report__needs_nothing_from_elsewhere(shown: str) -> None:
    html = shown
    page = Page(html)
    assert not page.of("script", "link", "iframe", "img", "object", "base")
    targets = [attributes.get(name) for _, attributes in page.elements for name in ("src", "href", "xlink:href")]
    assert all(one.startswith(("#", "data:image/png;base64,")) for one in targets if one)
    assert not re.search(r"url\(|@import|https?://", html)
    assert not re.search(r"\son\w+=", html)


def test_report__is_the_same_to_the_byte(inputs: ReportInputs, tmp_path: Path) -> None:
    write_report(tmp_path / "one.html", inputs)
    write_report(tmp_path / "two.html", replace(inputs))
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


@pytest.mark.parametrize(
    ("passed", "words", "other"), [(True, "✓ Passed", "✗ Refused"), (False, "✗ Refused", "✓ Passed")]
)
def test_verdict__is_on_the_first_screen(
    inputs: ReportInputs, report: Report, passed: bool, words: str, other: str
) -> None:
    verdict = Verdict([Reason("minimum test top1", passed, "test top1 is as it is.")])
    texts = Page(report(replace(inputs, verdict=verdict))).texts
    assert words in texts[: texts.index("Where not to trust it")]
    assert other not in texts


def test_verdict__gives_every_reason_the_failed_ones_first(shown: str) -> None:
    html = shown
    section = html[html.index('id="verdict"') : html.index('id="recordings"')]
    outcomes = re.findall(r"(✓ met|✗ not met|· not asked)", section)
    assert outcomes == ["✗ not met", "✓ met", "· not asked"]
    assert "calibration error is 0.300" in section
    assert "Test right at first guess is 0.571" in section
    assert "no champion to compare with" in section


def test_opening__counts_conditions_that_decide(shown: str) -> None:
    assert "1 of 2\u202fconditions not met" in shown


def test_opening__of_a_pass_says_how_many_conditions_decided_nothing(inputs: ReportInputs, report: Report) -> None:
    met, missing = Reason("minimum test top1", True, "met: passed."), Reason.not_applied("champion", "none: not asked.")
    words = " ".join(Page(report(replace(inputs, verdict=Verdict([met, missing])))).texts)
    assert "All 1 conditions are met" in words
    assert "1\u202fmore condition decided nothing" in words
    words = " ".join(Page(report(replace(inputs, verdict=Verdict([met])))).texts)
    assert "decided nothing" not in words[: words.index("Where not to trust it")]


def test_calibration_error__stands_with_its_interval(inputs: ReportInputs, shown: str, report: Report) -> None:
    assert "0.14 after (95 % interval 0.00 to 0.37)" in shown
    # Evaluations of earlier versions have none.
    old = {name: value for name, value in inputs.evaluation.calibration.items() if "interval" not in name}
    page = report(replace(inputs, evaluation=replace(inputs.evaluation, calibration=old)))
    assert "0.14 after. The larger a point" in page


def test_opening__says_how_many_and_how_good(shown: str) -> None:
    texts = Page(shown).texts
    opening = " ".join(texts[: texts.index("Where not to trust it")])
    for words in (
        "species it can name 4",
        "57\u202f%",
        "20 to 90\u202f%",
        "2\u202fbirds, 1\u202finsect and 1\u202fmammal",
    ):
        assert words in opening
    assert "40\u202f%" in opening  # of 40 pairs in soundscapes: 30 at one half, 10 at a tenth


def test_slices__show_no_figure_without_its_number_of_recordings(shown: str) -> None:
    html = shown
    section = html[html.index('id="slices"') : html.index('id="species"')]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr.*?</tr>", section)[1:]]
    assert [(row[0], row[1]) for row in rows] == [
        ("All test recordings", "7"),
        ("Birds", "12"),
        ("Species with at most 3 training recordings", "11"),
        ("Recorded at night (18 to 6 h) (too few)", "3"),
    ]
    assert [row[5] for row in rows] == ["20 to 90\u202f%", "20 to 90\u202f%", "0 to 30\u202f%", "\N{EN DASH}"]


def test_slices__with_too_few_recordings_look_different_without_colour(shown: str) -> None:
    html = shown
    section = html[html.index('id="slices"') : html.index('id="species"')]
    assert section.count('class="open dot"') == 1
    assert section.count("(too few)") == 1


def test_slices__change_against_a_champion_is_shown_where_there_is_one(
    inputs: ReportInputs, report: Report, shown: str
) -> None:
    assert "Against the champion" not in shown
    changed = [
        replace(one, change=-0.25, change_interval=(-0.5, -0.1), simultaneous_upper=-0.07)
        for one in inputs.evaluation.slices[:1]
    ]
    evaluation = replace(inputs.evaluation, slices=changed, champion="0a1b2c3d4e5f")
    html = report(replace(inputs, evaluation=evaluation))
    assert "Against the champion 0a1b2c3d4e5f" in html
    assert "\N{MINUS SIGN}25\u202fpoints" in html and "\N{MINUS SIGN}50 to \N{MINUS SIGN}10\u202fpoints" in html
    assert "\N{MINUS SIGN}7\u202fpoints" in html  # what decides


def test_comparison__a_student_and_its_teacher_stand_in_one_table(inputs: ReportInputs, report: Report) -> None:
    own = inputs.evaluation
    evaluation = replace(
        own,
        rows={"student": metrics(top1=0.5), **own.rows},
        bundle_row="student",
        heads={"student": {"student": True}, "ensemble": {"raw_cnn": True, "texture": True}},
        comparisons=[Comparison("ensemble", "top1", -0.1, (-0.2, -0.05), 7)],
        test_set="3f2a9c1b0d4e",
    )
    html = report(replace(inputs, evaluation=evaluation))
    section = html[html.index('id="comparison"') :]
    table = section[section.index("<table>") : section.index("</table>")]
    assert "Metrics on 7\u202ftest recordings, test set 3f2a9c1b0d4e" in table
    teacher = "its teacher (ensemble of raw_cnn and texture)"
    for name in ("this bundle (student)", teacher, "head raw_cnn of its teacher"):
        assert f">{name}</th>" in table
    assert f"one head that learned from {teacher}." in section
    differences = section[section.index("Difference in right at first guess") :]
    assert f">{teacher}</th>" in differences and "\N{MINUS SIGN}10\u202fpoints" in differences


def test_species__as_many_as_the_configuration_says(inputs: ReportInputs, report: Report) -> None:
    html = report(replace(inputs, slices=inputs.slices.model_copy(update={"n_worst": 2})))
    section = html[html.index('id="species"') : html.index('id="soundscapes"')]
    n_tested = len(inputs.evaluation.species)
    assert f"The 2 worst species of {n_tested} tested" in section
    of_all = report(replace(inputs, slices=inputs.slices.model_copy(update={"n_worst": n_tested})))
    # Where all are listed none is a worst one.
    assert "<h2>All tested species, the worst first</h2>" in of_all
    assert "worst species" not in of_all
    assert f"of {n_tested} tested" not in of_all
    assert "Jaguar" in section and "Great Kiskadee</th>" not in section


def test_report__what_data_say_is_text(inputs: ReportInputs, report: Report) -> None:
    hostile = "<script>alert('x')</script>\"'&"
    species = [
        *inputs.classes.species[1:],
        Species(code="1139490", scientific_name=hostile, common_name=hostile, class_name=hostile),
    ]
    answers = [{**one, "recording_id": one["recording_id"], "path": hostile} for one in inputs.evaluation.answers]
    manifest = inputs.manifest.model_copy(
        update={
            "classes": ClassList.of(species),
            "licences": {"verdict": hostile, "recordings": {hostile: 3}, "weights": {hostile: hostile}},
            "parents": {hostile: hostile},
        }
    )
    verdict = Verdict([Reason(hostile, False, hostile)])
    evaluation = replace(inputs.evaluation, answers=answers, champion=hostile)
    html = report(replace(inputs, manifest=manifest, verdict=verdict, evaluation=evaluation))
    page = Page(html)
    assert not page.of("script")
    assert "<script" not in html
    assert any(hostile in text for text in page.texts)


def test_report__pictures_and_tables_have_words(shown: str) -> None:
    page = Page(shown)
    assert page.of("html")[0]["lang"] == "en"
    for picture in page.of("svg"):
        assert picture.get("aria-hidden") == "true" or (picture["role"] == "img" and picture["aria-label"])
    tables = page.of("table")
    assert len(tables) == len(page.of("caption"))
    assert all(heading.get("scope") in ("col", "row") for heading in page.of("th"))
    regions = [one for one in page.of("div") if one.get("class") == "scroll"]
    assert len(regions) == len(tables)
    assert all(one.get("tabindex") == "0" and one.get("aria-label") for one in regions)
    # Who goes from region to region is told which is which.
    assert len({one["aria-label"] for one in regions}) == len(regions)


def test_report__headings_skip_no_level(shown: str) -> None:
    levels = [int(tag[1]) for tag, _ in Page(shown).elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def _palettes() -> list[dict[str, str]]:
    css = (files("silencio.reports") / "report.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\}", css, re.S)
    return [dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", block)) for block in blocks]


def _contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio of two colours."""

    def luminance(colour: str) -> float:
        bands = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [band / 12.92 if band <= 0.04045 else ((band + 0.055) / 1.055) ** 2.4 for band in bands]
        return float(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("number", [0, 1], ids=["light", "dark"])
def test_style__text_can_be_read(number: int) -> None:
    palettes = _palettes()
    assert palettes[0].keys() == palettes[1].keys()
    colours = palettes[number]
    for background in ("page", "raised"):
        for text in ("ink", "soft", "green", "right", "wrong"):
            assert _contrast(colours[text], colours[background]) >= 4.5, (text, background)
        for mark in ("third", "faint"):
            assert _contrast(colours[mark], colours[background]) >= 3.0, (mark, background)
    assert _contrast(colours["ink"], colours["heat"]) >= 4.5


def test_style__is_dark_on_a_screen_alone_so_print_is_light() -> None:
    css = (files("silencio.reports") / "report.css").read_text(encoding="utf-8")
    assert "@media screen and (prefers-color-scheme: dark)" in css
    assert css.count("prefers-color-scheme") == 1


def test_variants__both_and_what_is_released(shown: str) -> None:
    section = shown.split('id="variants"')[1]
    for words in ("Released: int8. It is faster and loses next to nothing.", "4.0 MB", "12.0 ms", "0.612", "98\u202f%"):
        assert words in section


def test_failure_modes__numbers_that_are_none_are_said_aloud(inputs: ReportInputs, report: Report, shown: str) -> None:
    modes: dict[str, Any] = inputs.evaluation.failure_modes
    broken = {**modes, "nothing_to_name": [{**modes["nothing_to_name"][0], "n_not_finite": 3}]}
    words = "3 probabilities were no numbers at all."
    assert words not in shown
    assert words in report(replace(inputs, evaluation=replace(inputs.evaluation, failure_modes=broken)))


def test_bundle__says_where_it_comes_from_and_what_may_be_done(shown: str) -> None:
    section = shown.split('id="bundle"')[1]
    for words in ("8b6b9ca1fd78", "data fingerprint", "ffffffffffff", "Commercial use not excluded.", "CC BY 4.0"):
        assert words in section
    assert "image digest" not in section  # empty


def test_recordings__are_counted_by_kind_and_part(shown: str) -> None:
    html = shown
    section = html[html.index('id="recordings"') : html.index('id="examples"')]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)[:7] for row in re.findall(r"<tr.*?</tr>", section)]
    assert rows[1] == ["birds", "2", "8", "12\u202fmin", "4", "2", "2"]
    assert rows[4] == ["all", "4", "16", "24\u202fmin", "8", "4", "4"]
    assert "16\u202frecordings of 4\u202fspecies, 24\u202fmin" in section


def test_recordings__with_folds_have_a_picture_of_what_learned_and_what_was_tested(
    inputs: ReportInputs, report: Callable[[ReportInputs], str]
) -> None:
    data = inputs.data.assign(split="train", fold=0) if inputs.data is not None else None
    html = report(replace(inputs, evaluation=replace(inputs.evaluation, n_folds=3), data=data, test=None))
    section = html[html.index('id="recordings"') :]
    picture = section[section.index("<svg") : section.index("</svg>")]
    assert "each of 3 models learns from all parts but one" in picture.lower()
    assert [picture.count(words) for words in (">tested<", ">model that ships<", 'class="piece-0"')] == [3, 1, 9]
    # No column of splits: there is one.
    assert ">validation<" not in section[: section.index("</table>")]
    assert "on each of them the same recipe was tested without it" in html
    assert "test recordings" not in html[: html.index('id="verdict"')]
    assert 'id="examples"' not in html
