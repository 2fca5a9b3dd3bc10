"""The one page of a release, for its owner: HTML and JSON of the same facts."""

from silencio.reports.release.inputs import Licences, Look, ReleaseInputs, WindowSound
from silencio.reports.release.write import HTML, JSON, write_release_page

__all__ = ["HTML", "JSON", "Licences", "Look", "ReleaseInputs", "WindowSound", "write_release_page"]
