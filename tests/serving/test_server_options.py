"""Options of both servers that are refused before anything is loaded."""

from __future__ import annotations

import pytest

from serving.server import _entrance, argument_parser
from silencio.errors import ConfigError


@pytest.mark.parametrize("name", ["grpc_max_receive_message_length", "grpc_max_send_message_length"])
def test_limits__of_grpc_alone_are_not_taken(name: str) -> None:
    """The SDK has them; two numbers for one thing would be one too many."""
    options = argument_parser("test", "").parse_args([f"--{name}", "1000"])
    with pytest.raises(ConfigError, match=f"--{name} is not taken: --max_body_bytes is the limit of REST and gRPC"):
        _entrance(options, None)


@pytest.mark.parametrize("option", ["--max_body_bytes", "--most_body_bytes"])
def test_limits__of_a_body_may_be_larger_than_usual_and_has_its_former_name(option: str) -> None:
    limits = _entrance(argument_parser("test", "").parse_args([option, str(1 << 30)]), None).limits
    assert (limits.most_body_bytes, limits.most_body_bytes_in_flight) == (1 << 30, 1 << 30)
