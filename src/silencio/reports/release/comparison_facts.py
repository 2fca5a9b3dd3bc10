"""What is known of how two bundles differ, as data: replay, flips, species, windows of disagreement."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from silencio.release.verdict import Outcome

ClassListed = Literal["both", "new", "gone"]
# Lower and upper bound; None: open on that side, or unknown.
Bounds = tuple[float | None, float | None]


class Fact(BaseModel):
    """Anything on the page: frozen, without unknown fields, and without numbers that JSON has not."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SliceDifference(Fact):
    """Challenger minus champion on one part of the replayed recordings.

    Attributes:
        name: Name of the slice; `all` are all recordings.
        n: Recordings in it.
        better: Those of them, those that the challenger alone has right; None: not known.
        worse: Those of them, those that the champion alone has right; None: not known.
        difference: In the share that is right at first guess; None: too few recordings to say.
        upper: Upper bound of the difference that holds for all slices together; below 0 the challenger is worse.
        outcome: `fail` where the upper bound is below 0; None: it decides nothing.
    """

    name: str
    n: int
    better: int | None = None
    worse: int | None = None
    difference: float | None
    upper: float | None
    outcome: Outcome | None = None


class ReplayFacts(Fact):
    """Labelled recordings that neither bundle learned from, answered by both.

    Attributes:
        n: Recordings that were replayed.
        champion_right: Share that the champion has right at first guess; None: there are no recordings.
        challenger_right: The challenger's share; None: there are no recordings.
        level: Level at which the upper bounds hold, over all slices together.
        interval: 90 % interval of the difference over all recordings.
        slices: `all` first, then every slice.
        left_out: Recordings that were not replayed: how many, by the reason in words.
    """

    n: int
    champion_right: float | None
    challenger_right: float | None
    level: float | None
    interval: Bounds | None
    slices: tuple[SliceDifference, ...]
    left_out: dict[str, int] = Field(default_factory=dict)


class Flip(Fact):
    """A recording that the champion had right and the challenger has wrong.

    Attributes:
        recording: Its name.
        label: Code of the right answer.
        challenger: Code that the challenger names first.
    """

    recording: str
    label: str
    challenger: str


class FlipFacts(Fact):
    """Negative flips: right before, wrong now.

    Attributes:
        n: Recordings that both answered.
        negative: Right before, wrong now.
        positive: Wrong before, right now.
        churn_floor: Share of negative flips between two retrainings of the champion's own recipe, below which flips say
            nothing of the challenger; None: not measured.
        examples: Some of them.
    """

    n: int
    negative: int
    positive: int
    churn_floor: float | None
    examples: tuple[Flip, ...]


class SpeciesRow(Fact):
    """One species under both bundles.

    Attributes:
        code: Code of the species.
        name: Common name, or what else it is called.
        listed: The class lists that have it: both, only the challenger's (new), only the champion's (gone).
        must_keep: Whether the policy says that it may not vanish.
        both: Recordings in which both detected it.
        only_champion: Recordings in which the champion alone detected it.
        only_challenger: Recordings in which the challenger alone detected it.
        champion_per_day: Detections a day under the champion; None: not known.
        challenger_per_day: Detections a day under the challenger; None: not known.
        champion_threshold: Probability from which on the champion detects it; None: it does not know it.
        challenger_threshold: Probability from which on the challenger detects it; None: it does not know it.
    """

    code: str
    name: str
    listed: ClassListed
    must_keep: bool = False
    both: int = 0
    only_champion: int = 0
    only_challenger: int = 0
    champion_per_day: float | None = None
    challenger_per_day: float | None = None
    champion_threshold: float | None = None
    challenger_threshold: float | None = None


class SpeciesFacts(Fact):
    """What changes for whoever reads detections.

    Attributes:
        n: Recordings that both bundles answered; 0: none yet.
        per_day_of: Where detections a day come from, one sentence; None: they are not known.
        rows: New species, then gone ones, then by how much changes.
    """

    n: int
    per_day_of: str | None
    rows: tuple[SpeciesRow, ...]


class WindowFacts(Fact):
    """A window on which the bundles disagree.

    Attributes:
        recording: The recording's name.
        begin_s: Seconds into the recording at which it begins.
        end_s: Seconds into the recording at which it ends.
        code: Species whose probability differs most.
        name: Common name, or what else it is called.
        champion_probability: The champion's of this species.
        challenger_probability: The challenger's.
        champion_detected: Names of all species that the champion detects there.
        challenger_detected: Names of all species that the challenger detects there.
        has_spectrogram: Whether the HTML page shows its sound.
    """

    recording: str
    begin_s: float
    end_s: float
    code: str
    name: str
    champion_probability: float
    challenger_probability: float
    champion_detected: tuple[str, ...]
    challenger_detected: tuple[str, ...]
    has_spectrogram: bool = False
