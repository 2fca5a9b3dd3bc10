"""The share is what HAProxy says, whatever was asked; every answer of its socket is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.canary.haproxy_config import CONFIG, SHARE_MAP
from serving.canary.haproxy_route import HAProxyRoute
from serving.canary.haproxy_socket import RuntimeSocket
from serving.canary.one_machine_state import MACHINE, MachineState, Wanted
from serving.canary.share_map import hundredths_of, read_share_map
from silencio.errors import ReleaseRefusedError, RouteChangedError, RouteError
from tests.serving.canary.small_splitter import (
    SmallSplitter,
    arms_of,
    identity,
    needs_splitter,
    release,
    small_splitter,
)


@pytest.fixture
def splitter(tmp_path: Path) -> Iterator[SmallSplitter]:
    with small_splitter(tmp_path) as one:
        yield one


@needs_splitter
def test_state__is_the_proxys_own(splitter: SmallSplitter) -> None:
    state = splitter.route.state()
    assert (state.share_percent, state.is_settled) == (0, True)
    assert (state.champion, state.challenger) == (identity("12").manifest_sha256, identity("13").manifest_sha256)
    splitter.share(12.34)
    assert splitter.route.state().share_percent == 12.34
    # Changed behind the file's back: that is seen, and is not what was asked for.
    splitter.socket.set_map("share", "9000")
    state = splitter.route.state()
    assert (state.share_percent, state.is_settled) == (90, False)
    assert "share is 9000 in HAProxy and 1234 in its file" in state.detail


@needs_splitter
def test_share__the_next_haproxy_reads_what_was_asked_last(splitter: SmallSplitter) -> None:
    splitter.share(25)
    generation = splitter.route.state().generation
    splitter.stop()
    with pytest.raises(RouteError, match="HAProxy does not answer at .*: is `silencio serve` running"):
        splitter.route.state()
    splitter.start()
    state = splitter.route.state()
    assert (state.share_percent, state.is_settled, state.generation) == (25, True, generation)


@needs_splitter
@pytest.mark.parametrize("edit", ["share", "server", "config", "bundle"])
def test_share__another_hand_is_noticed_before_anything_changes(splitter: SmallSplitter, edit: str) -> None:
    splitter.share(25)
    seen = splitter.route.state().generation
    assert splitter.route.state().generation == seen
    if edit == "share":
        splitter.socket.set_map("share", "1000")
    elif edit == "server":
        splitter.socket.set_server("challenger", "maint")
    elif edit == "config":
        with (splitter.folder / CONFIG).open("a") as file:
            file.write("# by hand\n")
    else:
        machine = MachineState.load(splitter.folder)
        other = machine.challenger.model_copy(update={"bundle": identity("14")})
        machine.model_copy(update={"challenger": other}).save(splitter.folder)
    before = dict(splitter.socket.show_map())
    with pytest.raises(RouteChangedError, match="changed by somebody else since it was last looked at"):
        splitter.route.set_share(50, expected_generation=seen)
    assert dict(splitter.socket.show_map()) == before


@needs_splitter
def test_share__what_haproxy_does_not_do_is_an_error(splitter: SmallSplitter) -> None:
    with pytest.raises(RouteError, match="HAProxy did not do 'set map other.map share 1'"):
        splitter.socket.do("set map other.map share 1")
    with pytest.raises(RouteError, match="HAProxy did not do 'nonsense'"):
        splitter.socket.do("nonsense")
    with pytest.raises(RouteError, match="HAProxy did not do"):
        splitter.socket.set_map("no-such-key", "1")


@pytest.mark.parametrize("percent", [-0.01, 100.01, 12.345, float("nan")])
def test_share__that_is_none_is_refused(percent: float) -> None:
    with pytest.raises(RouteError, match="percent from 0 to 100 with at most two decimals"):
        hundredths_of(percent)


@needs_splitter
def test_state__while_serve_starts_again_is_not_known(splitter: SmallSplitter) -> None:
    """Whoever judges sees no server that is gone, and no hand of somebody else's, but nothing."""
    splitter.share(25)
    MachineState.load(splitter.folder).model_copy(update={"is_starting": True}).save(splitter.folder)
    for look in (splitter.route.state, splitter.route.health, lambda: splitter.route.check(release())):
        with pytest.raises(RouteError, match="`silencio serve` with the state folder .* is starting"):
            look()


