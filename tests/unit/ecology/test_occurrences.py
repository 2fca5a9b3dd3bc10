"""Occurrences: exact terms, stable names, and no way back to the place of a sensitive species."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from silencio.ecology import Observations, Places, Review, Site
from silencio.ecology.occurrences import TERMS, Publication, occurrences
from silencio.ecology.sensitive import SensitiveSpecies
from silencio.taxonomy import Species
from tests.unit.ecology.made_log import observed, recording

PLACES = Places(zone="America/Bogota", sites={"mirador": Site(latitude=4.61234, longitude=-74.10123, uncertainty_m=30)})
NAMES = {
    "a": Species(code="a", scientific_name="Ara militaris", common_name="Military Macaw", class_name="Aves"),
    "b": Species(code="b", scientific_name="Pitangus sulphuratus", common_name="Great Kiskadee", class_name="Aves"),
}
PUBLICATION = Publication(
    "A reserve",
    "http://creativecommons.org/licenses/by/4.0/legalcode",
    "A reserve's owner",
    "CO",
    precision=0.01,
    programs={"05754b8cdcf4": "Silencio 1.2"},
    thresholds={("05754b8cdcf4", "a"): 0.4},
)
AT = datetime(2026, 5, 8, 10, 40, tzinfo=UTC)


def _records(
    *rows: Any, reviews: Any = None, sensitive: dict[str, SensitiveSpecies] | None = None, places: Places = PLACES
) -> list[dict[str, str]]:
    made = rows or (_recording(),)
    found: Observations = observed(*made, reviews=reviews, places=places)
    return list(occurrences(found.accepted, NAMES, places, sensitive or {}, PUBLICATION).records)


def _recording(**facts: Any) -> list[dict[str, Any]]:
    facts = {"at": AT, "request_id": "r", "bundle_version": "05754b8cdcf4", "probability": 0.91} | facts
    return recording(["a"], [], duration_s=60, **facts)


def test_record__has_the_terms_and_their_words() -> None:
    (record,) = _records()
    assert list(record) == list(TERMS)
    assert {term: value for term, value in record.items() if not term.endswith("ID")} == {
        "basisOfRecord": "MachineObservation",
        "occurrenceStatus": "present",
        "eventDate": "2026-05-08T05:40:00-05:00/2026-05-08T05:40:05-05:00",
        "samplingProtocol": "passive acoustic recording, 5 s windows",
        "samplingEffort": "60 s recorded",
        "kingdom": "Animalia",
        "class": "Aves",
        "scientificName": "Ara militaris",
        "vernacularName": "Military Macaw",
        "taxonRank": "species",
        "identifiedBy": "Silencio 1.2 bundle 05754b8cdcf4",
        "dateIdentified": "2026-05-08",
        "identificationRemarks": "probability 0.91 (calibrated), threshold 0.40",
        "identificationVerificationStatus": "unverified",
        "countryCode": "CO",
        "decimalLatitude": "4.61",
        "decimalLongitude": "-74.10",
        "geodeticDatum": "EPSG:4326",
        "coordinatePrecision": "0.01",
        "coordinateUncertaintyInMeters": record["coordinateUncertaintyInMeters"],
        "dataGeneralizations": "coordinates rounded to 0.01 degree",
        "informationWithheld": "",
        "datasetName": "A reserve",
        "license": "http://creativecommons.org/licenses/by/4.0/legalcode",
        "rightsHolder": "A reserve's owner",
    }
    assert pytest.approx(int(record["coordinateUncertaintyInMeters"]), abs=5) == 785 + 30
    assert TERMS["license"] == "http://purl.org/dc/terms/license"
    assert TERMS["eventDate"] == "http://rs.tdwg.org/dwc/terms/eventDate"


def test_record__keeps_its_name_when_somebody_listens() -> None:
    before = _records()[0]
    reviews = {("r-0", 0, "a"): Review("present", datetime(2026, 6, 2, 1, tzinfo=UTC))}
    after = _records(reviews=reviews)[0]
    assert before["occurrenceID"] == after["occurrenceID"]
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", after["occurrenceID"])
    assert after["identificationVerificationStatus"] == "verified using recorded media"
    assert after["dateIdentified"] == "2026-06-01"  # in Bogotá
    assert "Silencio" in after["identifiedBy"]


def test_record__of_what_a_person_found_is_the_persons() -> None:
    records = _records(reviews={("r-0", 1, "b"): Review("present", AT), ("r-0", 0, "a"): Review("absent", AT)})
    (record,) = records
    assert (record["scientificName"], record["identifiedBy"]) == ("Pitangus sulphuratus", PUBLICATION.reviewers)
    assert "probability" not in record["identificationRemarks"]


def test_record__of_a_sensitive_species_cannot_be_joined_to_another_of_its_recording() -> None:
    rows = recording(["a", "b"], at=AT, request_id="r", session_id="walk", duration_s=37)
    sensitive = {"a": SensitiveSpecies(code="a", category=2, reason="poached")}
    records = {one["scientificName"]: one for one in _records(rows, sensitive=sensitive)}
    macaw, kiskadee = records["Ara militaris"], records["Pitangus sulphuratus"]
    assert (macaw["decimalLatitude"], macaw["decimalLongitude"], macaw["coordinatePrecision"]) == (
        "4.6",
        "-74.1",
        "0.1",
    )
    assert kiskadee["decimalLatitude"] == "4.61"
    shared = {term for term in TERMS if macaw[term] and macaw[term] == kiskadee[term]}
    assert not shared & {"eventID", "parentEventID", "eventDate", "samplingEffort"}
    assert macaw["eventDate"] == "2026-05-08"
    assert macaw["informationWithheld"].startswith("poached: event, session")
    # Nor does any value hold the recorder's own place, or what the log calls it.
    everything = " ".join(macaw.values())
    assert not any(word in everything for word in ("4.61", "mirador", "walk", "r-0"))


def test_record__of_a_sensitive_species_is_told_by_no_radius_and_no_day_of_which_site_it_is() -> None:
    """Each site's own radius, or the day on which its card came, would join it to ordinary records of that site."""
    sites = {
        name: Site(latitude=4.61, longitude=-74.08, uncertainty_m=metres) for name, metres in (("one", 30), ("two", 45))
    }
    sensitive = {"a": SensitiveSpecies(code="a", category=2)}
    rows = [_recording(site_id=name, request_id=name, device_id=name) for name in sites]
    records = _records(*rows, sensitive=sensitive, places=PLACES.model_copy(update={"sites": sites}))
    assert len(records) == 2
    radii = {one["coordinateUncertaintyInMeters"] for one in records}
    assert len(radii) == 1 and int(*radii) % 1000 == 0 and int(*radii) > 7_800 + 45
    for term in ("dateIdentified", "identifiedBy", "identificationRemarks"):
        assert {one[term] for one in records} == {""}


