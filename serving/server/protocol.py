"""Words on which the servers and those who start or ask them agree; nothing here needs KServe."""

from __future__ import annotations

MODEL_NAME = "silencio"
LOOPBACK = "127.0.0.1"
# Hosts at which nobody else can ask.
LOOPBACK_HOSTS = (LOOPBACK, "::1", "localhost")
# What the reason for not being ready begins with, here and where another process reads it: wait, or give up.
LOADING = "loading: "
REFUSED = "refused: "
# A window is half a megabyte: gRPC's usual sizes of buffers take half as long again for it.
LARGE_MESSAGES = ("grpc.optimization_target", "throughput")
# Of one recording; of all recordings of one request together.
MOST_AUDIO_S = 600.0
# The largest REST body or gRPC message: 600 s of stereo 16-bit audio at 48 kHz are 115 MB, in base64 154 MB.
MAX_BODY_BYTES = 160 << 20
# What the boundary itself tells the model begins so; a client's own headers of these names are dropped.
OWN_PREFIX = "x-silencio-"
# How the boundary hands a request's query string to the model, which is given headers and a body only.
QUERY_HEADER = "x-silencio-query"
# How it names the request: by an id of its own, which no client chooses.
OWN_REQUEST_ID = "x-silencio-request-id"
# How it names the operation, one of `serving.server.operations`, by whose name a request came.
OPERATION_HEADER = "x-silencio-operation"
# How it names the API key by which a request was let in.
KEY_NAME_HEADER = "x-silencio-key-name"
# A larger body is read beside the event loop; a smaller one in less time than a thread is worth.
LARGE_BODY_BYTES = 1 << 20
# How a server ends: requests that are being answered have so long, over REST and gRPC at once, then the prediction log;
# the whole, with what the interpreter needs on a busy machine, is the grace period to give it.
DRAIN_S = 30
LOG_CLOSE_S = 10.0
STOP_S = 60.0