@needs_splitter
def test_offer__salts_the_draw_and_begins_at_nothing(splitter: SmallSplitter) -> None:
    splitter.share(25)
    splitter.route.offer(release("r 2;show"))
    assert dict(splitter.socket.show_map()) == {"share": "0", "release": "r_2_show"}
    splitter.share(10)
    # Again, as after a kill: what holds is left as it is.
    splitter.route.offer(release("r 2;show"))
    assert splitter.route.state().share_percent == 10


@needs_splitter
def test_check__refuses_what_runs_not(splitter: SmallSplitter) -> None:
    splitter.route.check(release())
    other = release().model_copy(update={"challenger": identity("14")})
    with pytest.raises(ReleaseRefusedError, match="runs 13 as challenger .* not 14"):
        splitter.route.check(other)
    with pytest.raises(ReleaseRefusedError, match="runs 12 as champion, not 11"):
        splitter.route.check(release().model_copy(update={"champion": identity("11")}))
    machine = MachineState.load(splitter.folder)
    ended = machine.champion.model_copy(update={"condition": "ended"})
    machine.model_copy(update={"champion": ended}).save(splitter.folder)
    with pytest.raises(ReleaseRefusedError, match="the champion 12 is ended"):
        splitter.route.check(release())


@needs_splitter
def test_roll_back__with_the_challenger_dead_all_leave(splitter: SmallSplitter) -> None:
    splitter.share(50)
    splitter.arms["challenger"].stop()
    splitter.route.roll_back(release())
    sessions = [f"s{number}" for number in range(100)]
    with splitter.client() as client:
        assert set(arms_of(client, sessions)) == {"champion"}
    splitter.route.roll_back(release())
    assert splitter.route.state().is_settled


@needs_splitter
def test_roll_back__with_haproxy_dead_its_next_start_has_it(splitter: SmallSplitter) -> None:
    splitter.share(50)
    splitter.stop()
    with pytest.raises(RouteError, match="does not answer"):
        splitter.route.roll_back(release())
    splitter.start()
    assert splitter.route.state().share_percent == 0


@needs_splitter
def test_roll_back__a_lost_state_file_does_not_stop_it(splitter: SmallSplitter) -> None:
    splitter.share(50)
    (splitter.folder / MACHINE).unlink()
    splitter.route.roll_back(release())
    assert splitter.socket.show_map()["share"] == "0"


@needs_splitter
def test_promote__all_to_the_challenger_and_back_while_the_champion_is_warm(splitter: SmallSplitter) -> None:
    splitter.route.promote(release())
    splitter.route.promote(release())
    assert splitter.route.state().share_percent == 100
    assert Wanted.load(splitter.folder).promoted == identity("13").manifest_sha256
    splitter.route.roll_back(release())
    assert (splitter.route.state().share_percent, Wanted.load(splitter.folder).promoted) == (0, None)
    with splitter.client() as client:
        assert arms_of(client, ["a"]) == ["champion"]


@needs_splitter
def test_retire__no_arm_that_still_serves(splitter: SmallSplitter) -> None:
    splitter.share(50)
    with pytest.raises(RouteError, match=r"both arms serve \(50 % the challenger\): neither can be retired"):
        splitter.route.retire(release())


@needs_splitter
def test_roll_back__there_is_no_way_to_a_champion_that_was_retired(splitter: SmallSplitter) -> None:
    splitter.route.promote(release())
    machine = MachineState.load(splitter.folder)
    retired = machine.champion.model_copy(update={"condition": "retired"})
    machine.model_copy(update={"champion": retired}).save(splitter.folder)
    with pytest.raises(RouteError, match="the champion 12 was retired .* --bundle /bundles/12"):
        splitter.route.roll_back(release())
    assert splitter.route.state().share_percent == 100


def test_route__nothing_runs_there(tmp_path: Path) -> None:
    route = HAProxyRoute(tmp_path / "none")
    for call in (route.state, route.health, lambda: route.check(release()), lambda: route.retire(release())):
        with pytest.raises(RouteError, match="silencio serve"):
            call()
    # Long paths are no matter of the socket's.
    with pytest.raises(RouteError, match="does not answer"):
        deep = tmp_path / ("d" * 120)
        deep.mkdir()
        RuntimeSocket(deep).show_map()


def test_share_map__is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_share_map(tmp_path) == {}
    (tmp_path / SHARE_MAP).write_text("share 500\nrelease a\n\n")
    assert read_share_map(tmp_path) == {"share": "500", "release": "a"}
