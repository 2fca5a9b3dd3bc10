"""Defaults that are also what clients and servers agree on; `serving.server.protocol` has the rest."""

from __future__ import annotations

MODEL_NAME = "silencio"
LOOPBACK = "127.0.0.1"
# The largest REST body or gRPC message: 600 s of stereo 16-bit audio at 48 kHz are 115 MB, in base64 154 MB.
MAX_BODY_BYTES = 160 << 20
