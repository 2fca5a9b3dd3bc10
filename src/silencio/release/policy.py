"""The policy of a release: steps, times, and for each rule its share of the error, its tolerance and what follows."""

from __future__ import annotations

from importlib.resources import files
from itertools import pairwise
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from silencio.release.verdict import Consequence


class RulePolicy(BaseModel):
    """How one rule is held.

    Attributes:
        decides: What follows from its `fail`.
        alpha: Its share of the family's error: most probability that it fails, at any look, where nothing is worse.
        tolerance: Rate ratio (or, for `disagreement`, mean) up to which nothing is worse.
        limit: Absolute bound beside it: error rate, seconds, ratio of resources.
        must_have_data: Whether a step waits for the rule to have seen something.
        dry_run: Shown, never followed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    decides: Consequence = "rollback"
    alpha: float | None = Field(None, gt=0, lt=1)
    tolerance: float | None = Field(None, gt=0)
    limit: float | None = Field(None, gt=0)
    must_have_data: bool = False
    dry_run: bool = False


class ReleasePolicy(BaseModel):
    """The policy; `src/silencio/presets/release/policy.yaml` is the one that ships.

    Attributes:
        steps: The challenger's share in percent, step by step, from 0 to 100.
        family_error: Most probability that an equal bundle is rolled back, over the whole release.
        look_every_s: Seconds between looks.
        settle_s: Seconds after a share was confirmed in which nothing counts.
        min_s: Least seconds of a step.
        min_requests: Least requests of the challenger in a step.
        min_sessions: Least units of the challenger in a step.
        max_s: Most seconds of a step.
        when_short: What follows when a step ends without its least numbers.
        bake_s: Seconds at 100 % with the champion kept warm.
        blind_freeze_s: Seconds without counts after which nothing advances.
        blind_return_s: Seconds without counts after which the challenger gets 0 %, without a verdict on it.
        min_simulated_requests: Least requests of simulated users at 0 %, both arms together.
        min_replay: Least replayed recordings.
        must_keep: Codes of species that may not vanish.
        must_pass_slices: Slices of the replay that have to pass by themselves; of the others only a fail counts.
        confirm_increase: Steps in percent before which a person has to approve.
        confirm_promotion: Whether a person has to approve the promotion.
        rules: By name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    steps: list[float] = Field(min_length=2)
    family_error: float = Field(gt=0, lt=1)
    look_every_s: float = Field(gt=0)
    settle_s: float = Field(ge=0)
    min_s: float = Field(ge=0)
    min_requests: int = Field(ge=1)
    min_sessions: int = Field(ge=1)
    max_s: float = Field(gt=0)
    when_short: Literal["hold", "rollback"] = "hold"
    bake_s: float = Field(ge=0)
    blind_freeze_s: float = Field(gt=0)
    blind_return_s: float = Field(gt=0)
    min_simulated_requests: int = Field(ge=0)
    min_replay: int = Field(ge=0)
    must_keep: list[str] = Field(default_factory=list)
    must_pass_slices: list[str] = Field(default_factory=list)
    confirm_increase: list[float] = Field(default_factory=list)
    confirm_promotion: bool = False
    rules: dict[str, RulePolicy]

    @model_validator(mode="after")
    def _holds_together(self) -> ReleasePolicy:
        if self.steps[0] != 0 or self.steps[-1] != 100 or any(low >= high for low, high in pairwise(self.steps)):
            raise ValueError(f"steps must rise from 0 to 100 (found {self.steps})")
        spent = sum(rule.alpha for rule in self.rules.values() if rule.alpha is not None and not rule.dry_run)
        if spent > self.family_error * (1 + 1e-9):
            raise ValueError(f"the rules' alpha sum to {spent:g}, above family_error {self.family_error:g}")
        return self

    @classmethod
    def shipped(cls) -> ReleasePolicy:
        """The policy that holds where nothing else is said."""
        text = (files("silencio") / "presets" / "release" / "policy.yaml").read_text(encoding="utf-8")
        return cls.model_validate(yaml.safe_load(text))
