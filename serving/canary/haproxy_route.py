"""The share between two arms on one machine: HAProxy's map, changed at run time and kept for its next start."""

from __future__ import annotations

import contextlib
import fcntl
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from serving.canary.arm_health import arm_health
from serving.canary.haproxy_config import CONFIG, NO_RELEASE, RELEASE, SHARE
from serving.canary.haproxy_socket import RuntimeSocket
from serving.canary.interfaces import ARMS, ArmName, RouteState
from serving.canary.one_machine_state import STATE_DIR, ArmState, MachineState, Wanted, sha256_hex
from serving.canary.share_map import hundredths_of, percent_of, read_share_map, salt_of, write_share_map
from silencio.errors import ReleaseRefusedError, RouteChangedError, RouteError
from silencio.release.evidence import ArmHealth
from silencio.release.record import BundleIdentity, ReleaseRecord

_LOCK = "route.lock"
_POLL_S = 0.1


class HAProxyRoute:
    """The splitter of a `silencio serve --canary` that runs, found by its state folder.

    Nothing here needs Prometheus or the challenger: a rollback is one line to HAProxy's socket.

    Args:
        folder: The state folder.
        arm_timeout_s: How long `offer` and `retire` wait for an arm's servers.
    """

    def __init__(self, folder: Path = STATE_DIR, *, arm_timeout_s: float = 1_800.0) -> None:
        self._folder = folder
        self._socket = RuntimeSocket(folder)
        self._arm_timeout_s = arm_timeout_s

    def state(self) -> RouteState:
        """What HAProxy routes by now, as it says itself."""
        machine, entries = MachineState.load_started(self._folder), dict(self._socket.show_map())
        kept = read_share_map(self._folder)
        differing = [key for key in (SHARE, RELEASE) if kept.get(key) != entries.get(key)]
        challenger = machine.challenger.bundle
        if machine.champion.bundle is None:
            raise RouteError(f"{self._folder} names no champion: start `silencio serve` anew")
        return RouteState(
            share_percent=percent_of(entries),
            champion=machine.champion.bundle.manifest_sha256,
            challenger=None if challenger is None else challenger.manifest_sha256,
            generation=self._generation(machine, entries),
            is_settled=not differing,
            detail=f"HAProxy {machine.haproxy_pid}, release {entries.get(RELEASE, NO_RELEASE)}, champion "
            f"{machine.champion.condition}, challenger {machine.challenger.condition}"
            + "".join(f"; {key} is {entries.get(key)} in HAProxy and {kept.get(key)} in its file" for key in differing),
        )

    def check(self, record: ReleaseRecord) -> None:
        """The champion serves and is the release's, and another challenger does not stand in the way."""
        machine, entries = MachineState.load_started(self._folder), dict(self._socket.show_map())
        _check_is(machine.champion, record.champion, "champion", "start `silencio serve --bundle` with it")
        if not machine.champion.is_running:
            raise ReleaseRefusedError(
                f"the champion {record.champion.version} is {machine.champion.condition}: a release needs it to go "
                "back to; start `silencio serve` anew"
            )
        running = machine.challenger.bundle
        if running is not None and running.manifest_sha256 != record.challenger.manifest_sha256:
            share = percent_of(entries)
            if share or machine.challenger.is_running:
                raise ReleaseRefusedError(
                    f"`silencio serve` runs {running.version} as challenger (share {share:g} %), not "
                    f"{record.challenger.version}: roll that back, or start `silencio serve --canary` with it"
                )

    def offer(self, record: ReleaseRecord) -> None:
        """Have the challenger run, and salt the draw with this release's id, at 0 %."""
        self.check(record)
        with self._locked():
            if not MachineState.load(self._folder).challenger.is_running:
                n_offers = Wanted.load(self._folder).n_offers + 1
                self._want(challenger=record.challenger, n_offers=n_offers, promoted=None, retired=None)
            if self._socket.show_map().get(RELEASE) != salt_of(record.release_id):
                self._route(0, salt_of(record.release_id))
        self._wait("challenger", "ready", lambda arm: arm.is_running and self._is_up("challenger"))
        machine = MachineState.load(self._folder)
        _check_is(machine.challenger, record.challenger, "challenger", "start `silencio serve --canary` with it")

    def set_share(self, percent: float, *, expected_generation: str) -> None:
        """Ask for a share, of everything that begins from now on."""
        hundredths = hundredths_of(percent)
        with self._locked():
            found = self.state()
            if found.generation != expected_generation:
                raise RouteChangedError(
                    f"the route was changed by somebody else since it was last looked at: {found.share_percent:g} % to "
                    f"the challenger; {found.detail}"
                )
            if hundredths and found.challenger is None:
                raise RouteError(f"there is no challenger that {percent:g} % could go to: offer one first")
            self._route(hundredths, self._release())

    def promote(self, record: ReleaseRecord) -> None:
        """All to the challenger, the champion kept warm; a restart of `silencio serve` keeps it so."""
        with self._locked():
            machine = MachineState.load(self._folder)
            _check_is(machine.challenger, record.challenger, "challenger", "offer it again")
            self._want(promoted=record.challenger.manifest_sha256)
            self._route(hundredths_of(100), self._release())

    def roll_back(self, record: ReleaseRecord) -> None:
        """All traffic to the champion. Written for HAProxy's next start before it is said to this one."""
        with self._locked():
            self._check_champion_is_there(record)
            release = read_share_map(self._folder).get(RELEASE, NO_RELEASE)
            write_share_map(self._folder, 0, release)
            self._want(promoted=None, retired=None)
            self._route(0, release)

    def retire(self, record: ReleaseRecord) -> None:
        """Stop the servers of the arm that gets nothing."""
        with self._locked():
            share = percent_of(dict(self._socket.show_map()))
            if 0 < share < 100:
                raise RouteError(f"both arms serve ({share:g} % the challenger): neither can be retired")
            arm: ArmName = "champion" if share else "challenger"
            if MachineState.load(self._folder).arm(arm).condition in ("absent", "refused"):
                return
            self._want(retired=arm)
        self._wait(arm, "stopped", lambda state: state.condition == "retired")

    def health(self) -> Mapping[ArmName, ArmHealth]:
        """State of both arms' servers."""
        machine, servers = MachineState.load_started(self._folder), self._socket.servers()
        return {arm: arm_health(machine.arm(arm), servers.get(arm)) for arm in ARMS}

    def _generation(self, machine: MachineState, entries: Mapping[str, str]) -> str:
        """Of all by which it is routed; what a new start of the same servers changes is not among it."""
        config = (self._folder / CONFIG).read_bytes()
        parts = {
            "map": dict(entries),
            "bundles": [(bundle := machine.arm(arm).bundle) and bundle.manifest_sha256 for arm in ARMS],
            "config": "as written" if sha256_hex(config) == machine.config_sha256 else sha256_hex(config),
            "servers": self._edited_servers(machine),
        }
        return sha256_hex(json.dumps(parts, sort_keys=True).encode())[:16]

    def _edited_servers(self, machine: MachineState) -> dict[str, str]:
        """Servers that somebody took out, or gave another address, by HAProxy's socket."""
        servers, edited = self._socket.servers(), {}
        for arm in ARMS:
            own = machine.arm(arm)
            for backend, address in ((arm, own.http_address), (f"{arm}_grpc", own.grpc_address)):
                found = servers.get(backend)
                if own.is_running and (found is None or found.is_taken_out or found.address != address):
                    edited[backend] = "gone" if found is None else f"{found.status} {found.address}"
        return edited

    def _check_champion_is_there(self, record: ReleaseRecord) -> None:
        try:
            champion = MachineState.load(self._folder).champion
        except RouteError:  # not a reason to leave visitors where they are
            return
        if champion.condition == "retired":
            raise RouteError(
                f"the champion {record.champion.version} was retired and runs no more: serve it by `silencio serve "
                f"--bundle {record.champion.place}`"
            )

    def _release(self) -> str:
        return self._socket.show_map().get(RELEASE, NO_RELEASE)

    def _route(self, hundredths: int, release: str) -> None:
        """Change the map and its file, and look at what HAProxy has then."""
        for key, value in ((SHARE, str(hundredths)), (RELEASE, release)):
            if self._socket.show_map().get(key) != value:
                self._socket.set_map(key, value)
        found = self._socket.show_map()
        if (found.get(SHARE), found.get(RELEASE)) != (str(hundredths), release):
            raise RouteError(f"HAProxy took {hundredths / 100:g} % and routes by {dict(found)}")
        write_share_map(self._folder, hundredths, release)

    def _want(self, **changes: object) -> None:
        wanted = Wanted.load(self._folder)
        if (changed := wanted.model_copy(update=changes)) != wanted:
            changed.save(self._folder)

    def _is_up(self, arm: ArmName) -> bool:
        return (found := self._socket.servers().get(arm)) is not None and found.is_up

    def _wait(self, arm: ArmName, what: str, is_so: Callable[[ArmState], bool]) -> None:
        n_offers = Wanted.load(self._folder).n_offers
        deadline_s = time.monotonic() + self._arm_timeout_s
        while not is_so(state := MachineState.load(self._folder).arm(arm)):
            if state.condition in ("refused", "ended") and state.n_offer >= n_offers:
                raise ReleaseRefusedError(f"the {arm} is not {what}: {state.condition}: {state.reason}")
            if time.monotonic() > deadline_s:
                raise RouteError(f"the {arm} is not {what} after {self._arm_timeout_s:g} s: it is {state.condition}")
            self._socket.show_map()  # nobody does it where HAProxy, and so `silencio serve`, is gone
            time.sleep(_POLL_S)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One change at a time: what was looked at is what is changed."""
        try:
            with (self._folder / _LOCK).open("w") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield
        except FileNotFoundError as error:
            raise RouteError(f"there is no state folder {self._folder}: start `silencio serve --canary`") from error


def _check_is(arm: ArmState, expected: BundleIdentity, name: ArmName, remedy: str) -> None:
    found = arm.bundle
    if found is None or found.manifest_sha256 != expected.manifest_sha256:
        raise ReleaseRefusedError(
            f"`silencio serve` runs {'nothing' if found is None else found.version} as {name}, not "
            f"{expected.version}: {remedy}"
        )
