"""Pages without a Prometheus: what is kept, what is named, and what is never replaced."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitoring.pages.facts import FILE, AlertFact, DashboardFact, Facts
from monitoring.pages.prometheus import Prometheus, QueryRefusedError
from monitoring.pages.write import Request, require_answer, write_pages
from silencio.drift.document import CauseFound, DriftDocument, SiteVerdict
from silencio.errors import ConfigError, ServingError, StorageError
from silencio.network import free_ports

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
GOOD = '<!doctype html><h1>Service</h1><div class="state"></div><p>numbers of 11:50</p>\n'


def _request(tmp_path: Path, **more: Any) -> Request:
    runbooks = tmp_path / "runbooks"
    runbooks.mkdir(exist_ok=True)
    (runbooks / "Slow.md").write_text("# Slow\n\nLook at <b>this</b>:\n\n```promql\nup == 0\n```\n")
    nobody = f"http://127.0.0.1:{free_ports(1)[0]}"
    return Request(prometheus=nobody, out=tmp_path / "out", now=NOON, runbooks=runbooks, **more)


def _earlier(out: Path) -> None:
    """What a run at 11:50 left, when Prometheus answered."""
    out.mkdir()
    (out / "serving.html").write_text(GOOD)
    labels = {"severity": "critical"}
    alert = AlertFact(name="Slow", state="firing", labels=labels, since=NOON, summary="It is slow", description="")
    board = DashboardFact(name="serving", title="Service", description="", n_panels=3, empty=(), refused=())
    at = NOON - timedelta(minutes=10)
    facts = Facts(written_at=at, prometheus="x", answered_at=at, hours=24, alerts=(alert,), dashboards=(board,))
    (out / FILE).write_text(facts.model_dump_json())


def test_write_pages__of_a_prometheus_that_is_overloaded_have_what_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overloaded(_: Prometheus) -> None:
        raise QueryRefusedError("timeout: query timed out in expression evaluation")

    monkeypatch.setattr(Prometheus, "alerts", overloaded)
    facts = write_pages(_request(tmp_path))
    assert facts.answered_at is None
    assert "query timed out" in (tmp_path / "out" / "index.html").read_text().split('id="unreachable"')[1]


def test_write_pages__without_prometheus_a_page_has_the_runbooks_and_names_what_is_away(
    tmp_path: Path,
) -> None:
    facts = write_pages(_request(tmp_path))
    page = (tmp_path / "out" / "index.html").read_text()
    assert facts.answered_at is None
    assert "Prometheus has not answered since 2026-11-30 12:00 UTC; it has not answered here yet." in page
    assert "does not answer" in page.split('id="unreachable"')[1]
    assert 'href="runbooks/Slow.html"' in page
    runbook = (tmp_path / "out" / "runbooks" / "Slow.html").read_text()
    assert "up == 0" in runbook
    assert "<b>" not in runbook
    with pytest.raises(ServingError, match="does not answer.*the pages are written"):
        require_answer(facts)


def test_write_pages__last_good_pages_stay_and_are_marked_with_their_age(tmp_path: Path) -> None:
    request = _request(tmp_path)
    _earlier(request.out)
    write_pages(request)
    later = write_pages(replace(request, now=NOON + timedelta(hours=2)))
    assert later.unreachable_since == NOON
    kept = (request.out / "serving.html").read_text()
    assert "numbers of 11:50" in kept
    # Marked once, however often it is kept.
    assert kept.count("Prometheus has not answered since 2026-11-30 12:00 UTC; it last did 2026-11-30 11:50 UTC.") == 1
    page = (request.out / "index.html").read_text()
    assert "It is slow" in page
    assert 'href="serving.html"' in page
    assert "Prometheus does not answer" in page
    assert json.loads((request.out / FILE).read_text())["written_at"].startswith("2026-11-30T14:00")


def test_write_pages__what_is_no_folder_of_pages_is_never_replaced(tmp_path: Path) -> None:
    request = _request(tmp_path)
    request.out.mkdir()
    (request.out / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match=f"holds no {FILE}"):
        write_pages(request)
    assert (request.out / "thesis.txt").read_text() == "mine"
    (request.out / FILE).write_text("{")
    with pytest.raises(ConfigError, match="not what this version writes"):
        write_pages(request)
    with pytest.raises(ConfigError, match="is no folder"):
        write_pages(Request(prometheus="http://127.0.0.1:1", out=request.out / "thesis.txt", now=NOON))


def test_write_pages__where_they_cannot_be_written_the_old_ones_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = _request(tmp_path)
    _earlier(request.out)
    before = {path.name: path.read_bytes() for path in request.out.iterdir()}

    def full(path: Path, *_: object) -> None:
        if path.name == "index.html":
            raise StorageError(f"{path} cannot be written: no space left")
        path.parent.mkdir(exist_ok=True)
        path.write_text("half")

    monkeypatch.setattr("monitoring.pages.write.write_atomically", full)
    with pytest.raises(StorageError):
        write_pages(request)
    assert {path.name: path.read_bytes() for path in request.out.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "runbooks"]


@pytest.mark.parametrize("url", ["localhost:9090", "ftp://host", "http://", "http://[1", ""])
def test_write_pages__what_is_no_address_is_named(tmp_path: Path, url: str) -> None:
    with pytest.raises(ServingError, match="is no address of a Prometheus"):
        write_pages(Request(prometheus=url, out=tmp_path / "out", now=NOON))
    assert not (tmp_path / "out").exists()


def _verdict(day: date, cause: CauseFound | None) -> DriftDocument:
    causes = () if cause is None else (cause,)
    changed = SiteVerdict(site_id="ridge", outcome="changed" if cause else "no_change", message="A <b>.", causes=causes)
    calm = SiteVerdict(site_id="creek", outcome="no_change", message="Nothing changed.", n_recordings=400)
    return DriftDocument(
        day=day,
        made_at=NOON,
        bundle_name="silencio",
        bundle_version="v12",
        policy_sha256="0" * 64,
        sites=(calm, changed),
    )


@pytest.fixture
def verdicts(tmp_path: Path) -> Callable[[DriftDocument], str]:
    def put(document: DriftDocument) -> str:
        folder = tmp_path / "drift" / f"date={document.day}"
        folder.mkdir(parents=True)
        (folder / "drift.json").write_text(document.model_dump_json())
        return str(tmp_path / "drift")

    return put


def test_write_pages__the_newest_verdict_with_its_cause_and_what_to_do(
    tmp_path: Path, verdicts: Callable[[DriftDocument], str]
) -> None:
    cause = CauseFound(
        cause="microphone_or_site",
        certainty="likely",
        since=date(2026, 11, 27),
        n_days_of_four=3,
        alert=True,
        devices=("d1",),
        evidence=("The floor of d1 fell by 6.0 dB.",),
        action="inspect_device",
    )
    verdicts(_verdict(date(2026, 11, 28), None))
    place = verdicts(_verdict(date(2026, 11, 29), cause))
    write_pages(_request(tmp_path, drift=place))
    drift = (tmp_path / "out" / "index.html").read_text().split('id="drift"')[1].split("</section>")[0]
    for words in ("microphone or site: an alert is due", "likely", "2026-11-27", "inspect the recorder", "fell by 6.0"):
        assert words in drift
    assert drift.index("ridge") < drift.index("creek")
    link = drift.split('href="')[1].split('"')[0]
    assert (tmp_path / "out" / link).resolve() == tmp_path / "drift" / "date=2026-11-29" / "index.html"
    # A moment in the past has the verdict of then.
    write_pages(_request(tmp_path, drift=place, at=datetime(2026, 11, 27, tzinfo=UTC)))
    assert "an alert is due" not in (tmp_path / "out" / "index.html").read_text()


def test_write_pages__a_verdict_that_cannot_be_read_costs_the_page_nothing_else(
    tmp_path: Path, verdicts: Callable[[DriftDocument], str]
) -> None:
    place = verdicts(_verdict(date(2026, 11, 29), None))
    (Path(place) / "date=2026-11-29" / "drift.json").write_text('{"format": 1')
    for drift, why in ((place, "no drift.json of this version"), (f"{place}/gone", "cannot be listed")):
        write_pages(_request(tmp_path, drift=drift))
        assert why in (tmp_path / "out" / "index.html").read_text().split('id="unreachable"')[1]
    (tmp_path / "drift" / "date=2026-11-29").rename(tmp_path / "drift" / "elsewhere")
    write_pages(_request(tmp_path, drift=place))
    assert "holds no day yet" in (tmp_path / "out" / "index.html").read_text()


def test_pages__are_the_same_bytes_for_the_same_facts(tmp_path: Path) -> None:
    request = _request(tmp_path)
    write_pages(request)
    first = {path.name: path.read_bytes() for path in request.out.iterdir() if path.is_file()}
    shutil.rmtree(request.out)
    write_pages(request)
    assert {path.name: path.read_bytes() for path in request.out.iterdir() if path.is_file()} == first
