"""Detections as occurrences in the terms of Darwin Core.

What is told of a sensitive species must not be found again through another one: two records of one recording share its
event, its session and its second. Where coordinates are rounded further than those of other species, event, session,
effort and time of day are therefore withheld, and the records stand in the order of identifiers that tell nothing.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from silencio.ecology.detections import Detection
from silencio.ecology.places import Places
from silencio.ecology.recordings import Recording, later
from silencio.ecology.sensitive import DEGREES, Point, SensitiveSpecies, generalised, half_diagonal_m
from silencio.taxonomy import Species

_DWC, _DCTERMS = "http://rs.tdwg.org/dwc/terms/", "http://purl.org/dc/terms/"
ROW_TYPE = f"{_DWC}Occurrence"
# Columns of occurrence.txt, in their order; the first is the record's identifier.
TERMS = {
    name: f"{_DCTERMS if name in ('license', 'rightsHolder') else _DWC}{name}"
    for name in (
        "occurrenceID",
        "basisOfRecord",
        "occurrenceStatus",
        "eventID",
        "parentEventID",
        "eventDate",
        "samplingProtocol",
        "samplingEffort",
        "kingdom",
        "class",
        "scientificName",
        "vernacularName",
        "taxonRank",
        "identifiedBy",
        "dateIdentified",
        "identificationRemarks",
        "identificationVerificationStatus",
        "countryCode",
        "decimalLatitude",
        "decimalLongitude",
        "geodeticDatum",
        "coordinatePrecision",
        "coordinateUncertaintyInMeters",
        "dataGeneralizations",
        "informationWithheld",
        "datasetName",
        "license",
        "rightsHolder",
    )
}
VERIFIED, UNVERIFIED = "verified using recorded media", "unverified"
# Of names that are made of what the log has: the same detection has the same name in every export.
_NAMESPACE = uuid.UUID("5d7f0b52-58f0-5a3e-9d5c-8f2d6c1f4f0e")
# As the prediction log rounds coordinates by default, and how near a phone knows its place.
LOG_PRECISION, _PHONE_M = 0.1, 30.0


@dataclass(frozen=True)
class Publication:
    """What all records share.

    Attributes:
        dataset_name: Title of the data set.
        license: Address of the licence.
        rights_holder: Who holds the rights.
        country_code: ISO 3166-1, two letters; empty where unknown.
        precision: Degrees to which coordinates of species that are not sensitive are rounded.
        reviewers: Who identified what a person found; a name for all of them.
        programs: Program that made each bundle, with its version, by bundle version; `Silencio` of others.
        thresholds: Probability from which on a species is detected, by bundle version and species code.
    """

    dataset_name: str
    license: str
    rights_holder: str
    country_code: str = ""
    precision: float = 0.1
    reviewers: str = "reviewers of the data set"
    programs: Mapping[str, str] = field(default_factory=dict)
    thresholds: Mapping[tuple[str, str], float] = field(default_factory=dict)


@dataclass(frozen=True)
class Occurrences:
    """Records, and what was left out of them.

    Attributes:
        records: One value a term of `TERMS`, by identifier.
        n_withheld: Detections of species whose records are withheld.
        n_undated: Detections of recordings without a time of their own.
        n_without_name: Detections of codes that no class list has.
        n_without_place: Records without coordinates.
        strange_codes: Codes that no class list has.
    """

    records: tuple[dict[str, str], ...]
    n_withheld: int
    n_undated: int
    n_without_name: int
    n_without_place: int
    strange_codes: tuple[str, ...]


def occurrences(
    detections: Iterable[Detection],
    names: Mapping[str, Species],
    places: Places,
    sensitive: Mapping[str, SensitiveSpecies],
    publication: Publication,
) -> Occurrences:
    """Detections as records.

    Args:
        detections: Those that may be exported.
        names: Species by code.
        places: Coordinates of the sites; where a site has none, the log's own are taken.
        sensitive: Sensitive species by code.
        publication: What all records share.
    """
    detections = list(detections)
    named = [one for one in detections if one.code in names]
    dated = [one for one in named if one.recording.is_dated]
    exported = [one for one in dated if one.code not in sensitive or not sensitive[one.code].is_withheld]
    records = [_record(one, names[one.code], places, sensitive.get(one.code), publication) for one in exported]
    return Occurrences(
        tuple(sorted(records, key=lambda record: record["occurrenceID"])),
        n_withheld=len(dated) - len(exported),
        n_undated=len(named) - len(dated),
        n_without_name=len(detections) - len(named),
        n_without_place=sum(not record["decimalLatitude"] for record in records),
        strange_codes=tuple(sorted({one.code for one in detections} - names.keys())),
    )


def occurrence_id(detection: Detection) -> str:
    """The record's name: of the request, the recording's place in it, the detection's start and its species."""
    recording = detection.recording
    return _name(recording.request_id, recording.place_in_request, f"{detection.start_s:.3f}", detection.code)


