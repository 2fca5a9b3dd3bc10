"""The page about a data set's faults."""

from __future__ import annotations

from pathlib import Path

from silencio.data.faults import Fault, fault_table
from silencio.data.validate import ValidatedRecordings
from silencio.reports.fault_page import summary, write_fault_page


def test_page__of_sound_data_says_none(validated: ValidatedRecordings, tmp_path: Path) -> None:
    sound = ValidatedRecordings(validated.usable, fault_table([]))
    write_fault_page(sound, tmp_path / "page.html")
    assert "None." in (tmp_path / "page.html").read_text()
    assert summary(sound) == "19 of 19 recordings can be used, 0.02 hours of sound."


def test_page__of_thousands_shows_the_first_and_counts_the_rest(validated: ValidatedRecordings, tmp_path: Path) -> None:
    faults = fault_table(Fault(f"grekis/{number:05d}.ogg", "missing", "the file is missing") for number in range(5000))
    write_fault_page(ValidatedRecordings(validated.usable, faults), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "19 of 5019 recordings can be used" in text
    assert "missing: 5000, left out" in text
    assert text.count("the file is missing") == 200
    assert "4800 more are in the table of faults." in text


def test_page__names_are_no_markup(validated: ValidatedRecordings, tmp_path: Path) -> None:
    faults = fault_table([Fault("<script>alert(1)</script>.ogg", "missing", "<b>")])
    write_fault_page(ValidatedRecordings(validated.usable, faults), tmp_path / "page.html")
    assert "<script>alert" not in (tmp_path / "page.html").read_text()
