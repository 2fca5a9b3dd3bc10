"""Two arms, HAProxy before them and Prometheus beside them, on this machine: `with one_machine(plan) as machine`."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from serving.access.tls import Renewal, Tls
from serving.canary.haproxy_config import (
    CERTIFICATE,
    CONFIG,
    NO_RELEASE,
    RELEASE,
    SHARE,
    UNITS,
    Frontend,
    haproxy_config,
)
from serving.canary.haproxy_socket import RuntimeSocket
from serving.canary.interfaces import ARMS, ArmName
from serving.canary.one_machine_arm import Arm, MachinePlan
from serving.canary.one_machine_state import ArmState, MachineState, Wanted, identity_of, sha256_hex
from serving.canary.one_machine_tools import Tool
from serving.canary.prometheus_config import CONFIG as PROMETHEUS_CONFIG
from serving.canary.prometheus_config import prometheus_config, prometheus_options, write_targets
from serving.canary.share_map import read_share_map, write_share_map
from serving.local.servers import certified_host
from serving.server.protocol import LOOPBACK
from silencio.errors import RouteError, ServingError, SilencioError
from silencio.network import free_ports
from silencio.storage import write_atomically

_LOCK = "serve.lock"
_POLL_S = 0.05
_START_TIMEOUT_S = 60.0
_EVERY_ADDRESS = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104  # compared, not listened on


def _ignore(message: str) -> None:
    pass


@contextmanager
def one_machine(plan: MachinePlan, on_progress: Callable[[str], None] = _ignore) -> Iterator[OneMachine]:
    """Start all of it, wait until it serves, stop all at the end.

    Args:
        plan: What is to run.
        on_progress: Called with what is waited for.

    Raises:
        ServingError: Something refuses, ends, does not become ready, or does not end in order.
    """
    plan.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (plan.folder / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ServingError(
                f"another `silencio serve` runs with the state folder {plan.folder}: stop it, or name another by "
                "--state-dir"
            ) from error
        machine = OneMachine(plan, on_progress)
        try:
            machine.start()
            yield machine
        except BaseException:
            # What went wrong first is what is said.
            with suppress(ServingError):
                machine.stop()
            raise
        machine.stop()


class OneMachine:
    """What runs. `follow` is to be called again and again; it is what offers and retires.

    Args:
        plan: What is to run.
        on_progress: Called with what is waited for.

    Attributes:
        notes: What a person should know and that ends nothing: taken away by who prints it.
    """

    def __init__(self, plan: MachinePlan, on_progress: Callable[[str], None]) -> None:
        self._plan, self._on_progress = plan, on_progress
        ports = free_ports(8)
        self._arms: dict[ArmName, Arm] = {name: Arm(name, ports.pop(), ports.pop()) for name in ARMS}
        self._http = f"{plan.host}:{plan.port or ports.pop()}"
        self._grpc = f"{plan.host}:{plan.grpc_port or ports.pop()}"
        self._metrics, self._prometheus_address = (f"{LOOPBACK}:{ports.pop()}" for _ in range(2))
        self._socket = RuntimeSocket(plan.folder)
        self._renewal = None if plan.tls is None else Renewal(plan.tls)
        self._wanted = Wanted()
        self._tools: list[Tool] = []
        self.notes: list[str] = []

    @property
    def state(self) -> MachineState:
        """What runs by now."""
        haproxy, prometheus = self._tools
        tls, here = self._plan.tls, _EVERY_ADDRESS.get(self._plan.host, self._plan.host)
        if tls is not None:
            here = certified_host(tls, here, is_everywhere=here != self._plan.host)
        return MachineState(
            pid=os.getpid(),
            url=f"{'http' if tls is None else 'https'}://{here}:{urlsplit(f'//{self._http}').port}",
            grpc_address=f"{here}:{urlsplit(f'//{self._grpc}').port}",
            haproxy_pid=haproxy.process.pid,
            config_sha256=sha256_hex(self._config().encode()),
            haproxy_metrics_url=f"http://{self._metrics}",
            prometheus_url=f"http://{self._prometheus_address}",
            prometheus_pid=prometheus.process.pid if prometheus.exit_code() is None else None,
            prediction_log=self._plan.prediction_log,
            champion=self._arms["champion"].state,
            challenger=self._arms["challenger"].state,
        )

    def start(self) -> None:
        """Raises `ServingError` where something does not start."""
        challenger = self._begin_wanted()
        # What it says of processes and ports is no more so: a release that looks now would take them for gone.
        with suppress(RouteError):
            MachineState.load(self._plan.folder).model_copy(update={"is_starting": True}).save(self._plan.folder)
        if self._wanted.retired != "champion":
            self._arms["champion"].start(
                self._plan.bundle, self._plan, self._on_progress, options=self._shadow_options()
            )
        else:
            self._arms["champion"].state = ArmState(condition="retired", bundle=identity_of(self._plan.bundle))
        if challenger is not None:
            self._arms["challenger"].start(challenger, self._plan, self._on_progress, self._wanted.n_offers)
        self._start_tools()
        for arm in self._arms.values():
            if arm.servers is not None:
                self._take_in(arm.name)
        self._save()

    def _shadow_options(self) -> Sequence[str]:
        """The champion's: copies go to where the challenger will listen; while there is none, they are dropped."""
        plan = self._plan
        if not plan.prediction_log or not plan.shadow_share:
            return ()
        target = f"http://{self._arms['challenger'].addresses.http}"
        key = () if plan.shadow_key is None else ("--shadow_key", str(plan.shadow_key))
        return ("--shadow", target, "--shadow_share", str(plan.shadow_share), *key)

    def _begin_wanted(self) -> Path | None:
        """Go on where the last one with these very bundles stood; else at 0 %. Returns the challenger's folder."""
        folder, plan = self._plan.folder, self._plan
        wanted = Wanted.load(folder)
        offered = Path(wanted.challenger.place) if wanted.challenger and wanted.retired != "challenger" else None
        challenger = plan.canary or offered
        champion_sha = identity_of(plan.bundle).manifest_sha256
        challenger_sha = None if challenger is None else identity_of(challenger).manifest_sha256
        try:
            before = MachineState.load(folder)
            bundles = [one and one.manifest_sha256 for one in (before.champion.bundle, before.challenger.bundle)]
        except RouteError:
            bundles = []
        entries = read_share_map(folder)
        if bundles != [champion_sha, challenger_sha] or SHARE not in entries:
            entries = {SHARE: "0", RELEASE: NO_RELEASE}
            wanted = Wanted(challenger=None if plan.canary else wanted.challenger, n_offers=wanted.n_offers)
            challenger = plan.canary
        if wanted.retired == "challenger":
            wanted = wanted.model_copy(update={"retired": None})
        if wanted.promoted:
            entries = {**entries, SHARE: "10000"}
            self.notes.append(
                f"{plan.canary or offered} was promoted and serves all: start it by --bundle the next time"
            )
        write_share_map(folder, int(entries[SHARE]), entries.get(RELEASE, NO_RELEASE))
        wanted.save(folder)
        self._wanted = wanted
        return challenger

    def follow(self) -> None:
        """Look at every process, and do what a release wants by now.

        Raises:
            ServingError: What serves everybody has ended, and nothing is left to serve.
        """
        haproxy, prometheus = self._tools
        haproxy.check_alive()
        self._look_at_arms()
        self._renew()
        if prometheus.exit_code() is not None and MachineState.load(self._plan.folder).prometheus_pid is not None:
            self.notes.append(
                f"prometheus ended (exit code {prometheus.exit_code()}): a release sees no counts and goes back to 0 % "
                "by itself; start `silencio serve` anew"
            )
            self._save()
        wanted = Wanted.load(self._plan.folder)
        if wanted == self._wanted:
            return
        before, self._wanted = self._wanted, wanted
        if wanted.n_offers != before.n_offers and wanted.challenger is not None:
            self._offer(Path(wanted.challenger.place))
        if wanted.retired and wanted.retired != before.retired:
            self._retire(wanted.retired)

    def _look_at_arms(self) -> None:
        serving: ArmName = "challenger" if self._wanted.retired == "champion" else "champion"
        for arm in self._arms.values():
            if arm.servers is None:
                continue
            try:
                arm.servers.check_alive()
            except ServingError as error:
                if arm.name == serving:
                    raise
                # Its other server is of no use any more; visitors are the champion's, who goes on.
                self.notes.append(f"{arm.name}: {error}")
                arm.end("ended", str(error))
                with suppress(ServingError):
                    arm.stop()
                self._save()

    def _renew(self) -> None:
        """Take up a certificate that took the place of the one before; one that cannot be used changes nothing."""
        if self._plan.tls is None or self._renewal is None or not self._renewal.came():
            return
        try:
            self._socket.set_certificate(CERTIFICATE, self._write_certificate(self._plan.tls))
        except RouteError as error:
            self.notes.append(f"the old TLS certificate stays in use: {error}")
        else:
            self.notes.append(f"the TLS certificate {self._plan.tls.certificate} was renewed")

    def _write_certificate(self, tls: Tls) -> str:
        """Certificate and key in one file, as HAProxy reads them; for nobody else to read."""
        parts = [path.read_text(encoding="utf-8", errors="replace").strip() for path in (tls.certificate, tls.key)]
        pem = "\n".join(parts) + "\n"
        path = self._plan.folder / CERTIFICATE
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(pem)
        return pem

    def _offer(self, bundle: Path) -> None:
        arm = self._arms["challenger"]
        if arm.servers is not None:
            return
        n_offer = self._wanted.n_offers
        arm.state = ArmState(condition="starting", n_offer=n_offer)
        self._save()
        try:
            arm.start(bundle, self._plan, self._on_progress, n_offer)
            self._take_in("challenger")
        except SilencioError as error:
            arm.state = ArmState(condition="refused", reason=str(error), n_offer=n_offer)
            self.notes.append(f"challenger: {error}")
        self._save()

    def _retire(self, name: ArmName) -> None:
        arm = self._arms[name]
        self._socket.set_server(name, "maint")
        arm.end("retired")
        try:
            arm.stop()
        finally:
            self._save()

    def _config(self) -> str:
        certificate = "" if self._plan.tls is None else CERTIFICATE
        frontend = Frontend(http=self._http, grpc=self._grpc, metrics=self._metrics, certificate=certificate)
        return haproxy_config(frontend, {name: arm.addresses for name, arm in self._arms.items()})

    def _start_tools(self) -> None:
        folder, programs = self._plan.folder, self._plan.programs
        if self._plan.tls is not None:
            self._write_certificate(self._plan.tls)
        write_atomically(folder / CONFIG, self._config())
        shutil.copyfile(Path(__file__).with_name(UNITS), folder / UNITS)
        write_atomically(folder / PROMETHEUS_CONFIG, prometheus_config(self._metrics, self._plan.scrape_interval_s))
        write_targets(folder, {name: arm.state for name, arm in self._arms.items()})
        self._tools.append(Tool.start("haproxy", [programs.haproxy, "-db", "-f", CONFIG], folder))
        options = prometheus_options(folder, self._prometheus_address)
        self._tools.append(Tool.start("prometheus", [programs.prometheus, *options], folder))
        self._wait("HAProxy", lambda: self._socket.show_map())

    def _take_in(self, name: ArmName) -> None:
        self._socket.set_server(name, "ready")
        self._wait(f"HAProxy to see the {name} ready", lambda: self._socket.servers()[name].is_up)

    def _wait(self, what: str, is_so: Callable[[], object]) -> None:
        deadline_s = time.monotonic() + _START_TIMEOUT_S
        while True:
            self._tools[0].check_alive()
            with contextlib.suppress(RouteError):
                if is_so():
                    return
            if time.monotonic() > deadline_s:
                raise ServingError(f"waited {_START_TIMEOUT_S:g} s in vain for {what}: {self._tools[0].last_lines()}")
            self._on_progress(f"waiting for {what}")
            time.sleep(_POLL_S)

    def _save(self) -> None:
        self.state.save(self._plan.folder)
        write_targets(self._plan.folder, {name: arm.state for name, arm in self._arms.items()})

    def stop(self) -> None:
        """New requests are not taken, those under way are answered, then the servers end, then Prometheus.

        Raises:
            ServingError: Something did not end in order; all of it was stopped.
        """
        errors: list[ServingError] = []
        steps: list[Callable[[], None]] = [arm.stop for arm in self._arms.values()]
        if self._tools:
            steps.insert(0, lambda: self._tools[0].stop(signal.SIGUSR1))
            steps += [one.stop for one in self._tools[1:]]
        for step in steps:
            try:
                step()
            except ServingError as error:
                errors.append(error)
        if errors:
            raise errors[0]
