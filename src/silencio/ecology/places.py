"""Sites, their trails, coordinates and clocks, and what a season is: what the log does not know of a place."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from silencio.local_time import Zone

# Of recordings whose request named no site.
NO_SITE = "no site"
# Meteorological quarters by their months' initials, where no seasons are declared: they fit every latitude.
_QUARTERS: dict[str, tuple[int, ...]] = {"DJF": (12, 1, 2), "MAM": (3, 4, 5), "JJA": (6, 7, 8), "SON": (9, 10, 11)}

Month = Annotated[int, Field(ge=1, le=12)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Site(_Strict):
    """Where recorders or visitors of one `site_id` are.

    Attributes:
        name: What people call it; the id where it is empty.
        trail: Trail that it lies on; sites of one trail are counted together. The site's name where it is empty.
        latitude: Degrees north, together with the longitude.
        longitude: Degrees east.
        uncertainty_m: Radius in metres around the coordinates within which recordings are made.
        zone: Time zone, where it is not that of all places.
    """

    name: str = ""
    trail: str = ""
    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=180)
    uncertainty_m: float = Field(30.0, gt=0)
    zone: Zone | None = None

    @model_validator(mode="after")
    def _a_place_has_two_numbers(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude are needed together")
        return self


class Places(_Strict):
    """All sites.

    Attributes:
        zone: Time zone of the places: their midnight divides days.
        seasons: Months of each season; each month once. Quarters of the year where nothing is declared.
        sites: Sites by their id in the log.
    """

    zone: Zone = "UTC"
    seasons: dict[str, tuple[Month, ...]] = Field(default_factory=lambda: dict(_QUARTERS))
    sites: dict[str, Site] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _every_month_has_one_season(self) -> Self:
        months = sorted(month for declared in self.seasons.values() for month in declared)
        if months != list(range(1, 13)):
            raise ValueError(f"seasons must hold each month from 1 to 12 once, not {months}")
        return self

    def zone_of(self, site_id: str) -> ZoneInfo:
        """The site's clock.

        Args:
            site_id: Id in the log.
        """
        site = self.sites.get(site_id)
        return ZoneInfo(site.zone if site is not None and site.zone else self.zone)

    def trail_of(self, site_id: str) -> str:
        """The trail; the site's name, or its id, where none is declared."""
        site = self.sites.get(site_id)
        return site_id if site is None else site.trail or site.name or site_id

    def season_of(self, day: date) -> str:
        """The season of a local date."""
        return next(name for name, months in self.seasons.items() if day.month in months)
