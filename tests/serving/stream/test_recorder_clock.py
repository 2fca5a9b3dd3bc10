"""Names of made-up soundscapes tell a time that a recorder could have told."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo

import pytest

from serving.stream import commands
from serving.stream.producer import ProducerConfig
from serving.stream.recorder_clock import RecorderClock, winter_time
from silencio.__main__ import main
from silencio.errors import ConfigError

NOW = datetime(2026, 11, 29, 22, 54, 1, 250_000, tzinfo=UTC)
MINUTE = timedelta(seconds=60)


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[ZoneInfo]:
    """This machine's: Zurich, or what the test names."""
    name = getattr(request, "param", "Europe/Zurich")
    if not any((Path(folder) / name).is_file() for folder in TZPATH):
        pytest.skip("the C library needs the system's tzdata")
    with monkeypatch.context() as patch:
        patch.setenv("TZ", name)
        time.tzset()
        yield ZoneInfo(name)
    time.tzset()


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


@pytest.mark.parametrize("every_s", [0.0, 0.4])
def test_clock__faster_than_names_is_that_of_the_last_minutes(every_s: float) -> None:
    written = _written(RecorderClock.of(None, every_s, NOW, 1000), every_s, 1000, NOW)
    assert [now for now, _ in written] == [NOW + timedelta(seconds=number * every_s) for number in range(1000)]
    assert {later - begun for (_, begun), (_, later) in itertools.pairwise(written)} == {MINUTE}
    assert timedelta(0) <= NOW - (written[-1][1] + MINUTE) < timedelta(seconds=1)


def test_clock__of_a_number_that_is_slow_enough_begins_a_minute_ago() -> None:
    assert RecorderClock.of(None, 1.0, NOW, 1000) == RecorderClock.of(None, 1.0, NOW)


def test_clock__of_more_minutes_than_there_have_been_is_refused() -> None:
    with pytest.raises(ConfigError, match="--n 10000000000: so many minutes ago no calendar had begun"):
        RecorderClock.of(None, 0.0, NOW, 10**10)


def test_clock__that_is_made_up_goes_on_a_minute_a_soundscape_until_the_present() -> None:
    clock = RecorderClock.of(NOW - 10 * MINUTE, 0.0, NOW)
    written = _written(clock, 0.0, 13, NOW)
    assert [begun for _, begun in written] == [NOW - (10 - n) * MINUTE for n in range(13)]
    # As fast as can be, and then as in life.
    assert [now for now, _ in written] == [NOW] * 10 + [NOW + n * MINUTE for n in (1, 2, 3)]


def test_clock__with_a_zone_is_held_against_the_present_in_it() -> None:
    start = datetime(2026, 11, 29, 22, 0, tzinfo=timezone(timedelta(hours=-3)))
    assert RecorderClock.of(start, 1.0, start + MINUTE).wait_s(0, start + MINUTE) == 0.0
    assert RecorderClock.of(start, 1.0, start).wait_s(0, start.astimezone(UTC)) == 60.0


def test_clock__does_not_begin_in_the_future() -> None:
    with pytest.raises(ConfigError, match=r"--start 2026-11-29T22:55:01.250000\+00:00 lies in the future"):
        RecorderClock.of(NOW + MINUTE, 1.0, NOW)


def test_clock__without_a_zone_is_this_machines_without_daylight_saving(zone: ZoneInfo) -> None:
    now = datetime(2026, 7, 1, 12, 0, tzinfo=zone)
    assert RecorderClock.of(datetime(2026, 7, 1, 11, 0), 1.0, now).wait_s(0, now) == 60.0
    with pytest.raises(ConfigError, match="--start 2026-07-01T11:00:01 .* says 2026-07-01T11:00:00"):
        RecorderClock.of(datetime(2026, 7, 1, 11, 0, 1), 1.0, now)


