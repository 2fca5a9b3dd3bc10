"""The month's plot, sounds, days and checks; the month itself is `make month`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import yaml

from benchmarks.month.__main__ import emptied
from benchmarks.month.checks import faults
from benchmarks.month.days import N_REVIEWED, write_day
from benchmarks.month.pictures import MAX_BYTES
from benchmarks.month.play import DayFound
from benchmarks.month.scenes import Scenes
from benchmarks.month.served import ServedRecording, shuffled_bundle
from benchmarks.month.stand_ins import receiving, recorded_files
from benchmarks.month.story import MONTH, PARTS, RECORDINGS_PER_CELL, SITES, SMOKE, Story, day_of, moments
from serving.simulate.recordings import RATE_HZ, Recording, encode
from silencio.audio import decode
from silencio.bundle import Bundle, Scorer
from silencio.bundle.manifest import read_manifest
from silencio.bundle.placeholder import write_placeholder_bundle
from silencio.errors import ConfigError, SourceError
from silencio.prediction_log import RecordingFacts, WindowRecord, read_log
from tests.waiting import HANG_S

ROOT = Path(__file__).parents[2]
DOC = (ROOT / "docs" / "month.md").read_text(encoding="utf-8")
DEVICES = [device for site in SITES for device in site.devices]


def _tone(pitch_hz: float) -> bytes:
    time_s = np.arange(3 * RATE_HZ) / RATE_HZ
    return encode(np.sin(2 * np.pi * pitch_hz * time_s).astype(np.float32), "FLAC")


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return Scenes([Recording(f"{n}.flac", f"s{n}", partial(_tone, 300.0 * (n + 1))) for n in range(8)])


def _samples(scenes: Scenes, condition: Any, number: int = 0, device: str = "ridge-2") -> np.ndarray:
    return decode(scenes.make(condition, device, "day", number).content).samples.astype(np.float64)


def _band_db(samples: np.ndarray, low_hz: float, high_hz: float) -> float:
    power = np.abs(np.fft.rfft(samples)) ** 2
    frequencies = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
    return float(10 * np.log10(power[(frequencies >= low_hz) & (frequencies < high_hz)].mean()))


@pytest.mark.parametrize("story", [MONTH, SMOKE])
def test_story__an_alert_ends_before_the_next_disturbance_begins(story: Story) -> None:
    assert story.n_reference_days >= 7
    before = story.n_reference_days
    for one in story.disturbances:
        # Three days of four: two days after a cause, an alert of it is over.
        assert one.first_day > before
        assert one.n_days >= 3
        before = one.first_day + one.n_days + 1
    assert story.n_days >= before - 1


def test_story__its_alerts_are_those_of_the_rules() -> None:
    rules = yaml.safe_load((ROOT / "monitoring" / "prometheus" / "rules" / "drift.yml").read_text(encoding="utf-8"))
    alerts = {rule["alert"]: rule["expr"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule}
    assert len({one.alert for one in MONTH.disturbances}) == len(MONTH.disturbances) == 4
    for one in MONTH.disturbances:
        assert f'cause="{one.cause}"' in alerts[one.alert]


def test_page__has_the_plot() -> None:
    """docs/month.md tells days, places and alerts as they are played."""
    rows = re.findall(r"^\| (\d+) to (\d+) \|.*?\| (`Silencio\w+`.*?) \|$", DOC, re.MULTILINE)
    told = [(int(first), int(last), re.findall(r"`(\w+)`", alert)) for first, last, alert in rows]
    for (first, last, names), one in zip(told, MONTH.disturbances, strict=True):
        assert (first, last) == (one.first_day, one.first_day + one.n_days - 1)
        assert names[0] == one.alert
        assert set(names[1:]) == (set(one.sites) if len(one.sites) < len(SITES) else set())
    assert f"| 0 to {MONTH.n_reference_days - 1} |" in DOC
    n_a_day = len(DEVICES) * len(PARTS) * RECORDINGS_PER_CELL
    assert f"{n_a_day} recordings a day" in DOC
    assert f"of {N_REVIEWED} detections a site and day" in DOC


def test_moments__are_of_the_sites_day_and_part() -> None:
    for part in PARTS:
        found = moments(np.random.default_rng(0), 5, part, 100)
        local = [one.astimezone(UTC) - timedelta(hours=5) for one in found]
        assert {one.date() for one in local} == {day_of(5)}
        assert found == sorted(found)
    assert len({tuple(moments(np.random.default_rng(0), 5, part, 1)) for part in PARTS}) == len(PARTS)


def test_scenes__are_the_same_for_the_same_names_and_a_broken_model_gets_the_usual_ones(scenes: Scenes) -> None:
    one, other = (scenes.make("normal", "ridge-2", "day", 1) for _ in range(2))
    assert one == other
    assert scenes.make("broken", "ridge-2", "day", 1) == one
    assert scenes.make("normal", "ridge-2", "day", 2).content != one.content
    assert scenes.make("normal", "ridge-3", "day", 1).content != one.content


def test_scenes__another_microphone_is_deafer_and_deaf_to_what_is_high(scenes: Scenes) -> None:
    usual, other = (_samples(scenes, condition) for condition in ("normal", "microphone"))
    low = _band_db(other, 100, 1_000) - _band_db(usual, 100, 1_000)
    high = _band_db(other, 9_000, 15_000) - _band_db(usual, 9_000, 15_000)
    assert low == pytest.approx(-9.5, abs=1.0)
    assert high < low - 6


def test_scenes__rain_lifts_all_bands(scenes: Scenes) -> None:
    usual, wet = _samples(scenes, "normal", device="creek-1"), _samples(scenes, "rain", device="creek-1")
    for low_hz in (100, 1_000, 6_000):
        assert _band_db(wet, low_hz, 2 * low_hz) > _band_db(usual, low_hz, 2 * low_hz) + 6


def test_scenes__the_other_season_has_other_frequent_species(scenes: Scenes) -> None:
    for condition, frequent in (("normal", scenes.usual), ("season", scenes.other)):
        codes = [scenes.code(condition, "forest-1", "dawn", number) for number in range(60)]  # type: ignore[arg-type]
        named = [code for code in codes if code]
        assert 0.6 < np.mean([code in frequent for code in named]) < 1.0
        assert len(named) < len(codes)


def test_scenes__of_too_few_species_are_refused() -> None:
    with pytest.raises(SourceError, match="two seasons need 8"):
        Scenes([Recording("a.flac", "a", partial(_tone, 500.0))])


def test_shuffled_bundle__loads_and_answers_under_the_next_species_name(tmp_path: Path) -> None:
    right = write_placeholder_bundle(tmp_path / "right")
    broken = shuffled_bundle(right, tmp_path / "broken")
    assert read_manifest(broken).version == read_manifest(right).version
    sound = _tone(700.0)
    before, after = (Scorer(Bundle(one))(sound).probabilities for one in (right, broken))
    assert np.array_equal(after, np.roll(before, 1, axis=1))


def _served() -> dict[Any, list[ServedRecording]]:
    def recording(condition: str, device: str, number: int) -> ServedRecording:
        facts = RecordingFacts(
            request_id=f"{condition}-{device}-{number}",
            received_at=datetime.now(UTC),
            bundle_name="silencio",
            bundle_version="v1",
            spec_sha256="0" * 64,
            site_id=device.split("-")[0],
            device_id=device,
            latitude=6.0,
            longitude=-75.0,
        )
        detected = "wrong" if condition == "broken" else "cow"
        rows = tuple(
            WindowRecord(
                facts=facts,
                start_s=2.0 * window,
                end_s=2.0 * window + 2,
                top_codes=[detected],
                top_probabilities=[0.9],
                detected_codes=[detected] if window else [],
                dropped_codes=[],
                probabilities=np.zeros(3, np.float16),
                entropy=0.5,
            )
            for window in range(2)
        )
        return ServedRecording("cow", rows)

    return {
        (condition, device, part): [recording(condition, device, number) for number in range(3)]
        for condition, device in MONTH.cells()
        for part in PARTS
    }


def test_write_day__has_every_devices_recordings_in_the_hours_of_the_day(tmp_path: Path) -> None:
    served = _served()
    judgements = write_day(MONTH, 3, served, tmp_path)
    day = day_of(3)
    table = read_log(
        str(tmp_path), datetime(day.year, day.month, day.day, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    )
    rows = table.to_pylist()
    assert len(rows) == len(DEVICES) * len(PARTS) * RECORDINGS_PER_CELL * 2
    assert {row["device_id"] for row in rows} == set(DEVICES)
    assert {(row["recorded_at"] - timedelta(hours=5)).date() for row in rows} == {day}
    assert all(timedelta() < row["received_at"] - row["recorded_at"] < timedelta(hours=1) for row in rows)
    assert len({row["request_id"] for row in rows}) == len(rows) / 2
    # Every judgement is of a detection that stands in the log.
    named = {f"{row['prediction_id']}:{int(row['start_s'] // 2)}" for row in rows if row["detected_codes"]}
    assert len(judgements) == N_REVIEWED * len(SITES)
    assert {one.detection_or_window_id for one in judgements} <= named
    assert {one.verdict for one in judgements} == {"present"}


def test_write_day__of_a_broken_model_has_its_names_found_wrong_and_is_the_same_again(tmp_path: Path) -> None:
    number = MONTH.disturbances[-1].first_day
    first, again = (write_day(MONTH, number, _served(), tmp_path / name) for name in "ab")
    assert {one.verdict for one in first} == {"absent"}
    assert [one.id for one in first] == [one.id for one in again]


def _days(story: Story = MONTH, **changed: Any) -> list[DayFound]:
    """What a month shows in which everything is as it must be."""
    found = []
    for number in range(story.n_reference_days, story.n_days):
        verdicts: dict[str, list[str]] = {site.site_id: [] for site in SITES}
        firing = set()
        for one in story.disturbances:
            for site in one.sites:
                if one.holds(number):
                    verdicts[site].append(one.cause)
                if one.first_day + 2 <= number <= one.first_day + one.n_days:
                    firing.add((one.alert, site))
        found.append(DayFound(number, verdicts, firing, {}))
    return found


FIRST = MONTH.disturbances[0].first_day
RAIN_ENDS = MONTH.disturbances[1].first_day + MONTH.disturbances[1].n_days - 1
NOTIFIED = [("chat", one.alert, site, "firing") for one in MONTH.disturbances for site in sorted(one.sites)]


def _with(days: list[DayFound], number: int, **changes: Any) -> list[DayFound]:
    return [replace(one, **changes) if one.number == number else one for one in days]


def test_faults__none_where_everything_is_as_it_must_be() -> None:
    assert faults(MONTH, _days(), NOTIFIED) == []
    smoke = [("chat", SMOKE.disturbances[0].alert, "ridge", "firing")]
    assert faults(SMOKE, _days(SMOKE), smoke) == []


@pytest.mark.parametrize(
    ("number", "changes", "fault"),
    [
        (
            FIRST - 1,
            {"firing": {("SilencioDriftStale", "ridge")}},
            "SilencioDriftStale fires at ridge without its cause",
        ),
        (FIRST + 1, {"firing": {("SilencioDriftMicrophoneOrSite", "ridge")}}, "fires at ridge without its cause"),
        (FIRST + 2, {"firing": {("SilencioDriftMicrophoneOrSite", "creek")}}, "fires at creek without its cause"),
        (FIRST + 5, {"firing": {("SilencioDriftMicrophoneOrSite", "ridge")}}, "fires at ridge without its cause"),
        (FIRST + 8, {"firing": {("SilencioTargetDown", "")}}, "SilencioTargetDown fires without its cause"),
        (RAIN_ENDS, {"empty": {"drift": ("Effects",)}}, "rain: panel 'Effects' of drift is empty"),
    ],
)
def test_faults__an_alert_without_its_cause_or_an_empty_panel(
    number: int, changes: Mapping[str, Any], fault: str
) -> None:
    found = faults(MONTH, _with(_days(), number, **changes), NOTIFIED)
    assert any(fault in one for one in found), found


def test_faults__an_alert_that_never_fires_or_a_cause_that_no_verdict_names() -> None:
    days = _days()
    for number in range(FIRST, FIRST + 5):
        days = _with(days, number, firing=set(), verdicts={site.site_id: ["unexplained"] for site in SITES})
    found = faults(MONTH, days, NOTIFIED)
    assert "microphone at ridge: no day's verdict names microphone_or_site" in found
    assert "microphone at ridge: SilencioDriftMicrophoneOrSite never fired while it lasted" in found


def test_faults__of_what_people_were_sent() -> None:
    found = faults(MONTH, _days(), [*NOTIFIED[1:], ("chat", "SilencioSlow", "", "firing")])
    assert found == [
        f"nobody was sent {MONTH.disturbances[0].alert}",
        "people were sent SilencioSlow, which has no cause",
    ]
    elsewhere = ("chat", MONTH.disturbances[0].alert, "creek", "firing")
    assert faults(MONTH, _days(), [*NOTIFIED, elsewhere]) == [
        "people were sent SilencioDriftMicrophoneOrSite of creek, which has no cause"
    ]


def test_receiving__keeps_each_alert_of_a_webhook_and_the_headline_of_a_chat() -> None:
    alert = {"status": "firing", "labels": {"alertname": "A", "site": "ridge"}}
    with receiving() as (notifications, port), httpx.Client(trust_env=False, timeout=HANG_S) as client:
        url = f"http://127.0.0.1:{port}"
        assert client.post(f"{url}/webhook", content=json.dumps({"alerts": [alert]})).is_success
        for title in ("RESOLVED: B", "FIRING: C @ creek ridge"):
            assert client.post(f"{url}/chat", content=json.dumps({"attachments": [{"title": title}]})).is_success
    assert notifications.received == [
        ("webhook", "A", "ridge", "firing"),
        ("chat", "B", "", "resolved"),
        ("chat", "C", "creek", "firing"),
        ("chat", "C", "ridge", "firing"),
    ]


def test_work__is_emptied_where_it_is_a_months_and_left_alone_where_it_is_not(tmp_path: Path) -> None:
    ours = emptied(tmp_path / "month")
    (ours / "log").mkdir()
    assert [one.name for one in emptied(ours).iterdir()] == [".month"]
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "thesis.txt").write_text("kept", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"theirs holds something that is no month's"):
        emptied(tmp_path / "theirs")
    assert (tmp_path / "theirs" / "thesis.txt").read_text(encoding="utf-8") == "kept"


def test_recorded_files__a_cron_jobs_last_success_is_of_now() -> None:
    began = datetime.now(UTC)
    with recorded_files(ROOT / "tests" / "monitoring" / "recorded") as port:
        url = f"http://127.0.0.1:{port}"
        text = httpx.get(f"{url}/kube_state_metrics.prom", trust_env=False, timeout=HANG_S).text
        assert httpx.get(f"{url}/../README", trust_env=False, timeout=HANG_S).status_code == 404
    values = [float(one) for one in re.findall(r"^kube_cronjob_status_last_successful_time\S+ (\S+)$", text, re.M)]
    assert values
    assert all(began.timestamp() <= value <= datetime.now(UTC).timestamp() for value in values)


def _result(name: str) -> dict[str, Any]:
    text = (ROOT / "benchmarks" / "results" / f"{name}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize(("name", "story"), [("month", MONTH), ("month_smoke", SMOKE)])
def test_result__is_of_a_month_as_it_must_be(name: str, story: Story) -> None:
    found = _result(name)
    assert (found["story"], found["faults"]) == ("smoke" if story is SMOKE else "month", [])
    watched = [day for day in found["days"] if day["empty_panels"] is not None]
    assert [day["empty_panels"] for day in watched] == [{}] * (story.n_days - story.n_reference_days)
    for number, day in enumerate(watched, story.n_reference_days):
        holding = {(site, one.cause) for one in story.disturbances if one.holds(number) for site in one.sites}
        named = {(site, cause.rstrip("!")) for site, causes in day["verdicts"].items() for cause in causes}
        assert {one for one in named if one[1] != "no_change"} >= holding
        due = {(one.alert, site) for one in story.disturbances if one.holds(number - 2) for site in one.sites}
        held = {(one.alert, site) for one in story.disturbances if one.holds(number) for site in one.sites}
        assert {tuple(one) for one in day["firing"]} >= due & held


def test_page__has_what_was_played() -> None:
    """docs/month.md has the figures of the committed results."""
    words = " ".join(DOC.split())
    month, smoke = _result("month"), _result("month_smoke")
    assert (
        f"{month['n_recordings_served']:,} recordings were served, of which {month['n_rows_written']:,} rows" in words
    )
    assert (
        f"a day took {86_400 / month['time_scale']:.1f} s (`time_scale` {month['time_scale']:,.0f}), all of it" in words
    )
    assert f"all of it {month['took_s']:,.0f} s" in words and month["took_s"] <= 20 * 60
    told = f"{smoke['n_recordings_served']} recordings, a day of {86_400 / smoke['time_scale']:.1f} s"
    assert f"{told}, {smoke['took_s']:.0f} s in all" in words
    # "People were sent these alerts and no others, of these sites."
    sent = {(alert, site) for _, alert, site, status in month["notified"] if status == "firing"}
    expected = {(one.alert, site) for one in MONTH.disturbances for site in one.sites}
    assert sent == expected | {("SilencioReviewPrecisionLow", site.site_id) for site in SITES}
    # "Each cause was named on its first day, and nothing else was on any day" but for days after the last, when the
    # reviews of its days are still among the newest.
    for number, day in enumerate(month["days"], MONTH.n_reference_days - 1):
        named = {(site, one.rstrip("!")) for site, causes in day["verdicts"].items() for one in causes} - {
            (site.site_id, "no_change") for site in SITES
        }
        holding = {(site, one.cause) for one in MONTH.disturbances if one.holds(number) for site in one.sites}
        assert named == holding or number == MONTH.n_days - 1


def test_pictures__are_small_and_all_are_on_the_page() -> None:
    pictures = sorted((ROOT / "docs" / "month").iterdir())
    assert [one.name for one in pictures if f"(month/{one.name})" not in DOC] == []
    assert max(one.stat().st_size for one in pictures) <= MAX_BYTES
