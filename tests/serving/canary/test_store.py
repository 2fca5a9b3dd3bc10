"""The record in a folder: whole or not at all, one judge, fenced."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.canary.requests import Request
from serving.canary.store import FileStore
from silencio.errors import LeaseHeldError, ReleaseError, ReleaseRefusedError
from silencio.release.record import ReleaseRecord
from tests.serving.canary.world import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "release")


def _ended(record: ReleaseRecord) -> ReleaseRecord:
    return record.model_copy(update={"state": "aborted"})


def test_store__has_nothing_before_the_first_release(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "none")
    assert store.load() is None and store.earlier() == [] and store.pending() == []


def test_store__gives_back_what_was_saved_with_the_next_version(place: Place) -> None:
    record = place.begin()
    with place.store.lease("a") as token:
        written = place.store.save(record.model_copy(update={"why": "because"}), fencing_token=token)
    assert written.version == record.version + 1 and written.why == "because"
    assert FileStore(place.folder).load() == written


def test_store__token_grows_with_each_holder(place: Place) -> None:
    tokens = []
    for _ in range(3):
        with place.store.lease("a") as token:
            tokens.append(token)
    assert tokens == [1, 2, 3]


def test_store__names_the_holder_to_the_second(place: Place) -> None:
    with (
        place.store.lease("ana on ranger-1"),
        pytest.raises(LeaseHeldError, match="ana on ranger-1"),
        FileStore(place.folder).lease("ben"),
    ):
        pass


def test_store__refuses_an_old_token_and_an_old_version(place: Place) -> None:
    record = place.begin()
    with place.store.lease("a") as token:
        with pytest.raises(LeaseHeldError, match="the lease was lost"):
            place.store.save(record, fencing_token=token - 1)
        place.store.save(record, fencing_token=token)
        with pytest.raises(LeaseHeldError, match="written by somebody else"):
            place.store.save(record, fencing_token=token)


def test_store__one_release_at_a_time(place: Place) -> None:
    first = place.begin()
    with pytest.raises(ReleaseRefusedError, match="r1 has not ended"):
        place.begin(release_id="r2")
    with place.store.lease("a") as token:
        place.store.save(_ended(first), fencing_token=token)
    place.begin(release_id="r2")
    assert [record.release_id for record in place.store.earlier()] == ["r1", "r2"]
    assert place.store.earlier()[0].state == "aborted"


def test_store__says_what_to_do_about_a_file_that_is_none(place: Place) -> None:
    place.begin()
    (place.folder / "state.json").write_text('{"release_id": "r1"}')
    with pytest.raises(ReleaseError, match="look at the route"):
        place.store.load()


def test_store__keeps_requests_in_order_until_they_are_done(place: Place) -> None:
    first, second = (
        Request(command="pause", by="ana", release_id="r1", written_at=f"2026-11-30T07:00:0{n}+00:00") for n in (1, 2)
    )
    place.store.put(second)
    place.store.put(first)
    assert place.store.pending() == [first, second]
    place.store.remove(first)
    assert FileStore(place.folder).pending() == [second]
