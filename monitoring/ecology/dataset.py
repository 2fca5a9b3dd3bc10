"""What a data set is called, under which licence it is published, and by whom: one YAML of its owner."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from monitoring.ecology.files import checked, read_yaml
from silencio.ecology.sensitive import DEGREES, SensitiveList, merged
from silencio.errors import ConfigError

# The three that GBIF takes, by their SPDX identifiers, with their names and addresses.
LICENSES = {
    "CC0-1.0": ("Creative Commons CCZero 1.0", "http://creativecommons.org/publicdomain/zero/1.0/legalcode"),
    "CC-BY-4.0": (
        "Creative Commons Attribution (CC-BY) 4.0",
        "http://creativecommons.org/licenses/by/4.0/legalcode",
    ),
    "CC-BY-NC-4.0": (
        "Creative Commons Attribution Non Commercial (CC-BY-NC) 4.0",
        "http://creativecommons.org/licenses/by-nc/4.0/legalcode",
    ),
}


def _known_license(value: object) -> object:
    if value not in LICENSES:
        raise ValueError(f"must be {', '.join(LICENSES)} (GBIF takes no other), not {value!r}")
    return value


def _known_precision(value: object) -> object:
    if value not in DEGREES.values():
        raise ValueError(f"must be {', '.join(f'{one:g}' for one in DEGREES.values())} (degrees), not {value!r}")
    return value


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Party(_Strict):
    """A person or an organisation.

    Attributes:
        organization: Name of the organisation.
        given_name: Person's given name.
        surname: Person's surname.
        email: Address for questions.
    """

    organization: str = Field(min_length=1)
    given_name: str = ""
    surname: str = ""
    email: str = ""


class Dataset(_Strict):
    """A data set.

    Attributes:
        title: Title.
        abstract: What it is, in a few sentences.
        license: SPDX identifier of the licence.
        rights_holder: Who holds the rights.
        creator: Who made it.
        contact: Who answers questions; the creator where it is empty.
        identifier: A DOI or UUID; one is made of the title where it is empty.
        published_on: Day of publication; the last day of the last month where it is empty.
        geographic_description: Where it is, in words that tell no more than coordinates may.
        country_code: ISO 3166-1, two letters.
        precision: Degrees to which coordinates of species that are not sensitive are rounded.
        reviewers: Who identified what a person found; a name for all of them.
    """

    title: str = Field(min_length=1)
    abstract: str = Field(min_length=1)
    license: Annotated[str, BeforeValidator(_known_license)]
    rights_holder: str = Field(min_length=1)
    creator: Party
    contact: Party | None = None
    identifier: str = ""
    published_on: date | None = None
    geographic_description: str = Field("not described", min_length=1)
    country_code: str = Field("", pattern=r"^([A-Z]{2})?$")
    precision: Annotated[float, BeforeValidator(_known_precision)] = 0.1
    reviewers: str = "reviewers of the data set"


class _Raw(BaseModel):
    model_config = ConfigDict(extra="allow")


def read_dataset(path: Path, license_id: str | None, rights_holder: str | None) -> Dataset:
    """The data set's file, and what options say instead.

    Args:
        path: YAML.
        license_id: SPDX identifier; the file's where it is None.
        rights_holder: Who holds the rights; the file's where it is None.

    Raises:
        ConfigError: It cannot be read, or names no licence or holder of rights.
    """
    given: dict[str, Any] = read_yaml(path, _Raw, "the data set").model_dump()
    given |= {"license": license_id} if license_id is not None else {}
    given |= {"rights_holder": rights_holder} if rights_holder is not None else {}
    if not given.get("license"):
        raise ConfigError(
            f"the data set {path} names no license, without which nothing is published: {', '.join(LICENSES)} "
            "(license: in the file, or --license)"
        )
    if not given.get("rights_holder"):
        raise ConfigError(f"the data set {path} names no rights_holder (in the file, or --rights-holder)")
    return checked(given, Dataset, f"the data set {path}")


def read_sensitive(paths: Sequence[Path]) -> SensitiveList:
    """Lists of sensitive species, YAML or CSV, as one.

    Args:
        paths: YAML with `species:`, or CSV with the columns scientific_name or code, and category.

    Raises:
        ConfigError: One cannot be read.
    """
    return merged(
        _csv_list(path) if path.suffix == ".csv" else read_yaml(path, SensitiveList, "the list of sensitive species")
        for path in paths
    )


def _csv_list(path: Path) -> SensitiveList:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [
                {key: value.strip() if isinstance(value, str) else value for key, value in row.items() if value}
                for row in csv.DictReader(file)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"the list of sensitive species {path} cannot be read: {error}") from error
    return checked({"species": rows}, SensitiveList, f"the list of sensitive species {path}")
