"""docs/predict.md and docs/operating.md name the limits and statuses that the servers have."""

from __future__ import annotations

import re
from pathlib import Path

from serving.metrics.routes import GRPC_STATUSES, OTHER_STATUSES, PREDICT_STATUSES
from serving.server import grpc_messages as messages
from serving.server.protocol import MAX_BODY_BYTES
from serving.settings.server import ServerSettings

DOCS = Path(__file__).parents[2] / "docs"
PREDICT, OPERATING = (
    " ".join((DOCS / f"{name}.md").read_text(encoding="utf-8").split()) for name in ("predict", "operating")
)


def test_body_limit__is_one_number_everywhere() -> None:
    options = ServerSettings()
    assert options.max_body_bytes == MAX_BODY_BYTES == 160 << 20
    limit = f"{MAX_BODY_BYTES >> 20} MiB"
    names = "(`--max_body_bytes` of a transformer by itself, `--max-body-bytes` of `serve`)"
    assert f"{limit} of body, over gRPC of message {names}" in PREDICT
    assert f"| `--max_body_bytes` (of `silencio serve`: `--max-body-bytes`) | {limit}" in OPERATING


def test_messages__how_many_are_read_and_for_how_long_is_as_documented() -> None:
    read, waiting = messages.MAX_MESSAGES_AT_ONCE, messages.MAX_MESSAGES_WAITING
    assert f"of `ModelInfer` {read} are read at once and {waiting} wait" in OPERATING
    assert f"where {messages.MAX_NAMES_AT_ONCE} of them are being read, the oldest gives way" in OPERATING
    assert f"and {messages.MAX_CALLS_BEING_READ} whose messages are being read" in OPERATING
    max_s = messages._PAUSES_A_MESSAGE * ServerSettings().body_read_timeout_s
    assert max_s == 600
    assert "is given twenty times `--body_read_timeout_s`, ten minutes altogether" in OPERATING
    upload_s = 20e6 * 8 / 200e3
    assert max_s < upload_s < 14 * 60
    assert "where 20 MB come at 200 kbit/s, which takes 13, only REST takes them" in OPERATING


def test_statuses__of_the_documentation_are_counted_from_0_on() -> None:
    """Each that the table of errors names has a series before it happens."""
    table = (DOCS / "predict.md").read_text(encoding="utf-8").partition("## Errors")[2]
    cells = [line.split("|")[1:3] for line in table.splitlines() if re.match(r"\| [45]\d\d", line)]
    statuses = {status for rest, _ in cells for status in re.findall(r"\d{3}", rest)}
    codes = {code for _, grpc in cells for code in re.findall(r"[A-Z_]{4,}", grpc)}
    assert len(statuses) >= 11
    assert statuses <= {*PREDICT_STATUSES, *OTHER_STATUSES}
    assert codes <= set(GRPC_STATUSES)
