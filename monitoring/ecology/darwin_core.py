"""`silencio ecology darwin-core`: an archive for GBIF and others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monitoring.ecology.archive import archive
from monitoring.ecology.dataset import LICENSES, Dataset
from monitoring.ecology.period import Period, Sources, read_month
from silencio.bundle.manifest import read_manifest
from silencio.ecology.export_rule import Chosen, chosen
from silencio.ecology.occurrences import Occurrences, Publication, occurrences
from silencio.ecology.sensitive import SensitiveList
from silencio.errors import ConfigError, DataError
from silencio.storage import write_atomically
from silencio.taxonomy import listed


@dataclass(frozen=True)
class Export:
    """An archive that was written.

    Attributes:
        n_records: Occurrences in it.
        n_verified: Those that a person confirmed.
        notes: What its owner must know, one sentence each.
    """

    n_records: int
    n_verified: int
    notes: tuple[str, ...]


def write_archive(
    sources: Sources,
    months: Sequence[str],
    bundles: Sequence[Path],
    dataset: Dataset,
    sensitive: SensitiveList,
    out: Path,
    *,
    min_precision: float,
    only_verified: bool,
) -> Export:
    """Write the archive of some months.

    Args:
        sources: Where everything is read.
        months: Such as `2026-05`, in any order; each once.
        bundles: Bundles whose class lists and thresholds are taken.
        dataset: What the data set is called, and whose it is.
        sensitive: Sensitive species.
        out: The zip.
        min_precision: Reviewed precision from which on unreviewed detections are taken.
        only_verified: None of them is.

    Raises:
        ConfigError: An option makes no sense.
        DataError: Nothing is left that may be exported, or as `read_month`.
        StorageError: The log cannot be read, or the archive not written.
    """
    if not 0 < min_precision < 1:
        raise ConfigError(f"--min-precision must lie between 0 and 1, not {min_precision:g}")
    periods = [read_month(sources, month) for month in sorted(set(months))]
    choice = chosen(
        (one for period in periods for one in period.observations.detections),
        min_precision,
        only_verified=only_verified,
    )
    manifests = [read_manifest(folder) for folder in bundles]
    publication = Publication(
        dataset.title,
        LICENSES[dataset.license][1],
        dataset.rights_holder,
        dataset.country_code,
        dataset.precision,
        dataset.reviewers,
        {one.version: one.created_by for one in manifests},
        {(one.version, code): float(value) for one in manifests for code, value in one.thresholds.items()},
    )
    made = occurrences(
        choice.detections, sources.species, sources.places, sensitive.by_code(sources.species), publication
    )
    notes = _notes(periods, choice, made, sensitive, sources, min_precision)
    if not made.records:
        raise DataError(
            f"nothing of {', '.join(one.name for one in periods)} may be exported: {' '.join(notes) or 'no detection'}"
        )
    write_atomically(out, archive(made.records, dataset, periods[-1].last_day, min_precision))
    n_verified = sum(one["identificationVerificationStatus"] != "unverified" for one in made.records)
    return Export(len(made.records), n_verified, tuple(notes))


def _notes(
    periods: Sequence[Period],
    choice: Chosen,
    made: Occurrences,
    sensitive: SensitiveList,
    sources: Sources,
    min_precision: float,
) -> list[str]:
    notes = list(dict.fromkeys(note for one in periods for note in one.notes))
    if choice.n_unreviewed_left_out:
        notes.append(
            f"{choice.n_unreviewed_left_out} detections are left out: nobody listened to them, and the reviewed "
            f"precision of their species is not surely {min_precision:g} or more."
        )
    if choice.n_rejected:
        notes.append(f"{choice.n_rejected} detections are left out: a person rejected them, or was not sure.")
    if made.n_undated:
        notes.append(f"{made.n_undated} detections are left out: when their recording was made is not known.")
    if made.n_without_name:
        notes.append(
            f"{made.n_without_name} detections are left out: no class list has {listed(made.strange_codes)}; "
            "give their bundle, too (--bundle)."
        )
    if made.n_withheld:
        notes.append(f"{made.n_withheld} detections of sensitive species are withheld.")
    if made.n_without_place:
        notes.append(
            f"{made.n_without_place} of {len(made.records)} records have no coordinates: neither the file of "
            "places nor the log has any of their site."
        )
    if not sensitive.species:
        notes.append("No list of sensitive species was given (--sensitive): all records have the data set's precision.")
    if unknown := sensitive.unknown(sources.species):
        notes.append(
            f"No class list has these species of the list of sensitive ones: {listed(unknown)}; check their spelling, "
            "for a name that is mistyped protects nothing."
        )
    return notes