def test_record__as_coarse_as_all_others_withholds_nothing() -> None:
    record = _records(sensitive={"a": SensitiveSpecies(code="a", category=3)})[0]
    assert record["eventID"]
    assert not record["informationWithheld"]


def test_records__of_category_1_are_left_out() -> None:
    found = observed(_recording(), places=PLACES)
    sensitive = {"a": SensitiveSpecies(code="a", category=1)}
    made = occurrences(found.accepted, NAMES, PLACES, sensitive, PUBLICATION)
    assert (made.records, made.n_withheld) == ((), 1)


def test_records__their_order_tells_nothing() -> None:
    rows = [_recording(request_id=f"r{i}") for i in range(20)]
    names = [one["occurrenceID"] for one in _records(*rows)]
    assert names == sorted(names)
    assert len(set(names)) == 20


def test_record__the_logs_own_coordinates_are_no_finer_than_the_log() -> None:
    (record,) = _records(_recording(site_id="elsewhere", latitude=4.6, longitude=-74.1))
    assert (record["decimalLatitude"], record["coordinatePrecision"]) == ("4.6", "0.1")
    assert int(record["coordinateUncertaintyInMeters"]) > 7_800
    sensitive = {"a": SensitiveSpecies(code="a", category=1, withheld=False)}
    (coarse,) = _records(_recording(site_id="elsewhere", latitude=4.6, longitude=-74.1), sensitive=sensitive)
    assert (coarse["decimalLatitude"], coarse["coordinatePrecision"]) == ("5", "1")
    assert int(coarse["coordinateUncertaintyInMeters"]) > 78_000 + 7_800


def test_records__without_coordinates_time_or_name() -> None:
    found = observed(
        _recording(site_id="elsewhere"),
        _recording(request_id="s", recorded_at=None, waveform_sha256="other"),
        recording(["z"], at=AT),
        places=PLACES,
    )
    made = occurrences(found.accepted, NAMES, PLACES, {}, PUBLICATION)
    assert (made.n_without_place, made.n_undated, made.n_without_name) == (1, 1, 1)
    assert made.strange_codes == ("z",)
    (record,) = made.records
    assert (record["decimalLatitude"], record["geodeticDatum"], record["dataGeneralizations"]) == ("", "", "")
