"""How the bundles differ: replay, negative flips, species, and the windows on which they disagree most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from silencio.reports.document import Column, Section, bullets, figure, prose, table
from silencio.reports.intervals import Scale, interval_cell
from silencio.reports.markup import Child, Markup, join, tag
from silencio.reports.release.comparison_facts import (
    Bounds,
    FlipFacts,
    ReplayFacts,
    SliceDifference,
    SpeciesFacts,
    SpeciesRow,
    WindowFacts,
)
from silencio.reports.release.inputs import WindowSound
from silencio.reports.release.words import OUTCOMES
from silencio.reports.sound_picture import sound_picture
from silencio.reports.wording import NOTHING, count, decimals, listed, percent, points

_MAX_LISTED = 10
_LISTED = {"both": "", "new": "new", "gone": "gone"}


def replay(found: ReplayFacts | None, flips: FlipFacts | None) -> Section:
    """A forest of slices; what was not replayed is said, not left out."""
    if found is None:
        return Section("replay", "Labelled recordings", prose("No labelled recordings were replayed to both bundles."))
    if not found.n:
        words = "Every labelled recording was left out, so that nothing was replayed."
        return Section("replay", "Labelled recordings", join(prose(words), _left_out(found)))
    intro = (
        f"Of {count(found.n, 'recording')} that neither bundle learned from the champion has "
        f"{percent(found.champion_right)} right at first guess, the challenger {percent(found.challenger_right)}: "
        f"challenger minus champion lies in {between(found.interval)} (90 % interval). The challenger is worse on a "
        f"slice where its upper bound lies below 0{_level(found)}."
    )
    parts = [prose(intro), _forest(found), _left_out(found)]
    if flips is not None:
        parts += _flips(flips)
    return Section("replay", "Labelled recordings", join(*parts))


def species(found: SpeciesFacts | None) -> Section:
    """Gained, gone, and how many detections a day there will be."""
    title = "Species: what changes for whoever reads detections"
    if found is None or not found.rows:
        return Section("species", title, prose("The bundles' answers have not been compared species by species."))
    new = [one for one in found.rows if one.listed == "new"]
    gone = [one for one in found.rows if one.listed == "gone"]
    intro = join(
        prose(_counted(new, "new in the challenger's list"), " ", _counted(gone, "gone from it")),
        prose(found.per_day_of or "Detections a day are not known."),
        prose(f"Recordings are those that both bundles answered: {found.n:,}."),
    )
    columns = [Column("species"), Column("in the list")]
    names = ("detected by both", "only by the champion", "only by the challenger", "a day now", "a day then")
    columns += [Column(name, True) for name in (*names, "threshold now", "threshold then")]
    rows = [_species_row(one) for one in found.rows]
    classes = ["strong" if one.listed != "both" or one.must_keep else "" for one in found.rows]
    return Section("species", title, join(intro, table("Species under both bundles", columns, rows, classes)))


def windows(found: Sequence[WindowFacts], sounds: Mapping[tuple[str, float], WindowSound]) -> Section:
    """The windows of largest disagreement, with their sound's picture where the recording is at hand."""
    title = "Where they disagree most"
    if not found:
        return Section("windows", title, prose("No windows were compared."))
    shown = [_window(number, one, sounds.get((one.recording, one.begin_s))) for number, one in enumerate(found, 1)]
    return Section("windows", title, tag("div", *shown, class_="side"))


def _level(found: ReplayFacts) -> str:
    return "" if found.level is None else f"; bounds are of {100 * found.level:g} %, for all rows at once"


def _left_out(found: ReplayFacts) -> Markup | None:
    if not found.left_out:
        return None
    return bullets([f"{count(n, 'recording')} left out: {why}" for why, n in found.left_out.items()])


def _forest(found: ReplayFacts) -> Markup:
    ends = [value for one in found.slices for value in (one.difference, one.upper) if value is not None]
    scale = Scale.differences(ends)
    columns = [
        Column("recordings"),
        Column("n", True),
        Column("scale", heading=scale.heading("challenger minus champion, right at first guess, with its upper bound")),
        Column("difference", True),
        Column("at most", True),
        Column("only the challenger right", True),
        Column("only the champion right", True),
        Column("verdict"),
    ]
    rows = [_slice(one, scale) for one in found.slices]
    classes = ["strong" if one.name == "all" else "bad" if one.outcome == "fail" else "" for one in found.slices]
    return table("Challenger minus champion by slice", columns, rows, classes)


