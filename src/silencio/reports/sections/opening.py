"""The first screen: how many species, how good, where not to trust it, and the verdict."""

from __future__ import annotations

from collections import Counter

from silencio.reports.cautions import cautions, found_in_soundscapes
from silencio.reports.document import bullets, prose
from silencio.reports.inputs import ReportInputs
from silencio.reports.markup import Markup, join, tag
from silencio.reports.wording import between, count, listed, n_species, one_of, percent, taxon


def opening(inputs: ReportInputs) -> Markup:
    """What a reader must know who reads nothing else."""
    manifest, verdict = inputs.manifest, inputs.verdict
    words = "Passed" if verdict.passed else "Refused"
    sign = "\N{CHECK MARK}" if verdict.passed else "\N{BALLOT X}"
    return join(
        prose(f"{manifest.name} {manifest.version}", class_="eyebrow"),
        tag("h1", "What this model can name, and where not to trust it"),
        prose(
            tag("span", f"{sign} {words}", class_="verdict passed" if verdict.passed else "verdict refused"),
            f" {_outcome(inputs)}",
            class_="outcome",
        ),
        prose(_sentence(inputs), class_="lead"),
        tag("dl", *_tiles(inputs), class_="tiles"),
        tag("h2", "Where not to trust it"),
        bullets(cautions(inputs), "cautions"),
    )


def _outcome(inputs: ReportInputs) -> str:
    deciding = [reason for reason in inputs.verdict.reasons if reason.decides]
    failed = len(inputs.verdict.failed_gates)
    if failed:
        return f"{failed} of {count(len(deciding), 'condition')} not met: this model is not offered for use."
    words = f"All {len(deciding)} conditions are met: this model may be offered for use."
    others = len(inputs.verdict.reasons) - len(deciding)
    return f"{words} {count(others, 'more condition')} decided nothing." if others else words


def _sentence(inputs: ReportInputs) -> str:
    metrics = inputs.metrics
    on = f"{count(metrics.n_recordings, 'recording')} of {n_species(metrics.n_species)}"
    tested = (
        f"It learned from {on}; on each of them the same recipe was tested without it"
        if inputs.n_folds
        else f"It was tested on {on} that it was not trained on"
    )
    return (
        f"It takes {inputs.manifest.spec.window_s:g} seconds at a time and names {kinds(inputs)}. {tested}. "
        "Most are of one animal close to the microphone."
    )


def kinds(inputs: ReportInputs) -> str:
    """`32 insects, 18 amphibians and 11 birds`."""
    taxa = Counter(species.class_name for species in inputs.classes)
    return listed([_of_kind(n, name) for name, n in sorted(taxa.items(), key=lambda one: (-one[1], one[0]))])


def _of_kind(n: int, class_name: str) -> str:
    return count(n, one_of(class_name), taxon(class_name))


def _tiles(inputs: ReportInputs) -> list[Markup]:
    metrics = inputs.metrics
    tiles = [
        _tile(str(len(inputs.classes)), "species it can name", f"{metrics.n_species} of them were tested"),
        _tile(
            percent(metrics.top1),
            "right at first guess",
            f"95 % interval {between(metrics.intervals.get('top1'))}",
        ),
        _tile(
            percent(metrics.top5),
            "right among its first five",
            f"of {metrics.n_recordings} {inputs.tested}",
        ),
    ]
    found = found_in_soundscapes(inputs)
    if found:
        tiles.append(_tile(percent(found[0]), "of the animals in soundscapes are named", f"{found[1]} were there"))
    return tiles


def _tile(value: str, name: str, note: str) -> Markup:
    return tag("div", tag("dt", name), tag("dd", tag("b", value), tag("small", note)))
