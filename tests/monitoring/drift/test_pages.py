"""The verdict's pages."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from monitoring.drift.pages.facts import ExplainedPrediction, PageFacts, SiteFacts, TypicalWindow, WindowPair
from monitoring.drift.pages.index import index_page, page_name
from monitoring.drift.pages.site import site_page
from monitoring.drift.pages.timeline import reference_band, signal_lines, timeline
from monitoring.drift.pages.words import ACTIONS, CAUSES, CERTAINTIES
from monitoring.drift.pages.write import write_pages
from silencio.explanations.occlusion import Explanation
from silencio.storage import read_bytes
from tests.monitoring.drift.made_documents import DAY, cause, change, made_document, month, quiet_site, site

SCRIPT = "<script>alert(1)</script>"


class Outline(HTMLParser):
    """What a page holds: tags, links, and whether all that was opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def facts() -> PageFacts:
    waveform = np.random.default_rng(0).integers(-3000, 3000, 160_000).astype(np.int16)
    window = TypicalWindow(
        device_id="am-1",
        recorded_at="2026-05-08 05:40",
        recording_sha256="ab" * 32,
        start_s=5.0,
        facts="Level -38 dB.",
        waveform=waveform,
    )
    missing = TypicalWindow(
        device_id="am-1", recorded_at="2026-05-01", recording_sha256="cd" * 32, start_s=0.0, facts="Level -44 dB."
    )
    known = SiteFacts(
        windows=(WindowPair(device_id="am-1", before=(missing,), after=(window,)),),
        references=("Reference of 7 days.",),
        notes=("12 rows of am-9 were left out.",),
        evidently=("evidently-north.html",),
    )
    return PageFacts(history=[*month(27), made_document()], sites={"north": known})


def test_site_page__answers_what_is_wanted_first(facts: PageFacts) -> None:
    page = site_page(facts.document.sites[0], facts)
    opening = page.partition("<nav")[0]
    for words in (
        CAUSES["microphone_or_site"].title,
        "2026-05-06",
        "am-1",
        CERTAINTIES["likely"],
        ACTIONS["inspect_device"],
        "an alert is due",
        "of 40\u202freviews: 55 to 82",
    ):
        assert words in opening, words
    for words in ("rose by 6 dB", "Reference of 7 days.", "12 rows of am-9", "evidently-north.html", "cdcdcdcdcdcd"):
        assert words in page, words
    assert page.count("data:image/png") == 1


def test_site_page__shows_what_predictions_rest_on(facts: PageFacts) -> None:
    grid = np.zeros((2, 2))
    grid[1, 0] = 0.4
    found = Explanation(grid, 0.83, np.array([50.0, 2_000.0, 14_000.0]), np.array([0.0, 2.5, 5.0]), n_scored=1)
    known = facts.sites["north"]
    (pair,) = known.windows
    after = replace(pair.after[0], explained=ExplainedPrediction(code="grekis", explanation=found))
    explained = replace(known, windows=(replace(pair, after=(after,)),))
    page = site_page(facts.document.sites[0], replace(facts, sites={"north": explained}))
    assert page.count("data:image/png") == 2
    assert "what grekis rests on" in page and "(83%)" in page
    assert "What predictions rest on has moved." in page


def test_pages__need_no_script_and_nothing_from_elsewhere(facts: PageFacts) -> None:
    for page in (index_page(facts), site_page(facts.document.sites[0], facts)):
        outline = Outline(page)
        assert outline.open == []
        assert not outline.tags & {"script", "iframe", "object", "link", "form"}
        assert not [name for name in outline.attributes if name.startswith("on")]
        assert not [link for link in outline.links if re.match(r"^(https?:)?//", link)]


def test_pages__take_every_text_as_text() -> None:
    nasty = site(
        SCRIPT,
        message=SCRIPT,
        causes=(cause(devices=(SCRIPT,), evidence=(SCRIPT,)),),
        signals=(change(device_id=SCRIPT),),
        detections_by_species={SCRIPT: 3},
    )
    facts = PageFacts(history=[made_document(nasty, bundle_name=SCRIPT)])
    for page in (index_page(facts), site_page(nasty, facts)):
        assert "<script" not in page and "&lt;script&gt;" in page