@pytest.mark.parametrize(
    ("zone", "hours"),
    [
        ("Europe/Zurich", 1.0),
        ("America/Sao_Paulo", -3.0),
        ("Australia/Lord_Howe", 10.5),
        ("Europe/Dublin", 0.0),
        ("Africa/Casablanca", 0.0),  # an hour less in Ramadan alone
    ],
    indirect=["zone"],
)
@pytest.mark.parametrize("month", [1, 7])
def test_winter_time__is_the_least_offset_of_the_year(zone: ZoneInfo, hours: float, month: int) -> None:
    assert winter_time(datetime(2026, month, 15, tzinfo=UTC)) == timezone(timedelta(hours=hours))


class World:
    """In which time passes only where the producer waits."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.waits_s: list[float] = []
        self.written: list[datetime] = []
        self.config = ProducerConfig("")

    def monotonic(self) -> float:
        return self.now.timestamp()

    def wait(self, seconds: float) -> bool:
        self.waits_s.append(seconds)
        self.now += timedelta(seconds=max(0.0, seconds))
        return False

    def produce(self, _: object, __: object, config: ProducerConfig) -> Iterator[str]:
        self.config = config
        for number in itertools.count():
            self.written.append(self.now)
            yield str(number)

    def names(self) -> list[datetime]:
        """When each recording began, as it is named."""
        step = timedelta(seconds=self.config.interval_s)
        return [(self.config.start + number * step).replace(tzinfo=None) for number in range(len(self.written))]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(NOW)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            local = made.now.astimezone(tz)  # type: ignore[arg-type]
            return local if tz else local.replace(tzinfo=None)

    monkeypatch.setattr(commands, "datetime", Clock)
    monkeypatch.setattr(commands, "time", made)
    monkeypatch.setattr(commands, "_stop_on_signals", lambda: made)
    monkeypatch.setattr(commands, "recordings_of", lambda _: [])
    monkeypatch.setattr(commands, "produce", made.produce)
    return made


@pytest.mark.parametrize(
    "night",
    [datetime(2026, 10, 25, 0, 0, tzinfo=UTC), datetime(2026, 3, 29, 0, 0, tzinfo=UTC)],
    ids=["back", "forward"],
)
def test_produce__keeps_its_rhythm_while_clocks_are_changed(night: datetime, world: World, zone: ZoneInfo) -> None:
    world.now = night
    assert main(["produce", "--recordings", "x", "--to", "y", "--n", "180"]) == 0
    assert world.written == [night + number * MINUTE for number in range(180)]
    assert len(set(world.names())) == 180
    for named, now in zip(world.names(), world.written, strict=True):
        assert named + MINUTE <= now.astimezone(zone).replace(tzinfo=None)


def test_produce__started_again_in_an_hour_that_comes_twice_writes_over_nothing(world: World, zone: ZoneInfo) -> None:
    names = []
    for minutes in (0, 60):
        world.now, world.written = datetime(2026, 10, 25, 0, 5, tzinfo=UTC) + minutes * MINUTE, []
        assert main(["produce", "--recordings", "x", "--to", "y", "--n", "50"]) == 0
        names += world.names()
    assert len(set(names)) == 100


def test_produce__a_number_at_once_waits_for_nothing(world: World) -> None:
    assert main(["produce", "--recordings", "x", "--to", "y", "--n", "1000", "--every-s", "0"]) == 0
    assert len(world.written) == 1000
    assert world.now == NOW


def test_produce__a_start_in_the_future_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["produce", "--recordings", "x", "--to", "y", "--start", "9000-01-01"]) == 1
    assert capsys.readouterr().err.startswith("error: --start 9000-01-01T00:00:00 lies in the future")


def test_produce__a_start_in_this_world_is_taken(world: World, tmp_path: Path) -> None:
    start = ["--start", "2026-04-11T05:00"]
    assert main(["produce", "--recordings", str(tmp_path), "--to", "y", "--n", "2", "--every-s", "0", *start]) == 0
    assert world.names() == [datetime(2026, 4, 11, 5, 0), datetime(2026, 4, 11, 5, 1)]
    assert world.now == NOW
