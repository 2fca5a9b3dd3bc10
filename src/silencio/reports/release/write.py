"""The release's one page: `release.html` for people and `release.json` for programs, of the same facts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from silencio.reports.document import document
from silencio.reports.release.collect import collect
from silencio.reports.release.comparison_sections import replay, species, windows
from silencio.reports.release.facts import ReleaseFacts
from silencio.reports.release.inputs import ReleaseInputs, WindowSound
from silencio.reports.release.opening import opening, title
from silencio.reports.release.other_sections import exposure, history, licences
from silencio.reports.release.rule_sections import evidence, rules, unseen
from silencio.reports.release.words import STATES
from silencio.storage import write_atomically

HTML, JSON = "release.html", "release.json"


def write_release_page(folder: Path, inputs: ReleaseInputs) -> ReleaseFacts:
    """Write both files.

    Args:
        folder: Gets them; it is made.
        inputs: The record and whatever evidence there is.

    Returns:
        What stands in them.

    Raises:
        StorageError: The disk is full, or the place cannot be written to.
        ValueError: The record's policy or its intervals are not what this version writes.
    """
    facts = collect(inputs)
    write_atomically(folder / JSON, as_json(facts))
    write_atomically(folder / HTML, as_html(facts, inputs.sounds))
    return facts


def as_json(facts: ReleaseFacts) -> str:
    """The facts as docs/release.schema.json describes them."""
    return json.dumps(facts.model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def as_html(facts: ReleaseFacts, sounds: Mapping[tuple[str, float], WindowSound]) -> str:
    """One self-contained page: no script, nothing from elsewhere, the same bytes for the same facts.

    Args:
        facts: What stands on it.
        sounds: Sound of some of its windows, by (recording, begin_s).
    """
    made = [
        rules(facts),
        evidence(facts),
        replay(facts.replay, facts.flips),
        species(facts.species),
        windows(facts.windows, sounds),
        exposure(facts),
        unseen(facts),
        licences(facts),
        history(facts),
    ]
    name = f"{title(facts)}: {STATES[facts.headline.state].title.lower()}"
    return document(name, opening(facts), [section for section in made if section is not None])
