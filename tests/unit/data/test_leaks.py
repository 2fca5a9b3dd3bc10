"""Leaks: a test recording is recognised by name, group, bytes and sound."""

from __future__ import annotations

import pandas as pd
import pytest

from silencio.data.leaks import check_not_leaked, recognised, recording_fingerprints
from silencio.errors import SplitError

TRAINED_ON = pd.DataFrame(
    {
        "recording_id": ["grekis/XC1.ogg", "grekis/XC2.ogg"],
        "group_id": ["grekis by Ana", "grekis/XC2.ogg"],
        "sha256": ["bytes 1", "bytes 2"],
        "waveform_sha256": ["sound 1", "sound 2"],
        "decoded_sha256": ["samples 1", "samples 2"],
    }
)
# Nothing in common with what was trained on.
NEW = {
    "recording_id": "grekis/XC9.ogg",
    "group_id": "grekis by Ben",
    "sha256": "bytes 9",
    "waveform_sha256": "sound 9",
    "decoded_sha256": "samples 9",
}


def _test_set(**changed: str) -> pd.DataFrame:
    other = {name: f"another {value}" for name, value in NEW.items()}
    return pd.DataFrame([other, {**NEW, **changed}])


def test_unheard__what_has_nothing_in_common_passes() -> None:
    check_not_leaked(recording_fingerprints(TRAINED_ON), _test_set(), "raw_cnn")


@pytest.mark.parametrize(
    ("leak", "words"),
    [
        ({"group_id": "grekis by Ana"}, "a recording of the same source"),
        ({"sha256": "bytes 2"}, "the same file"),
        ({"waveform_sha256": "sound 1"}, "the same sound"),
        ({"decoded_sha256": "samples 2"}, "the same sound"),
    ],
)
def test_leak__each_trace_is_enough_and_names_the_recording(leak: dict[str, str], words: str) -> None:
    with pytest.raises(SplitError) as caught:
        check_not_leaked(recording_fingerprints(TRAINED_ON), _test_set(**leak), "raw_cnn")
    assert str(caught.value) == (
        f"test recording grekis/XC9.ogg leaked: raw_cnn was trained on {words}; draw the split again and train"
    )


def test_leak__the_recording_itself() -> None:
    with pytest.raises(SplitError, match=r"recording grekis/XC1\.ogg leaked: raw_cnn was trained on the recording its"):
        check_not_leaked(recording_fingerprints(TRAINED_ON), _test_set(recording_id="grekis/XC1.ogg"), "raw_cnn")


def test_leak__counts_the_others() -> None:
    test = pd.concat([_test_set(sha256="bytes 1"), _test_set(sha256="bytes 2")])
    with pytest.raises(SplitError, match=r"recording grekis/XC9\.ogg and 1 more test recordings leaked"):
        check_not_leaked(recording_fingerprints(TRAINED_ON), test, "raw_cnn")


def test_recognised__says_which_and_by_what() -> None:
    found = recognised(recording_fingerprints(TRAINED_ON), _test_set(sha256="bytes 1", decoded_sha256="samples 1"))
    assert {column: list(mask) for column, mask in found.items()} == {
        "recording_id": [False, False],
        "group_id": [False, False],
        "sha256": [False, True],
        "waveform_sha256": [False, False],
        "decoded_sha256": [False, True],
    }


def test_leak__a_name_is_no_groups_name_and_no_hash() -> None:
    # The same text in another column says nothing.
    check_not_leaked(
        recording_fingerprints(TRAINED_ON), _test_set(sha256="grekis/XC1.ogg", group_id="bytes 1"), "raw_cnn"
    )


def test_fingerprints__are_as_many_as_there_are_traces_in_any_order() -> None:
    found = recording_fingerprints(TRAINED_ON)
    assert len(found) == len(set(found)) == 10
    # Bundles carry them: those that were made before are compared with those of today.
    assert {len(one) for one in found} == {16}
    assert recording_fingerprints(TRAINED_ON.iloc[::-1]) == found
    # What is kept with the weights tells nobody the names.
    assert not any("XC" in one for one in found)


def test_fingerprints__of_what_is_known() -> None:
    known = TRAINED_ON[["recording_id", "sha256"]]
    check_not_leaked(recording_fingerprints(known), _test_set(waveform_sha256="sound 1"), "raw_cnn")
    with pytest.raises(SplitError, match="the same file"):
        check_not_leaked(recording_fingerprints(known), _test_set(sha256="bytes 1"), "raw_cnn")
    check_not_leaked(recording_fingerprints(TRAINED_ON), pd.DataFrame({"recording_id": ["grekis/XC9.ogg"]}), "raw_cnn")


def test_fingerprints__nothing_known_is_nothing_in_common() -> None:
    used, test = TRAINED_ON.assign(group_id=None), _test_set().assign(group_id=None)
    check_not_leaked(recording_fingerprints(used), test, "raw_cnn")
