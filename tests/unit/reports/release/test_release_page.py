"""One page of a release: for every state, with and without evidence, the same facts for people and for programs."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import pytest

from silencio.release.policy import ReleasePolicy
from silencio.release.record import Intention, State
from silencio.reports.release import HTML, JSON, Licences, Look, ReleaseInputs, write_release_page
from silencio.reports.release.collect import collect
from silencio.reports.release.facts import Link, ReleaseFacts
from silencio.reports.release.words import STATES
from silencio.reports.release.write import as_html, as_json
from silencio.reports.wording import NOTHING
from tests.unit.reports.release.conftest import at, errors, event, made_record

STATE_NAMES = get_args(State)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(" ".join(data.split()))


def read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    return reader


def html_of(inputs: ReleaseInputs) -> str:
    return as_html(collect(inputs), inputs.sounds)


def words_of(inputs: ReleaseInputs) -> str:
    return " ".join(read(html_of(inputs)).texts)


def plain(text: str) -> str:
    """With blanks and minus signs as they are typed."""
    return text.replace("\u202f", " ").replace("\N{MINUS SIGN}", "-")


def bare(**changes: Any) -> ReleaseInputs:
    """A release of which nothing but the record is known."""
    return ReleaseInputs(record=made_record(**{"intervals": (), "history": (), "why": ""} | changes), written_at=at(75))


def test_page__has_every_section_with_all_evidence(inputs: ReleaseInputs) -> None:
    html = html_of(inputs)
    for name in ("rules", "evidence", "replay", "species", "windows", "exposure", "unseen", "licences", "history"):
        assert f'<section id="{name}">' in html
        assert f'href="#{name}"' in html


@pytest.mark.parametrize("state", STATE_NAMES)
@pytest.mark.parametrize("has_evidence", [True, False])
def test_page__stands_for_every_state_with_and_without_evidence(
    state: State, has_evidence: bool, inputs: ReleaseInputs
) -> None:
    changes: dict[str, Any] = {"state": state, "held_from": "step" if state == "held" else None}
    made = replace(inputs, record=made_record(**changes)) if has_evidence else bare(**changes)
    html = html_of(made)
    assert STATES[state].title in html
    assert STATES[state].means in html
    assert "None" not in " ".join(read(html).texts)
    assert ReleaseFacts.model_validate_json(as_json(collect(made))) == collect(made)


@pytest.mark.parametrize("name", STATE_NAMES)
def test_words__are_there_for_every_state(name: State) -> None:
    assert STATES[name].means.endswith(".")
    assert STATES[name].next.endswith(".")


def test_page__of_a_bare_release_says_of_every_part_that_there_is_nothing() -> None:
    words = words_of(bare(state="staged"))
    for sentence in (
        "No labelled recordings were replayed to both bundles.",
        "The bundles' answers have not been compared species by species.",
        "No windows were compared.",
        "Nobody has met the challenger, no simulated user either.",
        "What the licences allow is not known here.",
        "Nothing has happened yet.",
    ):
        assert sentence in words


def test_opening__says_version_state_step_since_when_by_whom_and_why(inputs: ReleaseInputs) -> None:
    opening = html_of(inputs).partition("<nav")[0]
    words = " ".join(read(opening).texts)
    for part in (
        "Release silencio-13-a1b2",
        "Bundle 13 instead of bundle 12",
        "Meeting visitors",
        "Simulated users, replay and shadow traffic passed.",
        "5 %",
        "step 2 of 6",
        "2026-11-30 07:40 UTC",
        "by auto",
    ):
        assert part in words


def test_since__is_when_the_state_and_share_came_and_not_the_last_event(inputs: ReleaseInputs) -> None:
    record = inputs.record
    approved = record.model_copy(update={"history": (*record.history, event(60, "step", 5.0, "Ana approved", "Ana"))})
    headline = collect(replace(inputs, record=approved)).headline
    assert (headline.since, headline.by) == (at(40), "auto")


def test_since__of_a_record_without_history_is_when_its_step_began() -> None:
    headline = collect(bare()).headline
    assert (headline.since, headline.by) == (at(40), "Ana")


def test_opening__names_what_is_being_done_and_not_confirmed(inputs: ReleaseInputs) -> None:
    intention = Intention(target="step", step=2, share_percent=10.0, why="every rule passed", written_at=at(70))
    record = inputs.record.model_copy(update={"intention": intention})
    words = words_of(replace(inputs, record=record))
    assert "Being done, not confirmed yet: Meeting visitors, 10 %: every rule passed." in words
    assert "Being done" not in words_of(inputs)


def test_opening__names_the_rule_that_decided(inputs: ReleaseInputs) -> None:
    record = made_record(state="rolled_back", share_percent=0.0, rule="errors", why="E reached 412 of 400.")
    facts = collect(replace(inputs, record=record))
    assert facts.headline.decided_by == "errors"
    assert "is the rule that decided" in words_of(replace(inputs, record=record))


def test_rules__every_rule_of_the_policy_has_a_row_evaluated_or_not(inputs: ReleaseInputs) -> None:
    facts = {one.rule: one for one in collect(inputs).rules}
    assert list(facts) == list(ReleasePolicy.shipped().rules)
    assert facts["replay"].outcome == "no_data"
    assert facts["replay"].evaluated_at is None
    assert facts["errors"].evaluated_at == at(45)
    assert facts["errors"].e_value == 16.0
    html = html_of(inputs)
    for name in facts:
        assert f"<code>{name}</code>" in html


def test_rules__a_rule_that_only_a_look_has_is_shown_too(inputs: ReleaseInputs) -> None:
    look = Look(at=at(50), verdicts=[errors(None, rule="battery_life")])
    assert collect(replace(inputs, looks=[look])).rules[-1].rule == "battery_life"


def test_rules__a_verdict_of_an_earlier_look_stays_with_its_time(inputs: ReleaseInputs) -> None:
    looks = [*inputs.looks, Look(at=at(50), verdicts=[])]
    (found,) = [one for one in collect(replace(inputs, looks=looks)).rules if one.rule == "errors"]
    assert found.evaluated_at == at(45)


def test_rules__row_has_what_the_issue_wants_in_it(inputs: ReleaseInputs) -> None:
    row = html_of(inputs).partition("<code>errors</code>")[2].partition("</tr>")[0]
    words = read(row).texts
    # Champion, challenger, ratio, bounds (open above), n, E, 1/alpha and the smallest effect.
    for cell in ("2 %", "10 %", "5", "from 0.4", "20", "16", "400", "a failure rate 6.2 times the champion's"):
        assert cell in words
    assert "✓ pass" in words
    assert "roll back" in words


def test_rules__an_outcome_is_told_by_a_word_and_not_by_colour_alone(inputs: ReleaseInputs) -> None:
    looks = [Look(at=at(50), verdicts=[errors(500.0, outcome="fail")])]
    assert "✗ fail" in words_of(replace(inputs, looks=looks))


def test_unseen__has_rules_without_data_and_the_smallest_visible_effects(inputs: ReleaseInputs) -> None:
    unseen = {one.what: one.why for one in collect(inputs).unseen}
    assert unseen["errors"] == "Nothing smaller than a failure rate 6.2 times the champion's would have been seen."
    assert unseen["slow"] == "The champion's p95 is not known yet."
    assert unseen["shadow traffic"] == "The transformer was started without --shadow."
    assert "labelled recordings" not in unseen
    assert "labelled recordings" in {one.what for one in collect(replace(inputs, replay=None)).unseen}


def test_species__gone_ones_stand_first_then_new_ones_with_both_thresholds_and_days(inputs: ReleaseInputs) -> None:
    found = collect(inputs).species
    assert found is not None
    assert [one.listed for one in found.rows] == ["gone", "new", "both"]
    words = words_of(inputs)
    assert "1 is new in the challenger's list: A new frog." in words
    assert "1 is gone from it: Jaguar." in words
    row = read(_row(html_of(inputs), "Great Kiskadee")).texts
    assert {"9", "3", "0", "37", "19", "0.25", "0.40"} <= set(row)


def _row(html: str, name: str) -> str:
    table = html.partition('id="species"')[2]
    return table.partition("<tbody>")[2].partition(name)[2].partition("</tr>")[0]


def test_species__a_number_that_is_not_known_is_a_dash_and_not_zero(inputs: ReleaseInputs) -> None:
    # Detections a day now: the champion has no such class.
    assert NOTHING in read(_row(html_of(inputs), "A new frog")).texts


def test_flips__stand_beside_the_churn_of_the_champions_own_recipe(inputs: ReleaseInputs) -> None:
    words = words_of(inputs)
    assert "Right before and wrong now: 4 recordings of 80 (5 %)" in words
    assert "Between two retrainings of the champion's own recipe 6 % flip" in words
    assert inputs.flips is not None
    unknown = replace(inputs, flips=inputs.flips.model_copy(update={"churn_floor": None}))
    assert "It is not known how many there would be" in words_of(unknown)
    assert "churn" in {one.what for one in collect(unknown).unseen}


def test_windows__are_the_ten_of_largest_disagreement_with_sound_where_it_is_at_hand(inputs: ReleaseInputs) -> None:
    shown = collect(inputs).windows
    assert [one.recording for one in shown] == [f"dawn-{number}.ogg" for number in range(10)]
    assert [one.has_spectrogram for one in shown] == [True, *[False] * 9]
    html = html_of(inputs)
    assert html.count("<image ") == 1
    assert html.count("The recording is not at hand.") == 9


def test_windows__say_what_either_bundle_detects(inputs: ReleaseInputs) -> None:
    words = words_of(inputs)
    assert "Great Kiskadee: champion 90 %, challenger 10 %" in plain(words)
    assert "Champion detects Great Kiskadee; challenger nothing." in words


def test_replay__has_every_slice_with_its_bound_and_small_ones_without(inputs: ReleaseInputs) -> None:
    html = html_of(inputs)
    failed = read(html.partition("taxon class Amphibia</th>")[2].partition("</tr>")[0]).texts
    assert [plain(one) for one in failed] == ["40", "-30 points", "-10 points", "1", "13", "✗ fail"]
    small = read(html.partition("night</th>")[2].partition("</tr>")[0]).texts
    assert small == ["3", *[NOTHING] * 5, "too few, shown only"]
    assert "lies in -3 points to +12 points (90 % interval)" in plain(words_of(inputs))
    assert "7 recordings left out: the champion learned from it" in plain(words_of(inputs))


def test_replay__of_recordings_that_were_all_left_out_is_not_a_pass(inputs: ReleaseInputs) -> None:
    assert inputs.replay is not None
    nothing = {"n": 0, "champion_right": None, "challenger_right": None, "interval": None, "slices": ()}
    words = words_of(replace(inputs, replay=inputs.replay.model_copy(update=nothing)))
    assert "Every labelled recording was left out" in words


def test_exposure__counts_visitors_and_keeps_simulated_users_apart(inputs: ReleaseInputs) -> None:
    found = collect(inputs).exposure
    assert (found.requests, found.units, found.failed_requests) == (100, 20, 6)
    # 100 requests at the champion's 2 %.
    assert found.expected_failures == pytest.approx(2.0)
    assert [(one.is_simulated, one.step) for one in found.rows] == [(True, 0), (False, 1)]
    assert "the release caused about 4.0" in words_of(inputs)


def test_licences__that_differ_are_said(inputs: ReleaseInputs) -> None:
    assert "(non-commercial use only) is not what may be done with the champion" in words_of(inputs)
    same = Licences(champion="commercial use not excluded", challenger="commercial use not excluded")
    assert "Licences allow the same of both bundles." in words_of(replace(inputs, licences=same))


def test_links__lead_to_pages_and_to_nothing_else(inputs: ReleaseInputs) -> None:
    links = [
        Link(name="there", address="https://example.org/a?b=1"),
        Link(name="beside", address="verdict.json"),
        Link(name="evil", address="javascript:alert(1)"),
        Link(name="worse", address="data:text/html,x"),
    ]
    found = {one["href"] for tag, one in read(html_of(replace(inputs, links=links))).tags if tag == "a"}
    assert {"https://example.org/a?b=1", "verdict.json"} <= found
    assert not [one for one in found if one and re.match("javascript|data", one)]


def test_page__is_one_document_without_script_and_without_anything_from_elsewhere(inputs: ReleaseInputs) -> None:
    html = html_of(replace(inputs, links=[]))
    assert html.startswith("<!doctype html>")
    assert not re.search(r"<(script|link|iframe|img)\b", html)
    sources = [one.get("href") or one.get("src") for _, one in read(html).tags if {"href", "src"} & one.keys()]
    assert all(str(one).startswith(("#", "data:image/png;base64,")) for one in sources)


HOSTILE = "<script>alert('x')</script>"


def test_page__what_data_say_is_text_and_no_markup(inputs: ReleaseInputs) -> None:
    record = made_record(
        why=HOSTILE, by=HOSTILE, release_id=HOSTILE, history=(event(0, "step", 5.0, HOSTILE, HOSTILE),)
    )
    looks = [Look(at=at(50), verdicts=[errors(1.0, message=HOSTILE, smallest_visible=HOSTILE)])]
    html = html_of(replace(inputs, record=record, looks=looks, not_seen={HOSTILE: HOSTILE}))
    assert "<script" not in html
    assert HOSTILE in " ".join(read(html).texts)


def test_page__is_the_same_every_time(inputs: ReleaseInputs) -> None:
    assert html_of(inputs) == html_of(inputs)


def test_files__are_written_side_by_side_and_hold_the_same_facts(inputs: ReleaseInputs, tmp_path: Path) -> None:
    facts = write_release_page(tmp_path / "release", inputs)
    kept = json.loads((tmp_path / "release" / JSON).read_text(encoding="utf-8"))
    assert ReleaseFacts.model_validate(kept) == facts
    assert (tmp_path / "release" / HTML).read_text(encoding="utf-8") == as_html(facts, inputs.sounds)


def test_html__shows_every_sentence_of_the_json(inputs: ReleaseInputs) -> None:
    facts, words = collect(inputs), words_of(inputs)
    sentences = [facts.why, facts.next, str(facts.licence_change)]
    sentences += [one.message for one in facts.rules] + [one.why for one in facts.unseen]
    sentences += [one.why for one in facts.history]
    assert not [one for one in sentences if one not in words]