def _record(
    one: Detection, species: Species, places: Places, line: SensitiveSpecies | None, publication: Publication
) -> dict[str, str]:
    precision = max(publication.precision, DEGREES[line.category] if line else 0.0)
    is_coarser = precision > publication.precision
    point = _point(one.recording, places, precision)
    if point is not None and is_coarser:
        point = replace(point, uncertainty_m=_of_no_site(places, point, precision))
    values = {
        "occurrenceID": occurrence_id(one),
        "basisOfRecord": "MachineObservation",
        "occurrenceStatus": "present",
        "eventDate": _interval(one, only_day=is_coarser),
        "samplingProtocol": f"passive acoustic recording, {one.recording.window_s:g} s windows",
        "kingdom": "Animalia",
        "class": species.class_name,
        "scientificName": species.scientific_name,
        "vernacularName": species.common_name,
        "taxonRank": "species" if len(species.scientific_name.split()) == 2 else "",
        "countryCode": publication.country_code,
        "datasetName": publication.dataset_name,
        "license": publication.license,
        "rightsHolder": publication.rights_holder,
    }
    values |= _identification(one, publication, is_coarser=is_coarser)
    values |= _location(point, is_coarser, line)
    if not is_coarser:
        values |= {
            "eventID": _name("event", one.recording.prediction_id),
            "parentEventID": _name("events", *_parent(one.recording)),
            "samplingEffort": f"{one.recording.duration_s:.0f} s recorded",
        }
    return {term: values.get(term, "") for term in TERMS}


def _identification(one: Detection, publication: Publication, *, is_coarser: bool) -> dict[str, str]:
    version = one.recording.bundle_version
    bundle = f"{publication.programs.get(version, 'Silencio')} bundle {version}"
    is_persons = one.status == "corrected"
    if is_coarser:
        # The day on which a site's card came, or a bundle that ran at one site, would name the site.
        return {"identificationVerificationStatus": VERIFIED if one.is_verified else UNVERIFIED}
    identified_at = one.reviewed_at if one.is_verified and one.reviewed_at else one.recording.received_at
    zone = one.recording.begun_at.tzinfo
    return {
        "identifiedBy": publication.reviewers if is_persons else bundle,
        "dateIdentified": f"{identified_at.astimezone(zone):%Y-%m-%d}",
        "identificationRemarks": "found by a person, not by the model" if is_persons else _remarks(one, publication),
        "identificationVerificationStatus": VERIFIED if one.is_verified else UNVERIFIED,
    }


def _remarks(one: Detection, publication: Publication) -> str:
    if one.probability is None:
        return "probability not among the five highest of its windows"
    threshold = publication.thresholds.get((one.recording.bundle_version, one.code))
    words = f"probability {one.probability:.2f} (calibrated)"
    return words if threshold is None else f"{words}, threshold {threshold:.2f}"


def _location(point: Point | None, is_coarser: bool, line: SensitiveSpecies | None) -> dict[str, str]:
    reason = f"{line.reason}: " if line else ""
    withheld = f"{reason}event, session, effort and time of day withheld" if is_coarser else ""
    if point is None:
        return {"informationWithheld": withheld}
    return {
        "decimalLatitude": point.latitude,
        "decimalLongitude": point.longitude,
        "geodeticDatum": "EPSG:4326",
        "coordinatePrecision": f"{point.precision:g}",
        "coordinateUncertaintyInMeters": str(point.uncertainty_m),
        "dataGeneralizations": f"{reason}coordinates rounded to {point.precision:g} degree",
        "informationWithheld": withheld,
    }


def _point(recording: Recording, places: Places, precision: float) -> Point | None:
    site = places.sites.get(recording.site_id)
    if site is not None and site.latitude is not None and site.longitude is not None:
        return generalised(site.latitude, site.longitude, precision, site.uncertainty_m)
    if recording.latitude is None or recording.longitude is None:
        return None
    if precision <= LOG_PRECISION:  # the log is rounded as far already
        return generalised(recording.latitude, recording.longitude, LOG_PRECISION, _PHONE_M)
    before_m = _PHONE_M + half_diagonal_m(recording.latitude, LOG_PRECISION)
    return generalised(recording.latitude, recording.longitude, precision, before_m)


def _of_no_site(places: Places, point: Point, precision: float) -> int:
    """A radius that is the same for all sites of a cell: a site's own would tell which it is."""
    largest_m = max([_PHONE_M + half_diagonal_m(float(point.latitude), LOG_PRECISION), *_radii(places)])
    return 1000 * math.ceil((largest_m + half_diagonal_m(float(point.latitude), precision)) / 1000)


def _radii(places: Places) -> list[float]:
    return [site.uncertainty_m for site in places.sites.values()]


def _parent(recording: Recording) -> tuple[str, ...]:
    """A visitor's session, else a recorder's deployment."""
    if recording.session_id is not None:
        return "session", recording.session_id
    return "deployment", recording.site_id, recording.device_id or ""


def _interval(one: Detection, *, only_day: bool) -> str:
    first_s, last_s = one.confirmed_s or (one.start_s, one.end_s)
    if only_day:
        return f"{later(one.recording.begun_at, first_s):%Y-%m-%d}"
    begin = later(one.recording.begun_at, first_s).replace(microsecond=0)
    return f"{begin.isoformat()}/{_full_second(later(one.recording.begun_at, last_s)).isoformat()}"


def _full_second(moment: datetime) -> datetime:
    """The next full second, unless it is one."""
    return moment.replace(microsecond=0) + timedelta(seconds=math.ceil(moment.microsecond / 1e6))


def _name(*parts: object) -> str:
    return f"urn:uuid:{uuid.uuid5(_NAMESPACE, '/'.join(map(str, parts)))}"
