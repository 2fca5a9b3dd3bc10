"""A comparison of two bundles by itself, before any release: the page of the step `replay`."""

from __future__ import annotations

from silencio.release.comparison import AnswerComparison
from silencio.release.policy import ReleasePolicy
from silencio.reports.document import document, prose
from silencio.reports.markup import join, tag
from silencio.reports.release.comparison_inputs import comparison_parts, in_order
from silencio.reports.release.comparison_sections import replay, species, windows
from silencio.reports.wording import count, hours

_TITLE = "Challenger against champion, on the same recordings"


def comparison_html(comparison: AnswerComparison, policy: ReleasePolicy) -> str:
    """One self-contained page: slices, negative flips, species, windows of disagreement.

    Args:
        comparison: That of both bundles' answers to the same recordings.
        policy: That of the release: its alpha for the replay, slices that must pass, species that must be kept.
    """
    parts = comparison_parts(comparison, policy)
    words = f"{count(comparison.n_recordings, 'recording')} that both answered, {hours(comparison.sound_s)} of sound."
    sections = [
        replay(parts.replay, parts.flips),
        species(in_order(parts.species)),
        windows(parts.windows, {}),
    ]
    return document(_TITLE, join(tag("h1", _TITLE), prose(words, class_="lead")), sections)
