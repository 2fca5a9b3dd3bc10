"""States, rules and outcomes as a release owner reads them; docs/releasing.md has the long words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from silencio.release.record import State
from silencio.release.verdict import Consequence, Outcome

# How a rule's numbers are written: a share of requests or recordings, or a plain number.
Unit = Literal["share", "number"]


@dataclass(frozen=True)
class StateWords:
    """How a state is called.

    Attributes:
        title: In two or three words.
        means: One sentence.
        next: What follows, or what a person can do; `{id}` stands for the release.
        look: That of the badge: `passed`, `refused`, or empty where nothing is decided.
    """

    title: str
    means: str
    next: str
    look: Literal["passed", "refused", ""] = ""


@dataclass(frozen=True)
class RuleWords:
    """How a rule is called.

    Attributes:
        title: What it looks at, in a few words.
        unit: How its two metrics are written.
    """

    title: str
    unit: Unit = "number"


STATES: Mapping[State, StateWords] = {
    "staged": StateWords(
        "Staged",
        "The challenger is being started and checked; no visitor meets it.",
        "Parity, integration and load tests follow, then simulated users and the replay.",
    ),
    "dark": StateWords(
        "Dark, 0 %",
        "The challenger answers simulated users, the replay and shadow traffic; no visitor meets it.",
        "With enough evidence and no failed rule the first visitors follow.",
    ),
    "step": StateWords(
        "Meeting visitors",
        "A part of the visitors meets the challenger.",
        "With enough evidence and every rule passed the next step follows; a failed rule takes it back.",
    ),
    "baking": StateWords(
        "Baking at 100 %",
        "All visitors meet the challenger; the champion is kept warm.",
        "When the time is over it becomes the champion; until then every rule can still take it back.",
    ),
    "promoted": StateWords(
        "Promoted",
        "The challenger is the champion.",
        "Nothing follows; the former champion is in the registry.",
        "passed",
    ),
    "held": StateWords(
        "Held for a person",
        "Nothing advances until a person decides.",
        "Read what is not passed below, then go on (silencio release approve or resume) or take it back (silencio "
        "release rollback).",
    ),
    "rolled_back": StateWords(
        "Rolled back",
        "All visitors are back at the champion.",
        "The same version is offered again only with --again, under a new id.",
        "refused",
    ),
    "refused": StateWords(
        "Refused",
        "It was refused before any visitor met it, and nothing was changed.",
        "Remove the reason, then start again.",
        "refused",
    ),
    "aborted": StateWords(
        "Aborted", "A person ended it; all visitors are back at the champion.", "It can be started again.", "refused"
    ),
    "superseded": StateWords(
        "Superseded",
        "Another release took its place; its challenger meets nobody any more.",
        "See the release that followed.",
        "refused",
    ),
}

RULES: Mapping[str, RuleWords] = {
    "reachability": RuleWords("Is it up, and does it give the bundle's numbers"),
    "errors": RuleWords("Failed sessions", "share"),
    "slow": RuleWords("Slow sessions", "share"),
    "replay": RuleWords("Right at first guess on labelled recordings", "share"),
    "disagreement": RuleWords("Windows on which the bundles disagree", "share"),
    "species": RuleWords("Species that vanish or flood"),
    "rejections": RuleWords("Rejected sessions", "share"),
    "confidence": RuleWords("How sure it is", "share"),
    "resources": RuleWords("Memory and processor time"),
    "traffic_split": RuleWords("Whether it gets the share that was set", "share"),
    "classes": RuleWords("Class lists and feature specification"),
}

OUTCOMES: Mapping[Outcome, str] = {
    "pass": "\N{CHECK MARK} pass",
    "fail": "\N{BALLOT X} fail",
    "inconclusive": "? inconclusive",
    "no_data": "\N{EN DASH} no data",
    "error": "! error",
}

CONSEQUENCES: Mapping[Consequence, str] = {"rollback": "roll back", "hold": "hold", "show": "shown only"}


def rule_words(name: str) -> RuleWords:
    """Those of a rule; one that a policy adds is called by its name.

    Args:
        name: Name of the rule, as in the policy.
    """
    return RULES.get(name, RuleWords(name.replace("_", " ").capitalize()))
