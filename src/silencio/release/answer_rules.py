"""Rules on answers of both bundles to the same recordings: replay, disagreement, species, confidence, classes."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from silencio.evaluation.simultaneous import MIN_SLICE, GroupBound, PairedBounds, compare_paired
from silencio.release.counts import in_step
from silencio.release.evidence import Evidence, SpeciesPair
from silencio.release.policy import ReleasePolicy, RulePolicy
from silencio.release.rule import Rule, back_to_the_champion, e_value, evidence_words, percent, required, verdict
from silencio.release.sequential_pairs import found_by_e_bh, log_e_mean_above, log_e_uneven
from silencio.release.verdict import RuleVerdict

# A species that the champion named in so many recordings, and the challenger in none, has vanished.
MIN_VANISHED = 5
# Pairs come in two series that share alpha, each looked at by itself: those of the comparison, then of visitors.
_PAIR_SERIES = 2
# So many names stand in a sentence; the page has them all.
_MAX_NAMES = 5


def _replay(policy: ReleasePolicy, settings: RulePolicy, evidence: Evidence) -> RuleVerdict:
    replay = evidence.replay
    (alpha,) = required(settings, "replay", "alpha")
    if replay is None or not len(replay.champion_right):
        return verdict(settings, "replay", "no_data", "No labelled recordings have been replayed.")
    found = compare_paired(
        replay.champion_right, replay.challenger_right, replay.slices, alpha=alpha, must_pass=policy.must_pass_slices
    )
    every, (low, high) = found.all, found.interval
    champion, challenger = float(np.mean(replay.champion_right)), float(np.mean(replay.challenger_right))
    facts = {
        "n": every.n_recordings,
        "champion": champion,
        "challenger": challenger,
        "ratio": every.difference,
        "interval": found.interval,
        "threshold": 0.0,
        "smallest_visible": f"a drop of {every.visible_drop:.2f} over all recordings",
    }
    sentence = (
        f"Of {every.n_recordings} labelled recordings the challenger names {percent(challenger)} rightly, the champion "
        f"{percent(champion)} (difference {every.difference:+.3f}, 90 % interval {low:+.3f} to {high:+.3f}; "
        f"{every.n_worse} right before are wrong now, {every.n_better} the other way)."
    )
    if found.outcome == "fail":
        words = f"{sentence} Worse beyond doubt: {_worse(found.worse)}."
        return verdict(settings, "replay", "fail", words, **facts)
    if every.n_recordings < policy.min_replay:
        words = f"{sentence} Fewer than {policy.min_replay} recordings: a person has to look."
        return verdict(settings, "replay", "inconclusive", words, **facts)
    if found.outcome == "inconclusive":
        words = f"{sentence} A drop could hide: {_listed(_open(found))}. A person has to look."
        return verdict(settings, "replay", "inconclusive", words, **facts)
    words = f"{sentence} Of {1 + len(found.slices)} groups none is shown to be worse."
    return verdict(settings, "replay", "pass", words, **facts)


def _worse(groups: Sequence[GroupBound]) -> str:
    return _listed(
        [f"{one.name} {one.difference:+.3f} (at most {one.upper:+.3f}, n {one.n_recordings})" for one in groups]
    )


def _open(found: PairedBounds) -> list[str]:
    """Of the groups that have to pass, those on which too little was replayed to say so."""
    groups = {one.name: one for one in (found.all, *found.slices)}
    wide = f"wider than ±{found.max_half_width:.2f}"
    return [
        f"the 90 % interval of {name} is {wide} (n {groups[name].n_recordings})"
        if name in groups
        else f"fewer than {MIN_SLICE} recordings are of {name}, which has to pass"
        for name in found.not_settled
    ]


def _listed(names: Collection[str]) -> str:
    shown = list(names)[:_MAX_NAMES]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _disagreement(policy: ReleasePolicy, settings: RulePolicy, evidence: Evidence) -> RuleVerdict:
    alpha, tolerance = required(settings, "disagreement", "alpha", "tolerance")
    alpha /= _PAIR_SERIES
    if evidence.pairs is None or not len(evidence.pairs.disagreement):
        return verdict(settings, "disagreement", "no_data", "No recording has been answered by both bundles.")
    values = evidence.pairs.disagreement
    mean, n, threshold = float(values.mean()), len(values), 1 / alpha
    log_e = log_e_mean_above(values, tolerance)
    facts = {
        "n": n,
        "challenger": mean,
        "e_value": e_value(log_e),
        "threshold": threshold,
        "smallest_visible": _visible_disagreement(n, tolerance, alpha),
    }
    sentence = f"On {n} recordings the bundles' detections differ in {percent(mean)} of the windows"
    if settings.limit is not None and log_e_mean_above(values, settings.limit) >= math.log(threshold):
        words = f"{sentence}: more than {percent(settings.limit)} is beyond doubt, so that it is another model."
        return verdict(settings, "disagreement", "fail", words, **facts, consequence=back_to_the_champion(settings))
    found = evidence_words(log_e, threshold)
    if log_e >= math.log(threshold):
        words = (
            f"{sentence}: more than {percent(tolerance)} is beyond doubt ({found}); which one is right, a person says."
        )
        return verdict(settings, "disagreement", "fail", words, **facts)
    words = f"{sentence}: more than {percent(tolerance)} is not shown ({found})."
    return verdict(settings, "disagreement", "pass", words, **facts)


def _visible_disagreement(n: int, tolerance: float, alpha: float) -> str:
    """The lowest mean that would be found, were windows of a recording to differ all or not at all."""
    for step in range(1, 101):
        mean = tolerance + (1 - tolerance) * step / 100
        n_differ = round(mean * n)
        if log_e_mean_above(np.r_[np.ones(n_differ), np.zeros(n - n_differ)], tolerance) >= math.log(1 / alpha):
            return f"a mean of {percent(mean)} of the windows"
    return "nothing yet: not even bundles that never agree"


def _species(policy: ReleasePolicy, settings: RulePolicy, evidence: Evidence) -> RuleVerdict:
    (alpha,) = required(settings, "species", "alpha")
    alpha /= _PAIR_SERIES
    if evidence.pairs is None or not evidence.pairs.species:
        return verdict(
            settings, "species", "no_data", "No species was detected in recordings that both bundles answered."
        )
    pairs = evidence.pairs.species
    gone = [code for code, pair in pairs.items() if _has_vanished(pair)]
    uneven = _uneven(pairs, alpha)
    fewer = [code for code in uneven if pairs[code].only_champion > pairs[code].only_challenger and code not in gone]
    more = [code for code in uneven if pairs[code].only_challenger > pairs[code].only_champion]
    n_compared = sum(1 for pair in pairs.values() if pair.only_champion or pair.only_challenger)
    # Whether it holds or not is a matter of the number of species, all of whose recordings would have to change sides.
    n_needed = next((k for k in range(1, 200) if log_e_uneven(k, 0) >= math.log(max(n_compared, 1) / alpha)), 200)
    facts = {
        "n": len(evidence.pairs.disagreement),
        "threshold": max(n_compared, 1) / alpha,
        "smallest_visible": f"a species that one alone names in {n_needed} recordings, or gone from {MIN_VANISHED}",
    }
    groups = {"gone": gone, "fewer": fewer, "more": more}
    found = "; ".join(f"{word}: {_listed(_counted(codes, pairs))}" for word, codes in groups.items() if codes)
    lost = [code for code in policy.must_keep if code in gone or code in fewer]
    if lost:
        words = f"Species that have to be kept are lost: {_listed(_counted(lost, pairs))}."
        return verdict(settings, "species", "fail", words, **facts, consequence=back_to_the_champion(settings))
    if found:
        words = f"Of {len(pairs)} species, by recordings under champion and challenger, {found}."
        return verdict(settings, "species", "fail", words, **facts)
    words = f"Of {len(pairs)} species none is gone, and none is named beyond doubt more or less often."
    return verdict(settings, "species", "pass", words, **facts)


def _has_vanished(pair: SpeciesPair) -> bool:
    return pair.both + pair.only_champion >= MIN_VANISHED and pair.both + pair.only_challenger == 0


def _uneven(pairs: Mapping[str, SpeciesPair], alpha: float) -> list[str]:
    """Species in which the bundles differ to one side, beyond doubt over all of them together."""
    log_e = {
        code: log_e_uneven(pair.only_challenger, pair.only_champion)
        for code, pair in pairs.items()
        if pair.only_challenger or pair.only_champion
    }
    return found_by_e_bh(log_e, alpha)


def _counted(codes: Collection[str], pairs: Mapping[str, SpeciesPair]) -> list[str]:
    named = []
    for code in codes:
        pair = pairs[code]
        named.append(f"{code} {pair.both + pair.only_champion} to {pair.both + pair.only_challenger}")
    return named


def _confidence(policy: ReleasePolicy, settings: RulePolicy, evidence: Evidence) -> RuleVerdict:
    pairs = evidence.pairs
    if pairs is None or pairs.top_probability is None or len(pairs.top_probability) < 2:
        return verdict(settings, "confidence", "no_data", "No probabilities of both bundles for the same recordings.")
    both = np.asarray(pairs.top_probability, np.float64)
    champion, challenger = (float(mean) for mean in both.mean(axis=0))
    differences = both[:, 1] - both[:, 0]
    error = 1.96 * float(differences.std(ddof=1)) / math.sqrt(len(differences))
    shift = challenger - champion
    facts = {
        "n": len(both),
        "champion": champion,
        "challenger": challenger,
        "ratio": shift,
        "interval": (shift - error, shift + error),
        "smallest_visible": f"a shift of {error:.3f}",
    }
    words = (
        f"On {len(both)} recordings the mean top probability is {challenger:.3f}, the champion's {champion:.3f} "
        f"(shift {shift:+.3f} ± {error:.3f})."
    )
    if settings.limit is not None and abs(shift) - error > settings.limit:
        return verdict(settings, "confidence", "fail", f"{words} More than {settings.limit:g}.", **facts)
    return verdict(settings, "confidence", "pass", words, **facts)


def _classes(policy: ReleasePolicy, settings: RulePolicy, evidence: Evidence) -> RuleVerdict:
    change = evidence.classes
    visible = "any class or specification that differs"
    if change.spec_gone and change.log_mel_requests:
        words = (
            f"The champion's feature specification is gone, and {change.log_mel_requests:,} requests of the last 30 "
            "days sent features made by it: a breaking change. Keep the specification, or move these clients first."
        )
        consequence = back_to_the_champion(settings)
        return verdict(settings, "classes", "fail", words, consequence=consequence, smallest_visible=visible)
    listed = "; ".join(
        f"{word}: {_listed(codes)}" for word, codes in (("new", change.new), ("gone", change.gone)) if codes
    )
    moved = sum(1 for old, new in change.thresholds.values() if old != new)
    sentence = f"Classes {listed or 'are the same'}; {moved} of {len(change.thresholds)} thresholds differ."
    missed = {code: n for code in change.gone if (n := change.gone_detections.get(code, 0)) > 0}
    refused = _client_errors(evidence)
    if missed:
        found = _listed([f"{code} {n:,}" for code, n in missed.items()])
        words = f"{sentence} Gone ones were detected in the last 30 days: {found}: a person has to look."
        return verdict(settings, "classes", "fail", f"{words}{refused}", smallest_visible=visible)
    return verdict(settings, "classes", "pass", f"{sentence}{refused}", smallest_visible=visible)


def _client_errors(evidence: Evidence) -> str:
    """Requests that clients got wrong: they count against no arm, and show a class or specification that is missed."""
    champion, challenger = in_step(evidence)
    if not champion.client_errors and not challenger.client_errors:
        return ""
    shares = [one.client_errors / max(one.requests, 1) for one in (champion, challenger)]
    ours, theirs = map(percent, shares)
    return f" Of the champion's requests in this step {ours} had a 4xx, of the challenger's {theirs}."


REPLAY = Rule(
    name="replay",
    what="labelled recordings that neither bundle learned from, over all and by group",
    apply=_replay,
    needs_alpha=True,
)
DISAGREEMENT = Rule(
    name="disagreement",
    what="windows in which the two bundles detect different species",
    apply=_disagreement,
    needs_alpha=True,
    tolerance=(0.0, 1.0),
    limit=(0.0, 1.0),
)
SPECIES = Rule(name="species", what="species that vanish, or flood", apply=_species, needs_alpha=True)
CONFIDENCE = Rule(name="confidence", what="how the mean top probability shifts", apply=_confidence, limit=(0.0, 1.0))
CLASSES = Rule(name="classes", what="class lists, thresholds and feature specifications that differ", apply=_classes)
