"""The one page of a release, for its owner: HTML and JSON of the same facts."""

from silencio.reports.release.comparison_inputs import with_comparison
from silencio.reports.release.inputs import Licences, Look, ReleaseInputs, WindowSound
from silencio.reports.release.write import HTML, JSON, write_release_page

__all__ = ["HTML", "JSON", "Licences", "Look", "ReleaseInputs", "WindowSound", "with_comparison", "write_release_page"]
