"""Names of made-up soundscapes tell a time that a recorder could have told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from serving.__main__ import main
from serving.stream.recorder_clock import RecorderClock
from silencio.errors import ConfigError

NOW = datetime(2026, 11, 29, 22, 54, 1, 250_000)
MINUTE = timedelta(seconds=60)


def _written(clock: RecorderClock, every_s: float, n: int, now: datetime) -> list[tuple[datetime, datetime]]:
    """When each was written and when its name says that it began, where writing takes no time."""
    found = []
    for number in range(n):
        due = NOW + timedelta(seconds=number * every_s)
        now = max(now, due)
        now += timedelta(seconds=clock.wait_s(number, now))
        found.append((now, clock.start + timedelta(seconds=number * clock.step_s)))
    return found


@pytest.mark.parametrize("every_s", [0.0, 0.4, 1.0, 60.0, 300.0])
def test_clock__is_this_machines_unless_a_start_is_given(every_s: float) -> None:
    written = _written(RecorderClock.of(None, every_s, NOW), every_s, 100, NOW)
    assert written[0][0] == NOW
    for now, begun in written:
        # It ended just now: not in the future, and not long ago.
        assert timedelta(0) <= now - (begun + MINUTE) < timedelta(seconds=1)
    names = {f"{begun:%Y%m%d_%H%M%S}" for _, begun in written}
    assert len(names) == 100


def test_clock__that_is_made_up_goes_on_a_minute_a_soundscape_until_the_present() -> None:
    clock = RecorderClock.of(NOW - 10 * MINUTE, 0.0, NOW)
    written = _written(clock, 0.0, 13, NOW)
    assert [begun for _, begun in written] == [NOW - (10 - n) * MINUTE for n in range(13)]
    # As fast as can be, and then as in life.
    assert [now for now, _ in written] == [NOW] * 10 + [NOW + n * MINUTE for n in (1, 2, 3)]


def test_clock__with_a_zone_is_held_against_the_present_in_it() -> None:
    start = datetime(2026, 11, 29, 22, 0, tzinfo=UTC)
    assert RecorderClock.of(start, 1.0, start + MINUTE).wait_s(0, start + MINUTE) == 0.0
    assert RecorderClock.of(start, 1.0, start).wait_s(0, start) == 60.0


def test_clock__does_not_begin_in_the_future() -> None:
    with pytest.raises(ConfigError, match="--start 2026-11-29T22:55:01.250000 lies in the future"):
        RecorderClock.of(NOW + MINUTE, 1.0, NOW)


def test_produce__a_start_in_the_future_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["produce", "--recordings", "x", "--to", "y", "--start", "9000-01-01"]) == 1
    assert capsys.readouterr().err.startswith("error: --start 9000-01-01T00:00:00 lies in the future")
