"""Where not to trust a model, found in its own metrics, in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from silencio.reports.inputs import ReportInputs
from silencio.reports.sections.slices import meaning
from silencio.reports.wording import between, count, decimals, hours, listed, minus, n_species, percent, taxon

_MAX_NAMES = 6
# Of a probability: beyond, a number no longer means what it should.
_MUCH_MISCALIBRATED = 0.1
_MUCH_LOST = 0.2


def cautions(inputs: ReportInputs) -> list[str]:
    """Sentences, each with the metric that it comes from; the gravest first."""
    found = [_field(inputs), *_nothing_to_name(inputs), *_few_recordings(inputs), *_never_right(inputs)]
    found += [*_weak_slices(inputs), *_bad_sound(inputs), *_miscalibrated(inputs)]
    return [sentence for sentence in found if sentence]


def found_in_soundscapes(inputs: ReportInputs) -> tuple[float, int] | None:
    """Share of the species in rows of soundscapes that are named, and of how many; None where nothing is known."""
    bins = inputs.evaluation.soundscapes.get("metrics", {}).get("by_overlap", [])
    known = [one for one in bins if one["recall"] is not None]
    n_pairs = sum(one["n_pairs"] for one in known)
    return (sum(one["recall"] * one["n_pairs"] for one in known) / n_pairs, n_pairs) if n_pairs else None


def _field(inputs: ReportInputs) -> str:
    found = found_in_soundscapes(inputs)
    if found is None:
        return (
            "Only single recordings were tested, one animal close to the microphone. In a soundscape, with many "
            "animals and far away, expect less; how much less is not known."
        )
    share, n_pairs = found
    alarms = inputs.evaluation.soundscapes["metrics"]["false_alarms"]
    sentences = [
        f"{one['per_hour']:.0f} times an hour over {one['name']} backgrounds ({hours(3600 * one['hours'])})"
        for one in alarms
        if one["per_hour"] is not None and one["hours"]
    ]
    wrong = f" Where no animal calls it names one all the same: {listed(sentences)}." if sentences else ""
    return (
        f"In soundscapes it detects {percent(share)} of the animals that call ({n_pairs} species in rows of "
        f"{inputs.manifest.spec.window_s:g} s).{wrong}"
    )


def _nothing_to_name(inputs: ReportInputs) -> Iterator[str]:
    modes = inputs.evaluation.failure_modes
    spoiled = [one["name"] for one in modes.get("nothing_to_name", []) if (one["windows_named"] or 0) > 0.5]
    if spoiled:
        yield f"It names a species in more than half of all windows of {minus(listed(spoiled))}, where there is none."


def _few_recordings(inputs: ReportInputs) -> Iterator[str]:
    n_needed = inputs.slices.counts_from
    few = [
        f"{taxon(name)} ({int(metrics['n_recordings'])})"
        for name, metrics in inputs.metrics.by_class.items()
        if metrics["n_recordings"] < n_needed
    ]
    if few:
        yield f"Too few {inputs.tested} to say anything about {listed(few)}; at least {n_needed} are needed."
    untested = len(inputs.classes) - inputs.metrics.n_species
    if untested:
        yield f"{n_species(untested)} of {len(inputs.classes)} have no test recording at all."


def _never_right(inputs: ReportInputs) -> Iterator[str]:
    missed = [row for row in inputs.evaluation.species if row["top-1"] == 0]
    if missed:
        known = sorted(missed, key=lambda row: (-row["recordings"], row["species"]))
        names = [f"{inputs.name(row['species'])} ({row['recordings']})" for row in known[:_MAX_NAMES]]
        others = len(missed) - len(names)
        more = [f"{others} more"] if others > 0 else []
        yield (
            f"{n_species(len(missed))} of {len(inputs.evaluation.species)} that were tested were never named rightly "
            f"at first guess: {listed([*names, *more])}. The number of {inputs.tested} stands in brackets."
        )


def _weak_slices(inputs: ReportInputs) -> Iterator[str]:
    overall = inputs.metrics.top1
    for one in inputs.evaluation.slices:
        if one.counted and one.top1_interval[1] < overall:
            yield (
                f"{meaning(one.name, inputs.slices)}: right at first guess in {percent(one.top1)} "
                f"({between(one.top1_interval)}, {count(one.n_recordings, 'recording')}), clearly below the "
                f"{percent(overall)} of all."
            )


def _bad_sound(inputs: ReportInputs) -> Iterator[str]:
    modes = inputs.evaluation.failure_modes
    worse = [one for one in modes.get("conditions", []) if one["top1_change"] <= -_MUCH_LOST]
    if worse:
        worst = min(worse, key=lambda one: (one["top1_change"], one["name"]))
        yield (
            f"Bad sound hurts: with {minus(worst['name'])} it is right at first guess in {percent(worst['top1'])} "
            f"instead of {percent(modes['clean']['top1'])} ({count(worst['n_recordings'], 'recording')})."
        )


def _miscalibrated(inputs: ReportInputs) -> Iterator[str]:
    calibration = inputs.evaluation.calibration
    error = calibration.get("error_after")
    if error is not None and error > _MUCH_MISCALIBRATED:
        points = calibration["after"]
        excess = sum(one["recordings_share"] * (one["mean_probability"] - one["right_share"]) for one in points)
        direction = "too high" if excess > 0 else "too low"
        yield (
            f"Its probabilities are off by {decimals(error)} on average, mostly {direction}: do not read them as the "
            "chance of being right."
        )
