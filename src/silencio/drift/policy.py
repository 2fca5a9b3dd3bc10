"""The policy: every threshold, frozen and checked; `policy.yaml` beside it says where each comes from."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from silencio.drift.signals import N_BANDS
from silencio.errors import ConfigError

Share = Annotated[float, Field(ge=0, le=1)]
Effect = Annotated[float, Field(gt=0, le=1)]
Hours = Annotated[float, Field(gt=0, le=6)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class DayParts(_Part):
    """What is dawn and dusk.

    Attributes:
        dawn_h: Hours before and after sunrise.
        dusk_h: Hours before and after sunset.
    """

    dawn_h: tuple[Hours, Hours] = Field(strict=False)
    dusk_h: tuple[Hours, Hours] = Field(strict=False)


class ReferencePolicy(_Part):
    """When a field reference is complete.

    Attributes:
        min_days: Fewest complete days; of four or less no change is improbable enough among all signals of a day.
        max_days: Days after which no more are taken.
        min_recordings: Fewest of a device and part of the day over all days.
        min_block_recordings: Fewest of a device, part and single day.
    """

    min_days: int = Field(ge=5)
    max_days: int = Field(le=60)
    min_recordings: int = Field(ge=1)
    min_block_recordings: int = Field(ge=1)

    @model_validator(mode="after")
    def _holds_together(self) -> ReferencePolicy:
        if self.min_days > self.max_days:
            raise ValueError(f"min_days {self.min_days} is above max_days {self.max_days}")
        return self


class EffectThresholds(_Part):
    """From which effect on a change matters; the fields are those of `silencio.drift.signals`."""

    level_db: float = Field(gt=0)
    band_db: float = Field(gt=0)
    snr_db: float = Field(gt=0)
    rolloff_ratio: float = Field(gt=0, lt=1)
    flatness: Effect
    clipped_share: Effect
    silence_share: Effect
    empty_share: Effect
    species_mix_jsd: Effect
    score_given_species: Effect
    expected_precision: Effect
    review_precision: Effect
    decode_failure_share: Effect
    clock_fault_share: Effect
    client_share: Effect


class AttributionPolicy(_Part):
    """How signals become causes.

    Attributes:
        common_share: Share of a site's devices from which on a change is common to them.
        max_weather_days: Days of noise in the last ten, up to which it is weather.
        min_parts_share: Share of the parts of the day in which a microphone's change has the same sign.
        min_share_of_common: How far apart from its peers a device stands, as a share of their common change.
        low_bands: Numbers of the bands of wind and engines, from 1.
        min_explained_share: Share of the mix's change that a shift of priors explains.
        min_explained_score_share: The same of the mix of species with their low and high scores.
        days_likely: Days in a row until a cause is likely.
        days_confirmed: Days in a row until it is confirmed.
        season_days_confirmed: The same for a season.
        release_share: Share of the recordings that another bundle version answered.
    """

    common_share: Share
    max_weather_days: int = Field(ge=1, le=10)
    min_parts_share: Share
    min_share_of_common: float = Field(ge=0)
    low_bands: tuple[Annotated[int, Field(ge=1, le=N_BANDS)], ...] = Field(strict=False)
    min_explained_share: Share
    min_explained_score_share: Share
    days_likely: int = Field(ge=1)
    days_confirmed: int = Field(ge=1)
    season_days_confirmed: int = Field(ge=1)
    release_share: Share


class ImportancePolicy(_Part):
    """When what predictions rest on has moved.

    Attributes:
        max_windows: Windows of the day that are explained, and as many of the reference.
        min_windows: Fewest of each.
        centroid_octaves: Shift of the mean frequency that matters.
        bandwidth_octaves: Change of the width that matters.
        half_share: Change that matters of the share of cells that holds half of the importance.
        min_spreads: Standard deviations of what the reference's own windows do.
    """

    max_windows: int = Field(ge=4, le=200)
    min_windows: int = Field(ge=4)
    centroid_octaves: float = Field(gt=0)
    bandwidth_octaves: float = Field(gt=0)
    half_share: Share
    min_spreads: float = Field(ge=0)

    @model_validator(mode="after")
    def _holds_together(self) -> ImportancePolicy:
        if self.min_windows > self.max_windows:
            raise ValueError(f"min_windows {self.min_windows} is above max_windows {self.max_windows}")
        return self


class AlertPolicy(_Part):
    """When a cause is an alert.

    Attributes:
        days: Days with the cause.
        of: Number of days that are looked at, the last one the day itself.
    """

    days: int = Field(ge=1)
    of: int = Field(ge=1)

    @model_validator(mode="after")
    def _holds_together(self) -> AlertPolicy:
        if self.days > self.of:
            raise ValueError(f"days {self.days} is above of {self.of}")
        return self


class DriftPolicy(_Part):
    """The policy.

    Attributes:
        day_parts: What is dawn and dusk.
        reference: When a field reference is complete.
        min_recordings: Fewest of a device and part of the day for it to be compared.
        min_detections: Fewest recordings with something named, for scores and the mix.
        n_permutations: Permutations of every signal.
        n_permutations_of_large_effects: Permutations of those whose effect is beyond its threshold.
        n_bootstraps: Resamples of the species mix.
        false_discovery_rate: Share of false ones among a day's alarms, over all signals and devices.
        min_day_spreads: Standard deviations of the reference's own days.
        effects: Thresholds by signal.
        min_mix_lower_bound: Lower bound of the species mix.
        min_recent_reviews: Reviews of the newest days that are looked at by themselves.
        attribution: How signals become causes.
        importance: When what predictions rest on has moved.
        alert: When a cause is an alert.
    """

    day_parts: DayParts
    reference: ReferencePolicy
    min_recordings: int = Field(ge=1)
    min_detections: int = Field(ge=1)
    n_permutations: int = Field(ge=99)
    n_permutations_of_large_effects: int = Field(ge=99)
    n_bootstraps: int = Field(ge=50)
    false_discovery_rate: float = Field(gt=0, lt=1)
    min_day_spreads: float = Field(ge=0)
    effects: EffectThresholds
    min_mix_lower_bound: Share
    min_recent_reviews: int = Field(ge=1)
    attribution: AttributionPolicy
    importance: ImportancePolicy
    alert: AlertPolicy

    @classmethod
    def shipped(cls) -> DriftPolicy:
        """The policy that holds where nothing else is given."""
        return cls.from_yaml((files("silencio.drift") / "policy.yaml").read_text(encoding="utf-8"))

    @classmethod
    def from_yaml(cls, text: str) -> DriftPolicy:
        """A policy of a file.

        Raises:
            ConfigError: It is no policy; the first wrong field is named.
        """
        try:
            values: Any = yaml.safe_load(text)
            return cls.model_validate(values)
        except yaml.YAMLError as error:
            raise ConfigError(f"the drift policy is no YAML: {error}") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the policy"
            raise ConfigError(f"drift policy: {where}: {first['msg']} (found {first['input']!r})") from error

    def sha256(self) -> str:
        """Hash of all thresholds, whatever the YAML's comments and order."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()
