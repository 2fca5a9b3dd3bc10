"""ClassList: which output of a model is which species."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Species(BaseModel):
    """One species.

    Attributes:
        code: BirdCLEF's `primary_label`: an eBird code or a numeric iNaturalist id, always text.
        scientific_name: Latin binomial.
        common_name: English name.
        class_name: Taxon class: Aves, Amphibia, Mammalia, Insecta.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    code: str = Field(min_length=1)
    scientific_name: str
    common_name: str
    class_name: str


class ClassList(BaseModel):
    """Species in the order of a model's outputs.

    Attributes:
        species: One an output; a code is there once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    species: tuple[Species, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _codes_are_unique(self) -> Self:
        seen: set[str] = set()
        for one in self.species:
            if one.code in seen:
                raise ValueError(f"species code {one.code!r} is listed twice")
            seen.add(one.code)
        return self

    @classmethod
    def of(cls, species: Iterable[Species]) -> Self:
        """Sorted by code, so that the same set of species always has the same order."""
        return cls(species=tuple(sorted(species, key=lambda one: one.code)))

    def __len__(self) -> int:
        return len(self.species)

    def __iter__(self) -> Iterator[Species]:  # type: ignore[override]  # pydantic iterates over fields
        return iter(self.species)

    def __getitem__(self, index: int) -> Species:
        return self.species[index]

    @cached_property
    def codes(self) -> tuple[str, ...]:
        return tuple(one.code for one in self.species)

    @cached_property
    def index(self) -> dict[str, int]:
        """Code to position."""
        return {code: i for i, code in enumerate(self.codes)}

    @cached_property
    def sha256(self) -> str:
        """Identity of codes, names and order."""
        text = json.dumps([one.model_dump() for one in self.species], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
