import errno
from collections.abc import Callable

import pytest

from pipelines.step_process import sentence_of
from silencio.errors import DataError


def open_nowhere() -> None:
    open("/nowhere/at/all")  # noqa: PTH123, SIM115


def wrapped_full_disk() -> None:
    try:
        raise OSError(errno.ENOSPC, "No space left on device", "/out/shard")
    except OSError as error:
        raise RuntimeError("the writer failed") from error


def of_the_library() -> None:
    try:
        open_nowhere()
    except OSError as error:
        raise DataError("row 4: no such\n   label") from error


@pytest.mark.parametrize(
    ("raises", "sentence"),
    [
        (of_the_library, "row 4: no such label"),
        (open_nowhere, "/nowhere/at/all is not there any more: put it back"),
        (wrapped_full_disk, "no space left on the disk while writing /out/shard: free some, or name another --out"),
        (lambda: {}["key"], "KeyError: 'key'"),
        (lambda: (_ for _ in ()).throw(ValueError), "ValueError"),
        (lambda: (_ for _ in ()).throw(ValueError("two\nlines")), "ValueError: two lines"),
    ],
)
def test_sentence__says_what_was_wrong_in_one_line(raises: Callable[[], object], sentence: str) -> None:
    with pytest.raises(Exception) as caught:
        raises()
    assert sentence_of(caught.value) == sentence


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EFBIG, "File too large", "/out/a"), "ulimit -f"),
        (OSError(errno.EDQUOT, "Quota exceeded"), "no space left on the disk"),
        (MemoryError(), "has no memory left"),
        # A server that is gone has an OSError below it, too, and that one is no advice.
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "ConnectionRefusedError: "),
    ],
)
def test_sentence__knows_what_machines_run_out_of(error: Exception, words: str) -> None:
    assert words in sentence_of(error)
