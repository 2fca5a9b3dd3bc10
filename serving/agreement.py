"""Words on which the servers and those who start or ask them agree; nothing here needs KServe."""

from __future__ import annotations

MODEL_NAME = "silencio"
LOOPBACK = "127.0.0.1"
# What the reason for not being ready begins with, here and where another process reads it: wait, or give up.
LOADING = "loading: "
REFUSED = "refused: "
