"""The first screen: how many species, how good, where not to trust it, and the verdict."""

from __future__ import annotations

from collections import Counter

from silencio.reports.cautions import cautions, found_in_soundscapes
from silencio.reports.document import bullets, prose
from silencio.reports.inputs import Judged
from silencio.reports.markup import Markup, join, tag
from silencio.reports.wording import between, count, listed, n_species, one_of, percent, taxon


def opening(judged: Judged) -> Markup:
    """What a reader must know who reads nothing else."""
    manifest, verdict = judged.manifest, judged.verdict
    words = "Passed" if verdict.passed else "Refused"
    sign = "\N{CHECK MARK}" if verdict.passed else "\N{BALLOT X}"
    return join(
        prose(f"{manifest.name} {manifest.version}", class_="eyebrow"),
        tag("h1", "What this model can name, and where not to trust it"),
        prose(
            tag("span", f"{sign} {words}", class_="verdict passed" if verdict.passed else "verdict refused"),
            f" {_outcome(judged)}",
            class_="outcome",
        ),
        prose(_sentence(judged), class_="lead"),
        tag("dl", *_tiles(judged), class_="tiles"),
        tag("h2", "Where not to trust it"),
        bullets(cautions(judged), "cautions"),
    )


def _outcome(judged: Judged) -> str:
    deciding = [reason for reason in judged.verdict.reasons if reason.decides]
    failed = len(judged.verdict.refusals)
    if failed:
        return f"{failed} of {count(len(deciding), 'condition')} not met: this model is not offered for use."
    words = f"All {len(deciding)} conditions are met: this model may be offered for use."
    others = len(judged.verdict.reasons) - len(deciding)
    return f"{words} {count(others, 'more condition')} decided nothing." if others else words


def _sentence(judged: Judged) -> str:
    figures = judged.figures
    return (
        f"It listens to {judged.manifest.spec.window_s:g} seconds at a time and names {kinds(judged)}. It was judged "
        f"on {count(figures.n_recordings, 'recording')} of {n_species(figures.n_species)} that it had never heard "
        "before. Most are of one animal close to the microphone."
    )


def kinds(judged: Judged) -> str:
    """`32 insects, 18 amphibians and 11 birds`."""
    taxa = Counter(species.class_name for species in judged.classes)
    return listed([_of_kind(n, name) for name, n in sorted(taxa.items(), key=lambda one: (-one[1], one[0]))])


def _of_kind(n: int, class_name: str) -> str:
    return count(n, one_of(class_name), taxon(class_name))


def _tiles(judged: Judged) -> list[Markup]:
    figures = judged.figures
    tiles = [
        _tile(str(len(judged.classes)), "species it can name", f"{figures.n_species} of them were tested"),
        _tile(
            percent(figures.top1),
            "right at first guess",
            f"95 % interval {between(figures.intervals.get('top1'))}",
        ),
        _tile(percent(figures.top5), "right among its first five", f"of {figures.n_recordings} test recordings"),
    ]
    found = found_in_soundscapes(judged)
    if found:
        tiles.append(_tile(percent(found[0]), "of the animals in soundscapes are named", f"{found[1]} were there"))
    return tiles


def _tile(value: str, name: str, note: str) -> Markup:
    return tag("div", tag("dt", name), tag("dd", tag("b", value), tag("small", note)))
