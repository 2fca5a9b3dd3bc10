"""HTML from pieces."""

from __future__ import annotations

from silencio.reports.markup import Markup, join, tag


def test_tag__text_is_escaped_and_markup_is_not() -> None:
    assert tag("p", "a < b", Markup("<b>c</b>")) == "<p>a &lt; b<b>c</b></p>"


def test_tag__attributes_are_escaped() -> None:
    assert tag("p", title='"><script>') == '<p title="&quot;&gt;&lt;script&gt;"></p>'


def test_tag__underscores_stand_for_hyphens() -> None:
    assert tag("svg", aria_label="x", class_="y", viewBox="0 0 1 1") == (
        '<svg aria-label="x" class="y" viewBox="0 0 1 1"></svg>'
    )


def test_tag__leaves_out_what_is_none_or_false() -> None:
    assert tag("td", None, scope=None, hidden=False, open=True) == "<td open></td>"


def test_tag__numbers_are_short_and_zero_stays() -> None:
    assert tag("rect", x=0.0, y=1.0, width=12.3456, height=100, r=100.0) == (
        '<rect x="0" y="1" width="12.35" height="100" r="100"></rect>'
    )


def test_join__is_markup_again() -> None:
    assert tag("p", join("<", tag("i", "x"))) == "<p>&lt;<i>x</i></p>"
