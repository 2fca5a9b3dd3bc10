"""The retry policy that predict, consume and simulate share."""

from __future__ import annotations

import pytest

from serving.client.errors import BusyError, RefusedRecordingError, UnreachableError
from serving.client.retry import RetryPolicy, retry_after_s
from silencio.errors import ServingError


class Attempts:
    """Fails with each of its errors in turn, then succeeds; waits are noted and not taken.

    Attributes:
        pauses_s: Pauses that were wanted.
    """

    def __init__(self, *errors: ServingError, is_stopped: bool = False) -> None:
        self.pauses_s: list[float] = []
        self._errors = list(errors)
        self._is_stopped = is_stopped

    def __call__(self) -> str:
        if self._errors:
            raise self._errors.pop(0)
        return "done"

    def wait(self, seconds: float) -> bool:
        self.pauses_s.append(seconds)
        return self._is_stopped


BUSY = BusyError("busy", 5.0)
AWAY = UnreachableError("away", None)  # type: ignore[arg-type]


def test_call__without_time_to_retry_is_one_attempt() -> None:
    attempts = Attempts(BUSY)
    with pytest.raises(BusyError):
        RetryPolicy().call(attempts, attempts.wait)
    assert attempts.pauses_s == []


def test_call__waits_no_shorter_than_the_server_says() -> None:
    attempts = Attempts(BUSY, BusyError("busy", 0.0))
    assert RetryPolicy(3_600.0).call(attempts, attempts.wait) == "done"
    named_s, own_s = attempts.pauses_s
    assert named_s == 5.0
    assert 0.5 <= own_s <= 1.5  # the second back-off is 1 s, with jitter


def test_call__gives_up_rather_than_wait_beyond_its_time() -> None:
    attempts = Attempts(BusyError("busy", 3_601.0))
    with pytest.raises(BusyError):
        RetryPolicy(3_600.0).call(attempts, attempts.wait)
    assert attempts.pauses_s == []


def test_call__retries_what_it_names_and_never_a_refused_recording() -> None:
    attempts = Attempts(AWAY)
    with pytest.raises(UnreachableError):
        RetryPolicy(3_600.0).call(attempts, attempts.wait)
    attempts = Attempts(AWAY, ServingError("failed"), BUSY)
    everything = RetryPolicy(3_600.0, retried=(ServingError,))
    assert everything.call(attempts, attempts.wait) == "done"
    attempts = Attempts(RefusedRecordingError("no audio"))
    with pytest.raises(RefusedRecordingError):
        everything.call(attempts, attempts.wait)


def test_call__ends_where_the_wait_is_stopped() -> None:
    attempts = Attempts(BUSY, is_stopped=True)
    with pytest.raises(BusyError):
        RetryPolicy(3_600.0).call(attempts, attempts.wait)
    assert attempts.pauses_s == [5.0]


@pytest.mark.parametrize(("n_failures", "pause_s"), [(1, 0.5), (2, 1.0), (3, 2.0), (7, 32.0), (8, 60.0), (2_000, 60.0)])
def test_pause__doubles_up_to_its_limit(n_failures: int, pause_s: float) -> None:
    assert RetryPolicy().pause_s(n_failures, jitter=0.5) == pause_s


def test_pause__of_several_clients_differs() -> None:
    assert (RetryPolicy().pause_s(1, jitter=0.0), RetryPolicy().pause_s(1, jitter=1.0)) == (0.25, 0.75)
    assert len({RetryPolicy().pause_s(1) for _ in range(9)}) > 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0.2", 0.2),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("0", None),
        ("inf", None),
        ("nan", None),
        ("Sat, 21 Nov 2026 18:00:00 GMT", None),
    ],
)
def test_retry_after__is_a_number_of_seconds_above_0(value: str, seconds: float | None) -> None:
    assert retry_after_s(value) == seconds
