"""Which species can be where and when: a site's own list, or BirdNET's range model."""

from silencio.detections.prior.birdnet_range import BirdnetRange
from silencio.detections.prior.expected import Expected, Prior, week_of_year
from silencio.detections.prior.site_list import SiteList

__all__ = ["BirdnetRange", "Expected", "Prior", "SiteList", "week_of_year"]
