"""From the answers of two bundles to what rules and the page look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from silencio.bundle.manifest import BundleManifest
from silencio.errors import ReleaseError
from silencio.release.answers import BundleAnswers, RecordingAnswer, SharedAnswers, disagreement, nearest_windows
from silencio.release.class_change import SpeciesStatus, status_of
from silencio.release.evidence import ClassChange, Pairs, Replay, SpeciesPair

_DAY_S = 86_400.0
N_WINDOWS = 10


@dataclass(frozen=True, kw_only=True)
class NegativeFlip:
    """A recording that the champion has right and the challenger has not.

    Attributes:
        recording: Its name.
        label: Code of the right answer.
        challenger_named: Code that the challenger finds most probable.
    """

    recording: str
    label: str
    challenger_named: str


@dataclass(frozen=True, kw_only=True)
class Churn:
    """How much two models differ that were trained by one recipe: what any retraining costs.

    Attributes:
        n_recordings: Recordings with labels that both know.
        negative_flips: Recordings that one has right and the other has not, the mean of both directions.
        disagreement: Mean share of windows whose detected set differs.
    """

    n_recordings: int
    negative_flips: float
    disagreement: float

    @property
    def negative_flip_share(self) -> float:
        """Share of the recordings; 0 where there are none."""
        return self.negative_flips / self.n_recordings if self.n_recordings else 0.0


@dataclass(frozen=True, kw_only=True)
class SpeciesRow:
    """One species under both bundles, on the same recordings.

    Attributes:
        code: Its code.
        common_name: English name.
        status: Whether `both` bundles have it, or it is `new` or `gone`.
        both: Recordings in which both detect it.
        only_champion: Recordings in which the champion alone detects it.
        only_challenger: Recordings in which the challenger alone detects it.
        champion_detections_a_day: Detections in 24 hours of sound; None where the champion does not have it.
        challenger_detections_a_day: The same of the challenger.
        champion_threshold: None where the champion does not have it.
        challenger_threshold: The same of the challenger.
    """

    code: str
    common_name: str
    status: SpeciesStatus
    both: int
    only_champion: int
    only_challenger: int
    champion_detections_a_day: float | None
    challenger_detections_a_day: float | None
    champion_threshold: float | None
    challenger_threshold: float | None


@dataclass(frozen=True, kw_only=True)
class WindowDisagreement:
    """The window of a recording in which two bundles differ most.

    Attributes:
        recording: Name of the recording.
        start_s: Second at which the champion's window begins.
        end_s: Second at which it ends.
        code: Species whose probability differs most.
        champion_probability: The champion's of this species.
        challenger_probability: The challenger's, in its window that lies nearest.
        champion_detected: All codes that the champion detects there.
        challenger_detected: All codes that the challenger detects there.
    """

    recording: str
    start_s: float
    end_s: float
    code: str
    champion_probability: float
    challenger_probability: float
    champion_detected: tuple[str, ...]
    challenger_detected: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AnswerComparison:
    """All that follows from two bundles' answers to the same recordings; the release's page renders it.

    Attributes:
        n_recordings: Recordings that both answered.
        sound_s: Seconds of sound in them.
        pairs: For the rules `disagreement`, `species` and `confidence`.
        replay: For the rule `replay`; None where no labels are known, as in traffic.
        classes: For the rule `classes`.
        negative_flips: Every one of the replay.
        churn_floor: What two retrainings of the champion's own recipe differ by; None: there are none.
        species: The species table, in the order of codes.
        windows: The windows of largest disagreement, at most one a recording, the largest first.
        left_out: Recordings that were not compared: how many, by the reason in words.
    """

    n_recordings: int
    sound_s: float
    pairs: Pairs
    replay: Replay | None = None
    classes: ClassChange = field(default_factory=ClassChange)
    negative_flips: tuple[NegativeFlip, ...] = ()
    churn_floor: Churn | None = None
    species: tuple[SpeciesRow, ...] = ()
    windows: tuple[WindowDisagreement, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)


def pairs_of(shared: SharedAnswers) -> Pairs:
    """Disagreement by recording, species by who detects them, and how probable the most probable species is."""
    named = np.zeros((2, len(shared.recordings), len(shared.codes)), bool)
    distances = np.zeros(len(shared.recordings))
    top = np.zeros((len(shared.recordings), 2))
    for row, recording in enumerate(shared.recordings):
        champion, challenger = shared.pair(recording)
        distances[row] = disagreement(champion, challenger)
        named[0, row], named[1, row] = champion.detected.any(axis=0), challenger.detected.any(axis=0)
        whole = shared.champion.recordings[recording], shared.challenger.recordings[recording]
        top[row] = whole[0].top_probability, whole[1].top_probability
    both = (named[0] & named[1]).sum(axis=0)
    alone = (named[0] & ~named[1]).sum(axis=0), (named[1] & ~named[0]).sum(axis=0)
    species = {
        code: SpeciesPair(both=int(both[j]), only_champion=int(alone[0][j]), only_challenger=int(alone[1][j]))
        for j, code in enumerate(shared.codes)
    }
    return Pairs(disagreement=distances, species=species, top_probability=top)


def added(one: Pairs, other: Pairs) -> Pairs:
    """Pairs of further recordings behind those that are known; both of the same two bundles, from `pairs_of`."""
    nobody = SpeciesPair()
    counts = {code: (one.species.get(code, nobody), other.species.get(code, nobody)) for code in other.species}
    top = [pairs.top_probability for pairs in (one, other) if pairs.top_probability is not None]
    return Pairs(
        disagreement=np.concatenate([one.disagreement, other.disagreement]),
        species={
            code: SpeciesPair(
                both=a.both + b.both,
                only_champion=a.only_champion + b.only_champion,
                only_challenger=a.only_challenger + b.only_challenger,
            )
            for code, (a, b) in counts.items()
        },
        top_probability=np.concatenate(top) if top else None,
    )


def replay_of(
    shared: SharedAnswers, labels: Mapping[str, str], slices: Mapping[str, Mapping[str, bool]] | None = None
) -> Replay:
    """Hold both against labels: right is whose most probable species, of all that it has, is the label.

    A recording is one that both answered and whose label both have: a species that the champion does not know is no
    advantage over it, nor one that the challenger has given up a fault here (rule `classes` holds that).

    Args:
        shared: Answers of both.
        labels: Codes of the right answers by recording.
        slices: By slice, which recordings are in it; a recording that is not named is not.
    """
    recordings = [name for name in shared.recordings if labels.get(name) in shared.codes]
    right_answers = [labels[name] for name in recordings]
    champion = [_named(shared.champion, name) for name in recordings]
    challenger = [_named(shared.challenger, name) for name in recordings]
    return Replay(
        champion_right=_equal(champion, right_answers),
        challenger_right=_equal(challenger, right_answers),
        slices={
            name: np.array([bool(inside.get(one, False)) for one in recordings], bool)
            for name, inside in (slices or {}).items()
        },
        recordings=tuple(recordings),
        labels=tuple(right_answers),
        champion_named=tuple(champion),
        challenger_named=tuple(challenger),
    )


def negative_flips(replay: Replay) -> tuple[NegativeFlip, ...]:
    """Recordings that the champion has right and the challenger has not, in their order."""
    if len(replay.recordings) != len(replay.champion_right):
        raise ReleaseError(
            f"the replay has {len(replay.champion_right)} recordings and names {len(replay.recordings)} of them: flips "
            "can be listed of named recordings only"
        )
    lost = np.flatnonzero((replay.champion_right == 1) & (replay.challenger_right == 0)).tolist()
    return tuple(
        NegativeFlip(
            recording=replay.recordings[row], label=replay.labels[row], challenger_named=replay.challenger_named[row]
        )
        for row in lost
    )


def churn(first: BundleAnswers, second: BundleAnswers, labels: Mapping[str, str]) -> Churn:
    """What two models of one recipe differ by: the floor under a challenger's negative flips.

    Args:
        first: Answers of one retraining of the champion's recipe (another seed).
        second: Answers of another one.
        labels: Codes of the right answers by recording.
    """
    shared = SharedAnswers.of(first, second)
    replay = replay_of(shared, labels)
    distances = pairs_of(shared).disagreement
    return Churn(
        n_recordings=len(replay.champion_right),
        negative_flips=float((replay.champion_right != replay.challenger_right).sum()) / 2,
        disagreement=float(distances.mean()) if len(distances) else 0.0,
    )


def species_table(
    shared: SharedAnswers, pairs: Pairs, champion: BundleManifest, challenger: BundleManifest
) -> tuple[SpeciesRow, ...]:
    """Every species that either has: detections a day under both on the same recordings, thresholds old and new.

    Args:
        shared: Answers of both.
        pairs: Pairs from `pairs_of`.
        champion: Its manifest.
        challenger: Its manifest.
    """
    per_day = (
        _detections_a_day(shared.champion, shared.recordings),
        _detections_a_day(shared.challenger, shared.recordings),
    )
    alone = _recordings_with(shared.champion, shared.recordings), _recordings_with(shared.challenger, shared.recordings)
    names = {one.code: one.common_name for one in (*champion.classes, *challenger.classes)}
    rows = []
    for code in sorted(names):
        status = status_of(code, champion, challenger)
        counts = pairs.species.get(code) or SpeciesPair(
            only_champion=alone[0].get(code, 0), only_challenger=alone[1].get(code, 0)
        )
        rows.append(
            SpeciesRow(
                code=code,
                common_name=names[code],
                status=status,
                both=counts.both,
                only_champion=counts.only_champion,
                only_challenger=counts.only_challenger,
                champion_detections_a_day=per_day[0].get(code),
                challenger_detections_a_day=per_day[1].get(code),
                champion_threshold=champion.thresholds.get(code),
                challenger_threshold=challenger.thresholds.get(code),
            )
        )
    return tuple(rows)


def largest_disagreements(shared: SharedAnswers, n: int = N_WINDOWS) -> tuple[WindowDisagreement, ...]:
    """Of each recording the window in which the two differ most, and of these the largest.

    Windows whose detected sets differ come first, then how far apart the probabilities of a species lie. One a
    recording: a single odd recording would fill the list.
    """
    found = [_largest(shared, recording) for recording in shared.recordings]
    found.sort(key=lambda one: (-one[0], -one[1], one[2].recording))
    return tuple(window for _, distance, window in found[:n] if distance > 0)


def compare_answers(
    champion: BundleAnswers,
    challenger: BundleAnswers,
    manifests: tuple[BundleManifest, BundleManifest],
    *,
    classes: ClassChange,
    labels: Mapping[str, str] | None = None,
    slices: Mapping[str, Mapping[str, bool]] | None = None,
    retrained: tuple[BundleAnswers, BundleAnswers] | None = None,
    left_out: Mapping[str, int] | None = None,
) -> AnswerComparison:
    """All of it at once.

    Args:
        champion: Its answers.
        challenger: Its answers.
        manifests: The champion's and the challenger's.
        classes: Change from `silencio.release.class_change.class_change`.
        labels: Codes of the right answers by recording; None: they are not known.
        slices: As for `replay_of`.
        retrained: Answers of two retrainings of the champion's recipe to the same recordings.
        left_out: Recordings that were not given to both, by reason.

    Raises:
        ReleaseError: The two have no class in common.
    """
    shared = SharedAnswers.of(champion, challenger)
    pairs = pairs_of(shared)
    replay = None if labels is None else replay_of(shared, labels, slices)
    missing = dict(left_out or {})
    if replay is not None and (unknown := len(shared.recordings) - len(replay.champion_right)):
        missing["its label is no class of both"] = unknown
    return AnswerComparison(
        n_recordings=len(shared.recordings),
        sound_s=sum(shared.champion.recordings[name].sound_s for name in shared.recordings),
        pairs=pairs,
        replay=replay,
        classes=classes,
        negative_flips=() if replay is None else negative_flips(replay),
        churn_floor=None if retrained is None or labels is None else churn(*retrained, labels),
        species=species_table(shared, pairs, *manifests),
        windows=largest_disagreements(shared),
        left_out=missing,
    )


def _named(answers: BundleAnswers, recording: str) -> str:
    # As evaluation has it: a recording's score is the mean of its windows' probabilities.
    return answers.codes[int(answers.recordings[recording].probabilities.astype(np.float64).mean(axis=0).argmax())]


def _equal(named: Sequence[str], labels: Sequence[str]) -> NDArray[np.int8]:
    return np.array([one == label for one, label in zip(named, labels, strict=True)], np.int8)


def _detections_a_day(answers: BundleAnswers, recordings: Iterable[str]) -> dict[str, float]:
    counts, sound_s = np.zeros(len(answers.codes), np.int64), 0.0
    for name in recordings:
        one = answers.recordings[name]
        counts += one.n_detections()
        sound_s += one.sound_s
    days = sound_s / _DAY_S
    return {code: float(n / days) if days else 0.0 for code, n in zip(answers.codes, counts.tolist(), strict=True)}


def _recordings_with(answers: BundleAnswers, recordings: Iterable[str]) -> dict[str, int]:
    counts = np.zeros(len(answers.codes), np.int64)
    for name in recordings:
        counts += answers.recordings[name].detected.any(axis=0)
    return dict(zip(answers.codes, counts.tolist(), strict=True))


def _largest(shared: SharedAnswers, recording: str) -> tuple[bool, float, WindowDisagreement]:
    champion, challenger = shared.pair(recording)
    theirs = nearest_windows(champion, challenger)
    apart = np.abs(champion.probabilities - challenger.probabilities[theirs])
    differs = (champion.detected != challenger.detected[theirs]).any(axis=1)
    row = int(np.lexsort((-apart.max(axis=1), ~differs))[0])
    column = int(apart[row].argmax())
    window = WindowDisagreement(
        recording=recording,
        start_s=float(champion.starts_s[row]),
        end_s=float(champion.ends_s[row]),
        code=shared.codes[column],
        champion_probability=float(champion.probabilities[row, column]),
        challenger_probability=float(challenger.probabilities[theirs[row], column]),
        champion_detected=_detected(shared.champion, recording, row),
        challenger_detected=_detected(shared.challenger, recording, int(theirs[row])),
    )
    return bool(differs[row]), float(apart[row, column]), window


def _detected(answers: BundleAnswers, recording: str, row: int) -> tuple[str, ...]:
    one: RecordingAnswer = answers.recordings[recording]
    return tuple(answers.codes[column] for column in np.flatnonzero(one.detected[row]))
