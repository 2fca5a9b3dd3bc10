"""HAProxy's configuration before two arms: sessions stay on their arm, nothing is tried again, every answer is counted.

Written for Debian 12's HAProxy 2.6, which runs in the state folder: paths are relative to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from serving.canary.interfaces import ARMS, ArmName
from serving.server.operations import OPERATIONS

SOCKET, SHARE_MAP, CONFIG, UNITS = "haproxy.sock", "share.map", "haproxy.cfg", "haproxy_units.lua"
CERTIFICATE = "tls.pem"
# In the map, beside the share in hundredths of a percent.
SHARE, RELEASE = "share", "release"
NO_RELEASE = "none"
# One server a backend.
SERVER = "s"
ARM_HEADER, RELEASE_HEADER = "x-silencio-arm", "x-silencio-release"
# Believed of this machine's own processes alone: simulated users choose their arm, and are counted apart; copies of
# visitors' requests are not counted at all.
ARM_WANTED_HEADER = "x-silencio-arm-wanted"
SIMULATED_HEADER, SHADOW_HEADER = _MARKS = "x-silencio-simulated", "x-silencio-shadow"
SESSION_HEADER, SESSION_PARAMETER = "x-session-id", "session_id"
_PREDICT_PATHS = (
    rf"^/(v1/models/[^/]+:({'|'.join(('predict', *OPERATIONS))})|v2/models/.+/infer|inference\.[^/]+/ModelInfer)$"
)
# Longer than a ten-minute recording takes: only a server that hangs is cut off, by 504.
_ANSWER_TIMEOUT_S = 120
# As the servers end.
_DRAIN_TIMEOUT_S = 30


@dataclass(frozen=True, kw_only=True)
class ArmAddresses:
    """Where one arm's transformer listens, on loopback.

    Attributes:
        http: HOST:PORT of its REST side.
        grpc: HOST:PORT of its gRPC side.
    """

    http: str
    grpc: str


@dataclass(frozen=True, kw_only=True)
class Frontend:
    """Where HAProxy listens.

    Attributes:
        http: Public HOST:PORT of REST.
        grpc: Public HOST:PORT of gRPC.
        metrics: HOST:PORT of its metrics, on loopback.
        certificate: Name of the PEM of certificate and key in the state folder, by which clients are answered in TLS;
            empty: in clear.
    """

    http: str
    grpc: str
    metrics: str
    certificate: str = ""


def haproxy_config(frontend: Frontend, arms: dict[ArmName, ArmAddresses]) -> str:
    """The whole file."""
    tls = f" ssl crt {frontend.certificate} ssl-min-ver TLSv1.2" if frontend.certificate else ""
    return "\n".join(
        [
            _GLOBAL,
            *_frontend("", f"{frontend.http}{tls} alpn http/1.1" if tls else frontend.http, _ONE_REQUEST_A_CONNECTION),
            *_frontend("_grpc", f"{frontend.grpc}{tls} alpn h2" if tls else f"{frontend.grpc} proto h2"),
            *(line for arm in ARMS for line in _backends(arm, arms[arm])),
            "frontend metrics",
            f"  bind {frontend.metrics}",
            "  http-request use-service prometheus-exporter if { path /metrics }",
            "  http-request use-service lua.silencio_units if { path /units }",
            "  http-request return status 404",
            "",
        ]
    )


# One thread: it hands on thousands of requests a second where bundles answer tens, and Lua counts without a lock.
_GLOBAL = f"""# Written by `silencio serve`; the share is changed by `silencio release`, not here.
global
  nbthread 1
  noreuseport
  hard-stop-after {_DRAIN_TIMEOUT_S}s
  stats socket unix@./{SOCKET} mode 600 level admin
  lua-load {UNITS}

defaults
  mode http
  # Another try, or another server, would hide a challenger that dies.
  retries 0
  no option redispatch
  option abortonclose
  option forwardfor
  timeout connect 1s
  timeout client 60s
  timeout server {_ANSWER_TIMEOUT_S}s
  timeout http-request 30s
  timeout http-keep-alive 30s
