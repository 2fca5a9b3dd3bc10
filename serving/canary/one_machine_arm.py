"""What a machine is to run, and one arm of it: a transformer and a predictor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from serving.access.tls import Tls
from serving.canary.haproxy_config import ArmAddresses
from serving.canary.interfaces import ArmName
from serving.canary.one_machine_state import STATE_DIR, ArmState, identity_of
from serving.canary.one_machine_tools import Programs
from serving.local import LocalServers, local_servers
from serving.server.protocol import LOOPBACK, MAX_BODY_BYTES


@dataclass(frozen=True, kw_only=True)
class MachinePlan:
    """What is to run.

    Attributes:
        bundle: The champion's folder.
        canary: The challenger's folder; None: one may be offered later.
        programs: HAProxy and Prometheus.
        folder: The state folder.
        host: Where HAProxy listens.
        port: REST's public port; 0 takes a free one.
        grpc_port: gRPC's public port; 0 takes a free one.
        max_body_bytes: Largest body or message that a transformer takes.
        transformer_options: Further options of both transformers.
        predictor_options: Further options of both predictors.
        prediction_log: Place of both arms' prediction log, among `transformer_options` too; empty: none is written.
        shadow_share: Share of the champion's requests of which the challenger gets a copy, for the log.
        shadow_key: File with a key of role admin, by which copies are sent where keys are wanted.
        tls: Certificate and key by which HAProxy answers clients; None: in clear.
        scrape_interval_s: Seconds between Prometheus's scrapes.
        start_timeout_s: How long an arm may take until it is ready.
    """

    bundle: Path
    canary: Path | None
    programs: Programs
    folder: Path = STATE_DIR
    host: str = LOOPBACK
    port: int = 0
    grpc_port: int = 0
    max_body_bytes: int = MAX_BODY_BYTES
    transformer_options: Sequence[str] = ()
    predictor_options: Sequence[str] = ()
    prediction_log: str = ""
    shadow_share: float = 0.0
    shadow_key: Path | None = None
    tls: Tls | None = None
    scrape_interval_s: float = 5.0
    start_timeout_s: float = 1_800.0


@dataclass
class Arm:
    """One arm's servers, at addresses that stay the same however often they are started."""

    name: ArmName
    port: int
    grpc_port: int
    state: ArmState = field(default_factory=ArmState)
    servers: LocalServers | None = None
    stack: ExitStack = field(default_factory=ExitStack)

    @property
    def addresses(self) -> ArmAddresses:
        return ArmAddresses(http=f"{LOOPBACK}:{self.port}", grpc=f"{LOOPBACK}:{self.grpc_port}")

    def start(
        self,
        bundle: Path,
        plan: MachinePlan,
        on_progress: Callable[[str], None],
        n_offer: int = 0,
        options: Sequence[str] = (),
    ) -> None:
        """Raises `ServingError` where the bundle is refused or its servers end."""
        identity = identity_of(bundle)
        self.servers = self.stack.enter_context(
            local_servers(
                bundle,
                port=self.port,
                grpc_port=self.grpc_port,
                max_body_bytes=plan.max_body_bytes,
                transformer_options=[*plan.transformer_options, "--arm", self.name, *options],
                predictor_options=plan.predictor_options,
                on_progress=lambda message: on_progress(f"{self.name}: {message}"),
                start_timeout_s=plan.start_timeout_s,
            )
        )
        self.state = ArmState(
            condition="ready",
            bundle=identity,
            url=self.servers.url,
            grpc_address=self.servers.grpc_address,
            predictor_url=self.servers.predictor.url,
            transformer_pid=self.servers.transformer.process.pid,
            predictor_pid=self.servers.predictor.process.pid,
            n_offer=n_offer,
        )

    def stop(self) -> None:
        """Raises `ServingError` where they do not end in order."""
        self.servers = None
        self.stack.close()

    def end(self, condition: str, reason: str = "") -> None:
        """No process is left of it."""
        self.state = self.state.model_copy(
            update={"condition": condition, "reason": reason, "transformer_pid": None, "predictor_pid": None}
        )