def _slice(one: SliceDifference, scale: Scale) -> list[Child]:
    is_drawn = one.difference is not None
    drawn = None if one.difference is None or one.upper is None else (one.difference, one.upper)
    return [
        "All recordings" if one.name == "all" else one.name,
        f"{one.n:,}",
        interval_cell(scale, one.difference or 0.0, drawn, muted=one.outcome is None) if is_drawn else NOTHING,
        points(one.difference),
        points(one.upper),
        NOTHING if one.better is None else f"{one.better:,}",
        NOTHING if one.worse is None else f"{one.worse:,}",
        "too few, shown only" if one.outcome is None else OUTCOMES[one.outcome],
    ]


def between(interval: Bounds | None) -> str:
    """`-3 points to +12 points`; a dash where it is not known."""
    if interval is None:
        return NOTHING
    low, high = interval
    return f"{points(low)} to {points(high)}"


def _flips(flips: FlipFacts) -> list[Markup]:
    share = flips.negative / flips.n if flips.n else None
    floor = (
        "It is not known how many there would be between two retrainings of the champion's own recipe, so these say "
        "little by themselves."
        if flips.churn_floor is None
        else f"Between two retrainings of the champion's own recipe {percent(flips.churn_floor)} flip: fewer than that "
        "say nothing of the challenger."
    )
    words = (
        f"Right before and wrong now: {count(flips.negative, 'recording')} of {flips.n:,} ({percent(share)}); "
        f"wrong before and right now: {flips.positive:,}. {floor}"
    )
    parts = [tag("h3", "Negative flips"), prose(words)]
    if flips.examples:
        rows = [[one.recording, one.label, one.challenger] for one in flips.examples]
        shown = f"Negative flips, {len(flips.examples)} of {flips.negative}"
        parts.append(table(shown, [Column("recording"), Column("right"), Column("named now")], rows))
    return parts


def _counted(rows: Sequence[SpeciesRow], what: str) -> str:
    if not rows:
        return f"No species is {what}."
    names = [one.name or one.code for one in rows]
    if len(names) > _MAX_LISTED:
        names = [*names[:_MAX_LISTED], f"{len(names) - _MAX_LISTED} more"]
    return f"{len(rows)} {'is' if len(rows) == 1 else 'are'} {what}: {listed(names)}."


def _species_row(one: SpeciesRow) -> list[Child]:
    name = join(one.name or one.code, tag("small", f" {one.code}") if one.name else None)
    known = _LISTED[one.listed] + (" (must not vanish)" if one.must_keep else "")
    return [
        name,
        known.strip() or "both",
        f"{one.both:,}",
        f"{one.only_champion:,}",
        f"{one.only_challenger:,}",
        _per_day(one.champion_per_day),
        _per_day(one.challenger_per_day),
        decimals(one.champion_threshold),
        decimals(one.challenger_threshold),
    ]


def _per_day(value: float | None) -> str:
    if value is None:
        return NOTHING
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def _window(number: int, one: WindowFacts, sound: WindowSound | None) -> Markup:
    place = f"{number}. {one.recording}, {one.begin_s:g} to {one.end_s:g} s"
    probabilities = (
        f"{one.name or one.code}: champion {percent(one.champion_probability)}, challenger "
        f"{percent(one.challenger_probability)}"
    )
    words = join(
        tag("b", place),
        prose(probabilities),
        prose(f"Champion detects {_detected(one.champion_detected)}; challenger {_detected(one.challenger_detected)}."),
    )
    if sound is None:
        return tag("div", words, tag("p", "The recording is not at hand.", class_="more"))
    label = f"Spectrogram of window {number}, {one.recording} from {one.begin_s:g} s"
    return figure(sound_picture(sound.waveform, sound.spec, one.begin_s, label), words)


def _detected(names: Sequence[str]) -> str:
    return listed(names) if names else "nothing"