"""


# Of a request that is not the first of its client's connection HAProxy sends no 502 when the server cuts it off, and
# counts none: it closes the connection, so that the client may try again. A challenger that crashes would be seen by
# nobody. `option httpclose` would end the connection to the server as well, and to make that is most of what it costs.
_ONE_REQUEST_A_CONNECTION = "  http-after-response set-header connection close"


def _frontend(suffix: str, bind: str, *options: str) -> Sequence[str]:
    """The draw: another one each release, and monotone in the share, so that who is there stays as the share rises."""
    return [
        f"frontend predict{suffix}",
        f"  bind {bind}",
        *options,
        "  acl is_post method POST",
        f"  acl is_predict_path path -m reg {_PREDICT_PATHS}",
        f"  acl has_session_header req.hdr({SESSION_HEADER}) -m len 1:8192",
        # What a proxy on this machine hands on is not of this machine.
        "  acl is_here src 127.0.0.0/8 ::1",
        "  acl is_handed_on req.hdr(x-forwarded-for) -m found",
        "  acl is_handed_on req.hdr(forwarded) -m found",
        "  acl is_bearer req.hdr(authorization) -m reg -i ^bearer\\ +[^\\ ]",
        f"  http-request set-var(txn.wanted) req.hdr({ARM_WANTED_HEADER}) if is_here !is_handed_on",
        "  http-request set-var(txn.traffic) str(visitors)",
        *(f"  http-request del-header {mark} {who}" for mark in _MARKS for who in ("if !is_here", "if is_handed_on")),
        f"  http-request set-header {SIMULATED_HEADER} 1 if {{ var(txn.wanted) -m found }}",
        f"  http-request del-header {ARM_WANTED_HEADER}",
        f"  http-request del-header {ARM_HEADER}",
        f"  http-request del-header {RELEASE_HEADER}",
        f"  http-request set-var(txn.traffic) str(simulated) if {{ req.hdr({SIMULATED_HEADER}) -m str 1 }}",
        f"  http-request set-var(txn.traffic) str(shadow) if {{ req.hdr({SHADOW_HEADER}) -m str 1 }}",
        f"  http-request set-var(txn.release) str({RELEASE}),map({SHARE_MAP},{NO_RELEASE})",
        f"  http-request set-var(txn.share) str({SHARE}),map({SHARE_MAP},0),add(0)",
        f"  http-request set-var(txn.session) url_param({SESSION_PARAMETER}),url_dec",
        f"  http-request set-var(txn.session) req.hdr({SESSION_HEADER}) if has_session_header",
        # A device without sessions stays on its arm by its key, whichever the header; who has neither is drawn anew.
        "  http-request set-var(txn.who) req.hdr(x-api-key)",
        "  http-request set-var(txn.who) req.hdr(authorization),word(2,\\ ) if is_bearer",
        "  http-request set-var(txn.who) var(txn.session) if { var(txn.session) -m len 1:8192 }",
        "  http-request set-var(txn.has_who) bool(true) if { var(txn.who) -m len 1:8192 }",
        # What is drawn together is counted together.
        "  http-request set-var(txn.unit) var(txn.who),xxh64 if { var(txn.has_who) -m bool }",
        "  http-request set-var(txn.who) uuid() if !{ var(txn.has_who) -m bool }",
        "  http-request set-var(txn.draw) var(txn.who),concat(:,txn.release),xxh32(0),mod(10000)",
        # The page and what describes the model comes from one arm, while clients do not say who they are.
        "  http-request set-var(txn.draw) int(9999) if !is_predict_path !{ var(txn.has_who) -m bool }",
        "  http-request set-var(txn.is_predict) bool(true) if is_post is_predict_path",
        f"  use_backend champion{suffix} if {{ var(txn.wanted) -m str champion }}",
        f"  use_backend challenger{suffix} if {{ var(txn.wanted) -m str challenger }}",
        # A challenger that is known to be down gets no more visitors: what it failed until then is counted.
        f"  use_backend challenger{suffix} if {{ var(txn.draw),sub(txn.share) lt 0 }} {{ nbsrv(challenger) gt 0 }}",
        f"  default_backend champion{suffix}",
        "",
    ]


def _backends(arm: ArmName, addresses: ArmAddresses) -> Sequence[str]:
    """One backend an arm and protocol: counters of its own, and nobody else to fail over to."""
    parts = ["txn.traffic", "txn.share", "txn.unit", "txn.status", "txn.grpc_status", "txn.retry_after"]
    counted = f"str({arm})" + "".join(f",concat(|,{part})" for part in parts) + ",lua.silencio_count"
    answered = [
        f"  acl has_no_release var(txn.release) -m str {NO_RELEASE}",
        f"  http-request set-header {ARM_HEADER} {arm}",
        f"  http-request set-header {RELEASE_HEADER} %[var(txn.release)] if !has_no_release",
        # Runs for HAProxy's own errors as well: of a dead server there is no other trace.
        "  http-after-response set-var(txn.status) status",
        "  http-after-response set-var(txn.grpc_status) res.hdr(grpc-status)",
        "  http-after-response set-var(txn.retry_after) res.hdr(retry-after)",
        f"  http-after-response set-var(txn.n) {counted} if {{ var(txn.is_predict) -m bool }}",
        f"  http-after-response set-header {ARM_HEADER} {arm}",
        f"  http-after-response set-header {RELEASE_HEADER} %[var(txn.release)] if !has_no_release",
        "",
    ]
    # Servers are taken in when they are ready, by the socket: HAProxy takes one that starts for one that is up.
    return [
        f"backend {arm}",
        "  option httpchk GET /v2/health/ready",
        # Servers keep a connection for a minute without requests, HAProxy one that it does not need for seconds.
        "  http-reuse always",
        f"  server {SERVER} {addresses.http} check inter 1s fall 2 rise 2 disabled",
        *answered,
        f"backend {arm}_grpc",
        # A connection of its own for each call: one that broke between two calls would end the second without a count.
        "  http-reuse never",
        f"  server {SERVER} {addresses.grpc} proto h2 max-reuse 0 track {arm}/{SERVER}",
        *answered,
    ]
