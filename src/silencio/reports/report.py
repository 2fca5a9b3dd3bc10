"""The report on one bundle, for people: everything that was found, in the order in which it is needed."""

from __future__ import annotations

from pathlib import Path

from silencio.reports.document import document
from silencio.reports.inputs import ReportInputs
from silencio.reports.sections.bundle import bundle
from silencio.reports.sections.bundles import bundles
from silencio.reports.sections.comparison import comparison
from silencio.reports.sections.confusions import confusions
from silencio.reports.sections.decisions import decisions
from silencio.reports.sections.examples import examples
from silencio.reports.sections.failure_modes import failure_modes
from silencio.reports.sections.mislabelled import mislabelled
from silencio.reports.sections.opening import opening
from silencio.reports.sections.recordings import recordings
from silencio.reports.sections.slices import slices
from silencio.reports.sections.soundscapes import soundscapes
from silencio.reports.sections.variants import variants
from silencio.reports.sections.verdict import verdict
from silencio.reports.sections.worst_species import worst_species
from silencio.storage import write_atomically

_SECTIONS = (
    verdict,
    recordings,
    examples,
    comparison,
    decisions,
    confusions,
    slices,
    worst_species,
    soundscapes,
    failure_modes,
    mislabelled,
    variants,
    bundles,
    bundle,
)


def write_report(path: Path, inputs: ReportInputs) -> None:
    """Write one self-contained page: no script, nothing from elsewhere, the same bytes for the same input.

    Args:
        path: Path of the file.
        inputs: What is known; sections of which nothing is known are left out.

    Raises:
        StorageError: The disk is full, or the place cannot be written to.
    """
    made = [section(inputs) for section in _SECTIONS]
    manifest = inputs.manifest
    title = f"{manifest.name} {manifest.version}: {'passed' if inputs.verdict.passed else 'refused'}"
    page = document(title, opening(inputs), [section for section in made if section is not None])
    write_atomically(path, page)
