"""`python -m serving.predictor.before_stop --grpc_port=8086`: a pod's hook, before the predictor is told to stop.

Kubelet ends all containers of a pod at once. A transformer goes on until its last request is answered, and asks the
predictor until then, which takes no new calls once it was told: so it is told when nobody is connected any more.
"""

from __future__ import annotations

import argparse
import time

import psutil  # type: ignore[import-untyped]

from serving.server.protocol import DRAIN_TIMEOUT_S
from silencio.command import command, exit_with

_POLL_S = 0.1


def n_clients(port: int) -> int:
    """How many connections to a port of this network are open.

    Args:
        port: Where the predictor listens for gRPC.
    """
    connections = psutil.net_connections("tcp")
    return sum(one.status == psutil.CONN_ESTABLISHED and one.laddr.port == port for one in connections)


def wait_for_clients(port: int, max_wait_s: float) -> bool:
    """Wait until no client is connected.

    Args:
        port: Where the predictor listens for gRPC.
        max_wait_s: Longer a transformer does not drain either.

    Returns:
        Whether all are gone.
    """
    ends_at_s = time.monotonic() + max_wait_s
    while n_clients(port):
        if time.monotonic() >= ends_at_s:
            return False
        time.sleep(_POLL_S)
    return True


@command
def main() -> None:
    """Wait for the end of the last client, at most as long as servers drain."""
    parser = argparse.ArgumentParser(prog="python -m serving.predictor.before_stop", description=main.__doc__)
    parser.add_argument("--grpc_port", type=int, required=True, help="the predictor's")
    wait_for_clients(parser.parse_args().grpc_port, DRAIN_TIMEOUT_S)


if __name__ == "__main__":
    exit_with(main)
