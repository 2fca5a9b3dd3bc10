"""Causes, outcomes and actions as the person reads them who looks at the page first in the morning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from silencio.drift.document import Action, Cause, Certainty, Outcome, SignalChange
from silencio.drift.signals import AGAINST_PEERS


@dataclass(frozen=True)
class CauseWords:
    """How a cause is called.

    Attributes:
        title: As the subject of a sentence's end: `Something changed: TITLE`.
        means: One sentence.
    """

    title: str
    means: str


CAUSES: Mapping[Cause, CauseWords] = {
    "release": CauseWords("a release", "Another bundle answers; what it finds is not compared with the one before."),
    "client_or_pipeline": CauseWords(
        "the client or the pipeline", "Recordings come in another format, rate or length, or fail to decode."
    ),
    "microphone_or_site": CauseWords(
        "a microphone or its site", "A recorder is heard otherwise at all times of day, and its peers are not."
    ),
    "weather_and_noise": CauseWords(
        "weather and noise", "Most recorders of the site are louder at once, as in rain or wind; it passes."
    ),
    "season_or_species_mix": CauseWords(
        "the season or the mix of species", "Other animals call than in the reference; the recorders are as they were."
    ),
    "model_decay": CauseWords(
        "the model", "With recorders and species as they were, the detections are less certain or less often right."
    ),
    "unexplained": CauseWords("unexplained", "Something changed, and no row of the table of causes matches."),
}

OUTCOMES: Mapping[Outcome, tuple[str, Literal["passed", "refused", ""]]] = {
    "no_change": ("Nothing changed", "passed"),
    "changed": ("Changed", "refused"),
    "not_enough": ("Not enough recordings", ""),
    "no_reference": ("No reference yet", ""),
}

CERTAINTIES: Mapping[Certainty, str] = {
    "confirmed": "confirmed: by labels, or by a fact of the log",
    "likely": "likely: the evidence fits this row of the table and no earlier one",
    "suspected": "suspected: to be confirmed by reviews or by a look at the recorder",
}

ACTIONS: Mapping[Action, str] = {
    "none": "Nothing to do.",
    "look": "Look at the evidence below; nothing was started.",
    "review": "Have detections of these days reviewed: labels decide whether the model is still right.",
    "retrain": "Retrain with recordings of these days, then release by the usual way.",
    "inspect_device": "Inspect the recorder: microphone, foam, gain, place. After a repair start a new reference.",
    "roll_back": "Roll the release back (silencio release rollback), or approve the change.",
}

# A value is written with its unit.
_SUFFIXES = ("_db", "_jsd", "_ratio")
_UNITS = {"db": " dB", "share": "", "ratio": "", "jsd": "", "probability": ""}


def outcome_words(outcome: Outcome, causes: tuple[Cause, ...]) -> str:
    """The badge: `Changed: a microphone or its site`."""
    title = OUTCOMES[outcome][0]
    return f"{title}: {' and '.join(CAUSES[one].title for one in causes)}" if causes else title


def signal_words(name: str) -> str:
    """A signal's name as people read it: `floor band 7, against peers`.

    Args:
        name: As drift.json has it.
    """
    plain = name.removesuffix(AGAINST_PEERS)
    for unit in _SUFFIXES:
        plain = plain.removesuffix(unit)
    return plain.replace("_", " ") + (", against peers" if name.endswith(AGAINST_PEERS) else "")


def value_words(value: float, change: SignalChange) -> str:
    """A value of a signal, in its unit."""
    # Not below a thousandth: no minus before nothing.
    return f"{round(value, 3) + 0.0:,.3g}{_UNITS[change.unit]}"


def effect_words(change: SignalChange) -> str:
    """An effect with its sign; of a ratio in percent, as thresholds are written."""
    if change.unit == "ratio":
        return f"{100 * change.effect:+.0f} %"
    if change.unit == "jsd":
        return f"{change.effect:.2f}"
    return f"{change.effect:+.3g}{_UNITS[change.unit]}"


def threshold_words(change: SignalChange) -> str:
    """The effect from which a signal matters."""
    if change.unit == "ratio":
        return f"{100 * change.threshold:.0f} %"
    return f"{change.threshold:.3g}{_UNITS[change.unit]}"
