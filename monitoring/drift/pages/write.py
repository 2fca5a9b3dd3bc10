"""A day's pages written beside its document."""

from __future__ import annotations

from monitoring.drift.pages.facts import PageFacts
from monitoring.drift.pages.index import index_page, page_name
from monitoring.drift.pages.site import site_page
from monitoring.drift.place import PAGE, day_place
from silencio.storage import join, write_bytes


def write_pages(place: str, facts: PageFacts) -> list[str]:
    """Write the page of all sites and one a site, each whole or not at all.

    Args:
        place: Folder or s3:// prefix of all days.
        facts: The day, the weeks before it, and what is known of its sites.

    Returns:
        Their URIs, that of all sites first.

    Raises:
        StorageError: One cannot be written.
    """
    folder = day_place(place, facts.document.day)
    pages = {PAGE: index_page(facts)}
    pages |= {page_name(site.site_id): site_page(site, facts) for site in facts.document.sites}
    for name, text in pages.items():
        write_bytes(join(folder, name), text.encode())
    return [join(folder, name) for name in pages]
