"""Names, headers and limits on which the servers, and who starts them or sends them requests, agree; without KServe."""

from __future__ import annotations

from typing import Literal, get_args

from serving.settings.defaults import LOOPBACK as LOOPBACK
from serving.settings.defaults import MAX_BODY_BYTES as MAX_BODY_BYTES
from serving.settings.defaults import MODEL_NAME as MODEL_NAME

# Batch work waits, at every queue, for interactive work.
Priority = Literal["interactive", "batch"]
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
# Ties requests of one walk or stream together; a proxy that divides visitors between two bundles reads no bodies.
SESSION_HEADER = "x-session-id"
SESSION_QUERY = "session_id"
MAX_SESSION_CHARACTERS = 200
# Hosts that no other machine reaches.
LOOPBACK_HOSTS = (LOOPBACK, "::1", "localhost")
# What the reason for not being ready begins with, here and where another process reads it: wait, or give up.
LOADING = "loading: "
REFUSED = "refused: "
# A window is half a megabyte: gRPC's usual sizes of buffers take half as long again for it.
LARGE_MESSAGES = ("grpc.optimization_target", "throughput")
# Of one recording; of all recordings of one request together.
MAX_AUDIO_S = 600.0
# Headers by which middleware and interceptor inform the model begin so; a client's own of these names are dropped.
OWN_PREFIX = "x-silencio-"
# Of which recorder a recording is, where its body names none; any client may send these two of that beginning.
SITE_HEADER = "x-silencio-site"
DEVICE_HEADER = "x-silencio-device"
# How the middleware hands a request's query string to the model, which is given headers and a body only.
QUERY_HEADER = "x-silencio-query"
# How they name the request: by an id of the server's own, which no client chooses.
OWN_REQUEST_ID = "x-silencio-request-id"
# How the middleware names the operation, one of `serving.server.operations`, by whose name a request came.
OPERATION_HEADER = "x-silencio-operation"
# How they name the API key with which a request came, and that key's role; neither is there where no key is needed.
KEY_NAME_HEADER = "x-silencio-key-name"
KEY_ROLE_HEADER = "x-silencio-key-role"
# Marks that are believed of few (`serving.server.marks`), and dropped of all others: a copy of a visitor's request,
# under the id that it had there; a request of the judge's simulated users; the arm and release by which it was handed
# on.
SHADOW_HEADER = "x-silencio-shadow"
SIMULATED_HEADER = "x-silencio-simulated"
# Answers have these two as well.
ARM_HEADER = "x-silencio-arm"
RELEASE_HEADER = "x-silencio-release"
# A larger body is read beside the event loop; a smaller one in less time than a thread is worth.
LARGE_BODY_BYTES = 1 << 20
# How a server ends: requests that are being answered have so long, over REST and gRPC at once, then the prediction log;
# the whole, with what the interpreter needs on a busy machine, is the grace period to give it.
DRAIN_TIMEOUT_S = 30
LOG_CLOSE_TIMEOUT_S = 10.0
SHADOW_CLOSE_TIMEOUT_S = 1.0
STOP_TIMEOUT_S = 60.0


def is_own_header(name: str) -> bool:
    """Whether a header is the server's own, by which no client is believed; `name` in lower case."""
    return name.startswith(OWN_PREFIX) and name not in (SITE_HEADER, DEVICE_HEADER)
