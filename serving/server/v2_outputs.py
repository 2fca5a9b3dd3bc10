"""The outputs that a V2 request wants."""

from __future__ import annotations

from collections.abc import Sequence

from kserve import InferRequest
from kserve.errors import InvalidInput


def wanted_outputs(request: InferRequest, names: Sequence[str]) -> list[str]:
    """The names in the request's order; all where it names none.

    Raises:
        InvalidInput: It wants an output that there is not. The SDK says so over REST alone, and when all is done.
    """
    wanted = [output.name for output in request.request_outputs or ()]
    if unknown := [name for name in dict.fromkeys(wanted) if name not in names]:
        raise InvalidInput(
            f"outputs: there is no {', '.join(repr(name[:100]) for name in unknown)}; there is {', '.join(names)}"
        )
    return wanted or list(names)