@pytest.mark.parametrize("outcome", ["no_change", "not_enough", "no_reference"])
def test_site_page__of_a_site_without_causes(outcome: str) -> None:
    bare = quiet_site().model_copy(update={"outcome": outcome, "message": "In one sentence."})
    page = site_page(bare, PageFacts(history=[made_document(bare)]))
    assert "In one sentence." in page and "What to do" not in page


def test_site_page__without_recordings_gives_the_reason() -> None:
    known = SiteFacts(why_no_sound="The log keeps no sound, and --recordings was not given.")
    page = site_page(site(), PageFacts(history=[made_document()], sites={"north": known}))
    assert "The log keeps no sound" in page and "data:image/png" not in page


def test_index__alerts_come_first_and_link_to_their_pages() -> None:
    document = made_document(quiet_site("a"), site("b/ü", causes=(cause(alert=False),)), site("z"))
    page = index_page(PageFacts(history=[document]))
    links = [unquote(link) for link in Outline(page).links if "site" in link and not link.startswith("#")]
    assert links == [page_name("z"), page_name("b/ü"), page_name("a")]
    assert "/" not in page_name("b/ü")


def test_index__four_kinds_of_day() -> None:
    assert "1\u202falert" in index_page(PageFacts(history=[made_document()]))
    found = made_document(site(causes=(cause(alert=False),)))
    assert "Changed at 1\u202fsite, no alert" in index_page(PageFacts(history=[found]))
    assert "Nothing to do" in index_page(PageFacts(history=[made_document(quiet_site())]))
    new = quiet_site().model_copy(update={"outcome": "no_reference"})
    page = index_page(PageFacts(history=[made_document(new)]))
    assert "Nothing could be compared" in page and "Nothing to do" not in page


def test_lines__alarms_come_first_then_the_largest_effect() -> None:
    signals = (
        change(signal="snr_db", effect=-9.0, alarm=False),
        change(signal="level_db", effect=1.0, alarm=False),
        change(signal="rolloff_ratio", unit="ratio", effect=-0.21, threshold=0.2, alarm=True),
        # The same as level_db, once more and less; a direction that does not matter.
        change(signal="level_db_against_peers", effect=0.9, alarm=False),
        change(signal="clipped_share", unit="share", effect=-0.9, threshold=0.01, alarm=False),
    )
    lines = signal_lines("north", [made_document(site(signals=signals))], 3)
    assert [line.last.signal for line in lines] == ["rolloff_ratio", "snr_db", "level_db"]


def test_line__has_the_days_on_which_it_was_compared() -> None:
    history = [one for one in month() if one.day != DAY - timedelta(days=5)]
    (line,) = signal_lines("north", history, 6)
    assert len(line.days) == 27 and sum(line.alarms) == 3
    picture = timeline(line, DAY - timedelta(days=27), DAY)
    # Squares beyond the thresholds, dots elsewhere.
    assert picture.count('class="mark"') == 3 and picture.count('class="dot"') == 24
    assert "beyond its thresholds on 3" in picture


@pytest.mark.parametrize(
    ("changes", "band"),
    [
        ({}, (-65.0, -59.0)),
        ({"unit": "ratio", "reference": 4000.0, "threshold": 0.2}, (3200.0, 4800.0)),
        ({"unit": "jsd", "reference": 0.0, "threshold": 0.1}, (0.0, 0.1)),
        ({"unit": "share", "reference": 0.3, "threshold": 0.1}, (pytest.approx(0.2), pytest.approx(0.4))),
    ],
)
def test_band__by_unit(changes: dict, band: tuple[float, float]) -> None:
    assert reference_band(change(**changes)) == band


def test_written__pages_are_the_same_for_the_same_facts(facts: PageFacts, tmp_path: Path) -> None:
    uris = write_pages(str(tmp_path), facts)
    assert [uri.rsplit("/", 1)[-1] for uri in uris] == ["index.html", "site=north.html", "site=south.html"]
    first = [read_bytes(uri) for uri in uris]
    write_pages(str(tmp_path), facts)
    assert [read_bytes(uri) for uri in uris] == first
