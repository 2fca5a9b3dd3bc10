"""The field reference: when it is complete, and that it stays what it was."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import pytest

from silencio.drift import extended
from silencio.drift.policy import DriftPolicy
from silencio.drift.reference import FieldReference, reference_of
from silencio.drift.verdict import verdict_of
from silencio.errors import DataError
from tests.unit.drift.made_site import POLICY, reference, reserve


def test_from_json__is_what_was_frozen() -> None:
    frozen = reference()
    again = FieldReference.from_json(frozen.to_json())
    assert again.sha256 == frozen.sha256
    assert again.days == tuple(reserve().first + timedelta(days=day) for day in range(8))
    assert np.array_equal(again.blocks.named, frozen.blocks.named)
    assert np.array_equal(again.blocks.values, frozen.blocks.values, equal_nan=True)


def test_from_json__refuses_one_that_was_changed_cut_or_written_by_another_version() -> None:
    text = reference().to_json()
    facts = json.loads(text)
    facts["cells"][0]["values"][0] += 1
    with pytest.raises(DataError, match="was changed since it was frozen"):
        FieldReference.from_json(json.dumps(facts))
    with pytest.raises(DataError, match="no field reference, or half of one"):
        FieldReference.from_json(text[: len(text) // 2])
    with pytest.raises(DataError, match="no field reference"):
        FieldReference.from_json("[]")
    with pytest.raises(DataError, match="has format 1, this one has 2"):
        FieldReference.from_json(json.dumps(facts | {"format": 2}))
    with pytest.raises(DataError, match="other signals"):
        FieldReference.from_json(json.dumps(facts | {"signals": ["level_db"]}))


def test_reference_of__waits_for_its_days_and_takes_no_more() -> None:
    policy = DriftPolicy.shipped()
    made = reserve(2)
    assert reference_of(made.recordings(range(7)), policy) is None
    full = reference_of(made.recordings(range(8)), policy)
    assert full is not None
    assert len(full.days) == 7
    most = reference_of(made.recordings(range(20)), policy)
    assert most is not None
    assert len(most.days) == policy.reference.max_days
    assert most.days[0] == made.first


def test_reference_of__takes_accepted_days_and_the_newest_version_alone() -> None:
    made = reserve(2)
    days = [made.first + timedelta(days=day) for day in (0, 2, 3, 4, 5, 6, 7, 8)]
    frozen = reference_of(made.recordings(range(9)), POLICY, accepted=days)
    assert frozen is not None
    assert list(frozen.days) == days
    both = made.recordings(range(16))
    version = (both.day >= both.day.min() + 9).astype(np.int64)
    object.__setattr__(both, "versions", (("1.0", "1.1"), version))
    assert reference_of(both, POLICY) is None
    few = POLICY.model_copy(update={"reference": POLICY.reference.model_copy(update={"min_days": 6})})
    newer = reference_of(both, few)
    assert newer is not None
    assert (newer.bundle_version, newer.days[0]) == ("1.1", made.first + timedelta(days=9))


def test_reference_of__leaves_out_devices_that_are_not_complete() -> None:
    made = reserve(2).recordings(range(9))
    late = made.of((made.device == 0) | (made.day > made.day.min() + 4))
    frozen = reference_of(late, POLICY)
    assert frozen is not None
    assert frozen.devices == ("device01",)


def test_extended__adds_devices_and_changes_no_other() -> None:
    made = reserve(2).recordings(range(12))
    early = reference_of(made.of((made.device == 0) & (made.day < made.day.min() + 9)), POLICY)
    later = reference_of(made.of(made.day > made.day.min() + 1), POLICY)
    assert early is not None
    assert later is not None
    joined = extended(early, later)
    assert joined.devices == ("device01", "device02")
    own = joined.blocks.of(devices=early.devices, days=early.blocks.days, codes=early.blocks.codes)
    assert np.array_equal(own.values, early.blocks.values, equal_nan=True)
    assert np.array_equal(own.named, early.blocks.named)
    new = joined.blocks.of(devices=("device02",), days=later.blocks.days, codes=later.blocks.codes)
    assert np.array_equal(new.n_recordings, later.blocks.of(devices=("device02",)).n_recordings)
    assert FieldReference.from_json(joined.to_json()).sha256 == joined.sha256
    other = FieldReference(later.site_id, "2.0", later.spec_sha256, later.middles, later.blocks)
    with pytest.raises(DataError, match="different bundle_version cannot be joined"):
        extended(early, other)


def test_reference_of__counts_clocks_that_are_always_wrong() -> None:
    """A recorder whose clock was wrong in a tenth of its recordings all along has no fault since today."""
    made = reserve(2).recordings(range(10))
    wrong = (made.device == 1) & (np.arange(len(made)) % 10 == 0)
    object.__setattr__(made, "clock_fault", wrong)
    frozen = reference_of(made.of(made.day < made.day.max()), POLICY)
    assert frozen is not None
    assert frozen.blocks.n_clock_faults[0].sum() == 0
    assert frozen.blocks.n_clock_faults[1].sum() == (wrong & (made.day < made.day.max() - 1)).sum()
    today = made.of(made.day == made.day.max())
    day = reserve(2).first + timedelta(days=9)
    assert verdict_of(today, day=day, reference=frozen, policy=POLICY).causes == ()
