"""Gates: both verdicts, and which figure decided."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from silencio.errors import BundleError, ConfigError
from silencio.evaluation.calibration_error import MIN_RECORDINGS, CalibrationError
from silencio.evaluation.comparisons import REFERENCES as REFERENCES_OF_EVERY_RUN
from silencio.evaluation.comparisons import Comparison
from silencio.evaluation.gates import RULES, Evidence, GatePolicy, Reason, Verdict, apply_gates, rule, verdict_facts
from silencio.evaluation.slices import SliceMetrics

NAN = float("nan")
EXACT = CalibrationError(0.0, (0.0, 0.02), 1000)
WRONG = CalibrationError(0.9, (0.8, 0.95), 80)
POLICY = GatePolicy(
    minimum={"macro_map": 0.35, "top1": 0.4},
    soundscape_minimum={"macro_roc_auc": 0.6},
    max_calibration_error=0.2,
    beats={"majority class": ["macro_map", "top1"]},
    not_worse_than={"regression": ["macro_map", "top1"]},
    not_worse_margin=0.01,
    slice_margin=0.05,
    champion_margin=0.02,
)
AGAINST_MAJORITY = [
    Comparison("majority class", "macro_map", 0.4, (0.2, 0.6), 80),
    Comparison("majority class", "top1", 0.3, (0.1, 0.5), 80),
]
REGRESSION = [
    Comparison("regression", "macro_map", 0.2, (0.1, 0.3), 80),
    Comparison("regression", "top1", 0.1, (-0.05, 0.25), 80),
]
REFERENCES = [*AGAINST_MAJORITY, *REGRESSION]
AGAINST_CHAMPION = [
    Comparison("champion", "macro_map", 0.01, (-0.03, 0.05), 80),
    Comparison("champion", "top1", -0.01, (-0.05, 0.03), 80),
]
SLICE = SliceMetrics(
    name="night",
    n_recordings=30,
    n_species=5,
    top1=0.6,
    top1_interval=(0.4, 0.8),
    macro_map=0.5,
    macro_map_interval=(0.3, 0.7),
    counted=True,
    change=-0.02,
    change_interval=(-0.1, 0.06),
)
GOOD: dict[str, Any] = {
    "metrics": {"macro_map": 0.5, "top1": 0.6, "n_recordings": 80},
    "soundscape_metrics": {"macro_roc_auc": 0.8},
    "calibration": CalibrationError(0.1, (0.05, 0.15), 80),
    "comparisons": [*REFERENCES, *AGAINST_CHAMPION],
    "slices": [SLICE],
}


def _verdict(policy: GatePolicy = POLICY, **changed: Any) -> Verdict:
    return apply_gates(policy, Evidence(**{**GOOD, **changed}))


def _against(entry: Comparison) -> list[Comparison]:
    """The good comparisons, with this one in its place."""
    kept = [one for one in GOOD["comparisons"] if (one.other, one.metric) != (entry.other, entry.metric)]
    return [*kept, entry]


# Both verdicts


def test_verdict__a_good_model_passes() -> None:
    verdict = _verdict()
    assert verdict.passed
    assert verdict.failed_gates == []
    facts = verdict_facts(verdict)
    assert (facts["passed"], facts["failed_gates"]) == (True, [])
    assert {gate["outcome"] for gate in facts["gates"]} == {"passed", "not asked"}
    applies = [reason for reason in verdict.reasons if reason.applies]
    assert [reason.gate for reason in applies] == [
        "minimum test macro_map",
        "minimum test top1",
        "minimum soundscapes macro_roc_auc",
        "calibration",
        "beats majority class in macro_map",
        "beats majority class in top1",
        "not worse than regression in macro_map",
        "not worse than regression in top1",
        "champion macro_map",
        "champion top1",
        "champion on slice night",
    ]
    assert all(reason.decides for reason in applies)


BAD: dict[str, Mapping[str, Any]] = {
    "minimum test macro_map": {"metrics": {**GOOD["metrics"], "macro_map": 0.349}},
    "minimum test top1": {"metrics": {**GOOD["metrics"], "top1": 0.399}},
    "minimum soundscapes macro_roc_auc": {"soundscape_metrics": {"macro_roc_auc": 0.599}},
    "calibration": {"calibration": CalibrationError(0.3, (0.201, 0.4), 80)},
    "beats majority class in macro_map": {
        "comparisons": _against(Comparison("majority class", "macro_map", 0.2, (-0.01, 0.4), 80))
    },
    "beats majority class in top1": {
        "comparisons": _against(Comparison("majority class", "top1", 0.1, (0.0, 0.2), 80))
    },
    "not worse than regression in macro_map": {
        "comparisons": _against(Comparison("regression", "macro_map", -0.1, (-0.2, -0.01), 80))
    },
    "not worse than regression in top1": {
        "comparisons": _against(Comparison("regression", "top1", -0.02, (-0.03, -0.01), 80))
    },
    "champion macro_map": {"comparisons": _against(Comparison("champion", "macro_map", -0.03, (-0.05, -0.01), 80))},
    "champion top1": {"comparisons": _against(Comparison("champion", "top1", -0.1, (-0.2, -0.01), 80))},
    "champion on slice night": {"slices": [replace(SLICE, change=-0.2, change_interval=(-0.3, -0.1))]},
}


@pytest.mark.parametrize("gate", BAD)
def test_verdict__each_gate_alone_refuses(gate: str) -> None:
    verdict = _verdict(**BAD[gate])
    assert not verdict.passed
    assert [reason.gate for reason in verdict.reasons if not reason.passed] == [gate]
    (refusal,) = verdict.failed_gates
    assert refusal.endswith("refused.")
    facts = verdict_facts(verdict)
    assert (facts["passed"], facts["failed_gates"]) == (False, [refusal])
    assert [one for one in facts["gates"] if one["outcome"] == "refused"] == [
        {"gate": gate, "outcome": "refused", "message": refusal}
    ]


def test_verdict__a_figure_at_its_bound_passes() -> None:
    at_bound = {"macro_map": 0.35, "top1": 0.4}
    assert _verdict(metrics=at_bound, soundscape_metrics={"macro_roc_auc": 0.6}).passed
    assert _verdict(calibration=CalibrationError(0.3, (0.2, 0.4), 800)).passed


def test_message__has_value_and_bound() -> None:
    refusal = _verdict(**BAD["minimum test macro_map"]).failed_gates[0]
    assert refusal == "test macro_map is 0.349, the policy asks for at least 0.35: refused."
    refusal = _verdict(**BAD["not worse than regression in top1"]).failed_gates[0]
    assert refusal == (
        "top1 differs by -0.020 [-0.030, -0.010] on 80 recordings from regression; the policy allows -0.01: refused."
    )
    refusal = _verdict(**BAD["champion on slice night"]).failed_gates[0]
    assert refusal == (
        "Slice night: top1 differs by -0.200 [-0.300, -0.100] on 30 recordings from the champion's; the policy allows "
        "-0.05: refused."
    )
    refusal = _verdict(**BAD["beats majority class in top1"]).failed_gates[0]
    assert refusal == (
        "top1 differs by +0.100 [+0.000, +0.200] on 80 recordings from majority class; the interval must lie above +0: "
        "refused."
    )
    refusal = _verdict(**BAD["calibration"]).failed_gates[0]
    assert refusal == (
        "The calibration error of the most probable species is 0.300 [0.201, 0.400] on 80 recordings, the policy "
        "allows 0.2: refused."
    )


# What is missing is no pass

MISSING: dict[str, Mapping[str, Any]] = {
    "no number": {"metrics": {"macro_map": NAN, "top1": 0.6}},
    "no such figure": {"metrics": {"top1": 0.6}},
    "no number in soundscapes": {"soundscape_metrics": {"macro_roc_auc": NAN}},
    "null in soundscapes": {"soundscape_metrics": {"macro_roc_auc": None, "macro_map": 0.5}},
    "no such figure in soundscapes": {"soundscape_metrics": {"macro_map": 0.5}},
    "no soundscapes": {"soundscape_metrics": {}},
    "no calibration error": {"calibration": None},
    "a calibration error that is no number": {"calibration": CalibrationError(NAN, (NAN, NAN), 0)},
    "a calibration error without interval": {"calibration": CalibrationError(0.1, (NAN, NAN), 80)},
    "not compared": {"comparisons": AGAINST_CHAMPION},
    "half compared": {"comparisons": AGAINST_MAJORITY[:1]},
    "no interval": {"comparisons": _against(Comparison("majority class", "top1", 0.3, (NAN, NAN), 80))},
    "half compared with the regression": {"comparisons": [one for one in GOOD["comparisons"] if one != REGRESSION[1]]},
    "half compared with the champion": {"comparisons": [one for one in GOOD["comparisons"] if one.metric != "top1"]},
    "no slice compared with the champion": {"slices": []},
    "a champion that was not compared": {"comparisons": REFERENCES, "champion": "v3"},
}


@pytest.mark.parametrize("fault", MISSING)
def test_missing__refuses(fault: str) -> None:
    assert not _verdict(**MISSING[fault]).passed


@pytest.mark.parametrize(
    "changed",
    [
        {"comparisons": _against(Comparison("champion", "macro_map", NAN, (NAN, NAN), 80))},
        {"comparisons": _against(Comparison("champion", "top1", -0.3, (NAN, NAN), 80))},
        {"slices": [replace(SLICE, change=NAN, change_interval=(NAN, NAN))]},
    ],
)
def test_missing__against_the_champion_refuses(changed: Mapping[str, Any]) -> None:
    assert not _verdict(**changed).passed


@pytest.mark.parametrize("fault", MISSING)
def test_missing__no_gate_vanishes(fault: str) -> None:
    # What cannot be computed is said by name, and not left out: each refusal is one more gate, never one less.
    failed = _verdict(**MISSING[fault]).failed_gates
    assert failed
    assert all(re.search(r"not (computed|compared)|No (slice|soundscapes)|nan", one) for one in failed)


def test_soundscapes__that_were_not_scored_are_told_with_what_to_do() -> None:
    (refusal,) = _verdict(soundscape_metrics={}).failed_gates
    assert refusal == (
        "No soundscapes were scored, and the policy has minimums for macro_roc_auc (gates.soundscapes: none, where "
        "there are none to score): refused."
    )


def test_soundscapes__a_policy_that_says_there_are_none_passes_without() -> None:
    none = POLICY.model_copy(update={"soundscapes": "none"})
    verdict = _verdict(none, soundscape_metrics={})
    assert verdict.passed
    assert "soundscapes" in [reason.gate for reason in verdict.of("not asked")]
    # Those that there are after all are held against the minimums like any.
    assert not _verdict(none, soundscape_metrics={"macro_roc_auc": 0.1}).passed


def test_soundscapes__without_minimums_ask_for_none() -> None:
    verdict = _verdict(POLICY.model_copy(update={"soundscape_minimum": {}}), soundscape_metrics={})
    assert verdict.passed
    (reason,) = [reason for reason in verdict.reasons if "soundscapes" in reason.gate]
    assert reason.outcome == "not asked"


def test_verdict__without_a_gate_that_decides_passes_nobody() -> None:
    assert not Verdict([]).passed
    assert not Verdict([Reason("champion", True, "There is no champion to compare with.", decides=False)]).passed


# The champion


@pytest.mark.parametrize(
    ("difference", "interval", "passed"),
    [
        (-0.03, (-0.05, -0.01), False),  # worse, and surely
        (-0.03, (-0.08, 0.02), True),  # worse than the margin, and perhaps by chance
        (-0.01, (-0.015, -0.005), True),  # surely worse, by less than the margin
        (-0.02, (-0.03, -0.01), True),  # by the margin itself
        (-0.03, (-0.05, 0.0), True),
        (0.10, (0.05, 0.15), True),
    ],
)
def test_champion__noise_and_trifles_do_not_refuse(
    difference: float, interval: tuple[float, float], passed: bool
) -> None:
    policy = POLICY.model_copy(update={"not_worse_margin": POLICY.champion_margin})
    for other in ("champion", "regression"):
        for metric in ("macro_map", "top1"):
            verdict = _verdict(policy, comparisons=_against(Comparison(other, metric, difference, interval, 80)))
            assert verdict.passed == passed


@pytest.mark.parametrize(
    ("change", "interval", "passed"),
    [
        (-0.06, (-0.11, -0.01), False),
        (-0.06, (-0.13, 0.01), True),
        (-0.04, (-0.07, -0.01), True),
        (0.20, (0.10, 0.30), True),
    ],
)
def test_slice__noise_and_trifles_do_not_refuse(change: float, interval: tuple[float, float], passed: bool) -> None:
    assert _verdict(slices=[replace(SLICE, change=change, change_interval=interval)]).passed == passed


def test_slice__too_small_is_shown_and_never_decides() -> None:
    few = replace(SLICE, n_recordings=9, counted=False, change=-1.0, change_interval=(-1.0, -1.0))
    verdict = _verdict(slices=[SLICE, few])
    assert verdict.passed
    (shown,) = verdict.of("too few to decide")
    assert shown.message.endswith("too few to decide.")
    assert "-1.000" in shown.message
    assert "9 recordings" in shown.message


def test_slice__of_species_that_the_champion_does_not_know_is_shown() -> None:
    verdict = _verdict(slices=[replace(SLICE, change=None, change_interval=None)])
    (shown,) = [reason for reason in verdict.reasons if "night" in reason.gate]
    assert (verdict.passed, shown.outcome) == (True, "not asked")
    assert shown.message == "Slice night: the champion knows none of its species: not asked."
    # An interval of what was not computed is none.
    assert shown in _verdict(slices=[replace(SLICE, change=None)]).of("not asked")


def test_champion__the_first_model_has_none() -> None:
    verdict = _verdict(comparisons=REFERENCES, slices=[replace(SLICE, change=None, change_interval=None)])
    shown = {reason.gate: reason for reason in verdict.reasons if reason.gate.startswith("champion")}
    assert verdict.passed
    assert list(shown) == ["champion", "champion on slices"]
    assert [(reason.outcome, reason.message) for reason in shown.values()] == [
        ("not asked", "There is no champion to compare with: not asked."),
        ("not asked", "There is no champion to compare with on slices: not asked."),
    ]
    # The rest of the policy holds for it as for any.
    assert not _verdict(comparisons=REFERENCES, slices=[], calibration=WRONG).passed


def test_champion__that_was_not_compared_refuses_and_says_what_to_do() -> None:
    (refusal,) = _verdict(comparisons=REFERENCES, champion="v3").failed_gates
    assert refusal.startswith("Champion v3 was not compared")
    for remedy in ("--previous", "--champion none"):
        assert remedy in refusal


@pytest.mark.parametrize("margins", [(None, None), (0.02, None), (None, 0.05)])
def test_champion__that_was_not_compared_is_missed_by_who_compares_with_it(margins: tuple[float, float]) -> None:
    policy = POLICY.model_copy(update=dict(zip(("champion_margin", "slice_margin"), margins, strict=True)))
    refusals = _verdict(policy, comparisons=REFERENCES, slices=[], champion="v3").failed_gates
    assert len(refusals) == (margins != (None, None))


# A gate of a new kind


class PolicyWithOneMore(GatePolicy):
    max_suspected_labels: int | None = None


@rule(
    lambda policy: {} if policy.max_suspected_labels is None else {"labels": f"at most {policy.max_suspected_labels}"}
)
def few_suspected_labels(policy: PolicyWithOneMore, evidence: Evidence) -> list[Reason]:
    if policy.max_suspected_labels is None:
        return []
    n_suspects = len(evidence.mislabelled.get("suspects", []))
    return [Reason("labels", n_suspects <= policy.max_suspected_labels, f"{n_suspects} labels are suspected.")]


def test_rule__that_is_added_decides_as_any_other_does() -> None:
    values, rules = POLICY.model_dump(exclude_unset=True), (*RULES, few_suspected_labels)
    suspects = {"suspects": ["a", "b", "c"]}
    for limit, passed in ((2, False), (3, True)):
        policy = PolicyWithOneMore(**values, max_suspected_labels=limit)
        verdict = apply_gates(policy, Evidence(**GOOD, mislabelled=suspects), rules)
        assert verdict.passed == passed
        assert [reason.message for reason in verdict.reasons if reason.applies][-1] == "3 labels are suspected."
    # Alone it is a policy, too, and what ships beside it is said to be taken away.
    alone = apply_gates(PolicyWithOneMore(max_suspected_labels=3), Evidence(mislabelled=suspects), rules)
    assert alone.passed
    assert [reason.gate for reason in alone.of("passed")] == ["labels"]
    assert {"calibration", "champion"} <= {reason.gate for reason in alone.of("not asked")}


def test_rules__stand_in_one_file_with_the_settings_that_they_read() -> None:
    modules = {one.reasons.__module__ for one in RULES} | {GatePolicy.__module__, apply_gates.__module__}
    assert modules == {"silencio.evaluation.gates"}


@pytest.mark.parametrize("gate", BAD)
def test_rule__names_the_gates_that_it_decides(gate: str) -> None:
    # By these names a verdict says what a configuration took away; "champion …" is one gate there.
    named = [name for one in RULES for name in one.gates(POLICY)]
    assert any(gate == name or (name.startswith("champion") and gate.startswith("champion")) for name in named)


# On disk


def test_verdict__survives_json(tmp_path: Path) -> None:
    for verdict in (_verdict(), _verdict(**BAD["calibration"]), _verdict(slices=[replace(SLICE, counted=False)])):
        verdict.save(tmp_path / "verdict.json")
        assert Verdict.load(tmp_path / "verdict.json") == verdict
        assert yaml.safe_load((tmp_path / "verdict.json").read_text())["passed"] == verdict.passed


# The policy that ships


def _shipped() -> dict[str, Any]:
    return yaml.safe_load((files("silencio") / "presets" / "gates" / "policy.yaml").read_text(encoding="utf-8"))


def test_shipped__is_the_file_and_can_be_met_and_missed() -> None:
    policy = GatePolicy.shipped()
    assert policy.model_dump(exclude_unset=True) == _shipped()
    metrics = dict.fromkeys(policy.minimum, 0.99)
    soundscapes = dict.fromkeys(policy.soundscape_minimum, 0.99)
    references = [*policy.beats.items(), *policy.not_worse_than.items()]
    better = [Comparison(o, n, 0.5, (0.4, 0.6), 80) for o, names in references for n in names]
    perfect = {"metrics": metrics, "soundscape_metrics": soundscapes, "calibration": EXACT, "comparisons": better}
    assert _verdict(policy, **perfect, slices=[]).passed
    guessing = {**perfect, "metrics": dict.fromkeys(policy.minimum, 0.01), "calibration": WRONG}
    n_deciding = len(policy.minimum) + 1
    assert len(_verdict(policy, **guessing, slices=[]).failed_gates) == n_deciding


def test_shipped__asks_for_figures_that_exist() -> None:
    from silencio.evaluation.metrics import Metrics
    from silencio.evaluation.soundscape_metrics import SoundscapeMetrics

    policy = GatePolicy.shipped()
    assert set(policy.minimum) <= set(Metrics.__dataclass_fields__)
    assert set(policy.soundscape_minimum) <= set(SoundscapeMetrics.__dataclass_fields__)
    # The references of every run (test_evaluate.py); a policy that asks for another would refuse every model.
    assert {*policy.beats, *policy.not_worse_than} <= set(REFERENCES_OF_EVERY_RUN)


def test_shipped__is_what_its_comments_say() -> None:
    policy = GatePolicy.shipped()
    text = (files("silencio") / "presets" / "gates" / "policy.yaml").read_text(encoding="utf-8")
    assert "better than naming the most frequent species" in text
    assert policy.beats == {"majority class": ["macro_map", "top1"]}
    assert "not worse than a regression on the mean spectrum" in text
    assert policy.not_worse_than == {"logistic regression on mean log-mel": ["macro_map", "top1"]}
    assert policy.soundscapes == "required"


def test_policy__every_key_is_explained() -> None:
    documented = set(re.findall(r"^        (\w+): ", GatePolicy.__doc__ or "", re.MULTILINE))
    assert documented == set(GatePolicy.model_fields)
    assert set(_shipped()) <= documented


@pytest.mark.parametrize(
    "values",
    [
        {"minimun": {}},
        {"slice_margin": -0.1},
        {"max_calibration_error": 2.0},
        {"minimum": {"top1": NAN}},
        {"minimum": {"topl": 0.4}},
        {"minimum": {"by_class": 0.4}},
        {"soundscape_minimum": {"top1": 0.4}},
        {"beats": {"majority class": ["macro_roc_auc"]}},
        {"not_worse_than": {"majority class": ["top5"]}},
        {"soundscapes": "optional"},
    ],
)
def test_policy__a_slip_of_the_pen_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GatePolicy(**values)


# What was not asked


KINDS = {
    "minimum test",
    "minimum soundscapes",
    "calibration",
    "beats",
    "not worse than",
    "champion",
    "champion on slice",
}


def _kinds(verdict: Verdict) -> set[str]:
    """Of every line, which kind of gate it is about."""
    found = set()
    for reason in verdict.reasons:
        gate = reason.gate if reason.gate != "soundscapes" else "minimum soundscapes"
        found.add(max((kind for kind in KINDS if gate.startswith(kind)), key=len))
    return found


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"minimum": {}},
        {"soundscape_minimum": {}},
        {"soundscapes": "none"},
        {"max_calibration_error": None},
        {"beats": {}},
        {"not_worse_than": {}},
        {"champion_margin": None},
        {"slice_margin": None},
        {"champion_margin": None, "slice_margin": None, "beats": {}, "minimum": {}},
    ],
)
@pytest.mark.parametrize("case", [{}, {"comparisons": REFERENCES, "slices": []}, {"soundscape_metrics": {}}])
def test_verdict__has_a_line_for_every_kind_of_gate(changed: dict[str, Any], case: dict[str, Any]) -> None:
    verdict = _verdict(GatePolicy.shipped().model_copy(update=changed), **case)
    assert _kinds(verdict) == KINDS
    for reason in verdict.of("not asked"):
        assert (reason.passed, reason.decides, reason.message[-12:]) == (True, False, ": not asked.")


def test_taken_away__each_single_gate_is_named_with_what_ships() -> None:
    shipped = GatePolicy.shipped()
    policy = shipped.model_copy(
        update={"minimum": {"macro_map": 0.35}, "beats": {"majority class": ["top1"]}, "champion_margin": None}
    )
    taken = {reason.gate: reason.message for reason in _verdict(policy).of("not asked")}
    assert list(taken) == [
        "minimum test top1",
        "minimum test macro_roc_auc",
        "beats majority class in macro_map",
        "champion",
    ]
    assert taken["minimum test top1"] == (
        "The configuration took away minimum test top1 (at least 0.4 in the policy that ships): not asked."
    )


def test_taken_away__the_policy_that_ships_takes_nothing_away() -> None:
    assert not [one for one in _verdict(GatePolicy.shipped()).reasons if "took away" in one.message]


@pytest.mark.parametrize(
    "policy",
    [
        {"champion_margin": 0.02},
        {"soundscape_minimum": {"macro_roc_auc": 0.6}, "soundscapes": "none"},
        {"max_calibration_error": 0.2},
        {},
    ],
)
def test_verdict__of_which_no_gate_decided_refuses_in_words(policy: dict[str, Any]) -> None:
    few = CalibrationError(0.2, (0.0, 0.5), 11)
    verdict = _verdict(GatePolicy(**policy), soundscape_metrics={}, comparisons=[], slices=[], calibration=few)
    assert not verdict.passed
    assert verdict.failed_gates == ["No gate decided, and what nothing speaks for is not registered: refused."]


@pytest.mark.parametrize(
    ("gate", "name"), [("beats", "beats champion in top1"), ("not_worse_than", "not worse than champion in top1")]
)
def test_champion__as_a_reference_is_not_asked_where_there_is_none(gate: str, name: str) -> None:
    policy = POLICY.model_copy(update={gate: {"champion": ["top1"], "regression": ["macro_map"]}})
    found = {one.gate: one for one in _verdict(policy, comparisons=REFERENCES).reasons}
    assert found[name].outcome == "not asked"
    assert found[name].message == f"There is no champion to compare with ({name}): not asked."
    other = name.replace("champion in top1", "regression in macro_map")
    assert found[other].outcome == "passed"
    # One that could not be compared is no champion that was beaten, and its gate has a name of its own.
    refused = {one.gate for one in _verdict(policy, comparisons=REFERENCES, champion="v3").of("refused")}
    assert (name if gate == "beats" else "champion top1") in refused


def test_references__names_in_a_refusal_are_those_that_can_be_chosen() -> None:
    policy = GatePolicy(beats={"nobody": ["top1"]})
    for student, is_named in ((False, True), (True, False)):
        with pytest.raises(ConfigError, match="gates.beats: .*nobody") as caught:
            policy.check_references(["raw_cnn"], student=student)
        assert ("raw_cnn" in str(caught.value)) == is_named
    # Heads may be compared with where no student is held by the same gates.
    GatePolicy(beats={"raw_cnn": ["top1"]}).check_references(["raw_cnn"], student=False)


# Calibration, beyond doubt


@pytest.mark.parametrize(
    ("interval", "n_recordings", "outcome"),
    [
        ((0.0, 0.2), 24, "passed"),  # all that it can be is allowed
        ((0.1, 0.5), 24, "too few to decide"),
        ((0.2, 0.5), 24, "too few to decide"),
        ((0.1, 0.5), MIN_RECORDINGS - 1, "too few to decide"),
        ((0.1, 0.3), MIN_RECORDINGS, "passed"),  # no doubt that could be removed: not worse beyond doubt
        ((0.21, 0.6), 11, "refused"),  # of few recordings too
        ((0.21, 0.25), 1000, "refused"),
    ],
)
def test_calibration__refuses_only_beyond_doubt(interval: tuple[float, float], n_recordings: int, outcome: str) -> None:
    verdict = _verdict(calibration=CalibrationError(0.22, interval, n_recordings))
    (reason,) = [one for one in verdict.reasons if one.gate == "calibration"]
    assert reason.outcome == outcome
    assert reason.message.endswith(f": {outcome}.")
    assert verdict.passed == (outcome != "refused")


@pytest.mark.parametrize(("value", "is_above"), [(0.2, False), (0.21, True)])
def test_calibration__that_passes_above_the_bound_says_why(value: float, is_above: bool) -> None:
    verdict = _verdict(calibration=CalibrationError(value, (0.1, 0.3), MIN_RECORDINGS))
    (reason,) = [one for one in verdict.reasons if one.gate == "calibration"]
    assert ("not beyond doubt" in reason.message) == is_above


def test_load__a_file_from_before_has_another_word_for_what_does_not_apply(tmp_path: Path) -> None:
    verdict = Verdict([Reason("calibration", True, "0.1 is allowed: passed."), Reason.not_applied("champion", "None.")])
    verdict.save(tmp_path / "verdict.json")
    text = (tmp_path / "verdict.json").read_text()
    assert text.count('"applies"') == 2
    (tmp_path / "verdict.json").write_text(text.replace('"applies"', '"asked"'))
    assert Verdict.load(tmp_path / "verdict.json") == verdict


def test_load__a_file_from_before_gates_were_listed(tmp_path: Path) -> None:
    reasons = [{"gate": "calibration", "passed": True, "message": "0.1 is allowed: passed.", "decides": True}]
    (tmp_path / "verdict.json").write_text(json.dumps({"passed": True, "reasons": reasons}))
    verdict = Verdict.load(tmp_path / "verdict.json")
    assert (verdict.passed, verdict.reasons[0].outcome) == (True, "passed")


@pytest.mark.parametrize(
    ("passed", "gate", "message"),
    [
        (True, {"gate": "birds", "passed": False, "message": "0.31 of 0.50"}, "passed, but birds: 0.31 of 0.50"),
        (True, {"gate": "birds", "passed": True, "message": "few", "decides": False}, "passed, but no gate decided"),
        (False, {"gate": "birds", "passed": True, "message": "0.61 of 0.50"}, "refused, but no gate failed"),
    ],
)
def test_verdict__that_contradicts_itself_is_none(
    tmp_path: Path, passed: bool, gate: dict[str, Any], message: str
) -> None:
    (tmp_path / "verdict.json").write_text(json.dumps({"passed": passed, "reasons": [gate]}))
    with pytest.raises(BundleError, match=f"contradicts itself: {message}"):
        Verdict.load(tmp_path / "verdict.json")


def test_verdict__of_a_later_version_is_read_by_what_is_known_of_it(tmp_path: Path) -> None:
    gate = {"gate": "birds", "passed": True, "message": "0.61 of 0.50", "evidence": [0.61]}
    (tmp_path / "verdict.json").write_text(json.dumps({"passed": True, "reasons": [gate], "policy": "kept"}))
    assert Verdict.load(tmp_path / "verdict.json") == Verdict([Reason("birds", True, "0.61 of 0.50")])
