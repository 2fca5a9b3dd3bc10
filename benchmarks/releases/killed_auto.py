"""`silencio release auto`, killed at one place: `python -m benchmarks.releases.killed_auto PLACE release auto …`.

PLACE is `CALL:N:before` or `CALL:N:after`: the N-th call that writes (to the route, to MLflow) is the last that this
process does, or the first that it does not do any more. What kills it is SIGKILL, as the kernel's.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
from typing import Any

from serving.canary.haproxy_route import HAProxyRoute
from silencio.__main__ import main


def _killing(method: Any, n: int, when: str) -> Any:
    calls = iter(range(1, 1 << 30))

    @functools.wraps(method)
    def call(*given: Any, **named: Any) -> Any:
        is_it = next(calls) == n
        if is_it and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        found = method(*given, **named)
        if is_it:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    return call


def run(arguments: list[str]) -> int:
    """The command, killed."""
    name, n, when = arguments[0].split(":")
    if name in ("move_champion", "note"):
        from silencio.registry.releases import MlflowReleases

        owner: Any = MlflowReleases
    else:
        owner = HAProxyRoute
    setattr(owner, name, _killing(getattr(owner, name), int(n), when))
    return main(arguments[1:])


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
