"""Headers that say what a request is, and that are believed of few.

A copy of a visitor's request (shadow traffic) and a request of simulated users are no visitor's traffic; a proxy before
two arms knows by which of them, and by which release, it hands a request on. Whoever could write these freely could
make requests uncounted, or have rows of the log taken for another release's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from serving.access import ApiKey
from serving.server.protocol import (
    ARM_HEADER,
    LOOPBACK_HOSTS,
    OWN_REQUEST_ID,
    RELEASE_HEADER,
    SHADOW_HEADER,
    SIMULATED_HEADER,
)
from serving.settings.values import Arm, is_release_id
from silencio.network import is_loopback

Traffic = Literal["visitor", "shadow", "simulated"]
MARKED: tuple[Traffic, ...] = ("shadow", "simulated")
_MARK = "1"
_ARMS = get_args(Arm)
_REQUEST_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Marks:
    """What is believed of a request.

    Attributes:
        traffic: A visitor's, a copy of one, or simulated users'.
        arm: The arm by which it was handed on; empty where a proxy says nothing.
        release_id: The release by which it was handed on; empty where a proxy says nothing.
        request_id: The id that a copied request had where it was answered first; empty for all others.
    """

    traffic: Traffic = "visitor"
    arm: str = ""
    release_id: str = ""
    request_id: str = ""


@dataclass(frozen=True)
class MarkPolicy:
    """Of whom marks are believed: keys of role admin; without keys, whoever is on a machine that nobody else reaches.

    That the connection comes from loopback is not enough: in a pod, the mesh's proxy does, whoever is behind it. So the
    server has to listen on loopback alone; a proxy there has to drop marks of what it hands on, of
    `X-Silencio-…` all but `-Site` and `-Device`.

    Attributes:
        host: Where the server listens.
        has_keys: Whether it wants keys.
        of_everybody: Marks are believed of everybody: a proxy before the server drops them of visitors.
    """

    host: str = ""
    has_keys: bool = False
    of_everybody: bool = False

    def read(self, headers: Mapping[str, str], key: ApiKey | None, peer: str) -> Marks:
        """The marks of a request; those that are not believed, or make no sense, are as if they were not there.

        Args:
            headers: Its headers, or gRPC's metadata, in lower case.
            key: Its key.
            peer: Address from which it came.
        """
        if not self._believes(key, peer):
            return Marks()
        arm, release_id = headers.get(ARM_HEADER, ""), headers.get(RELEASE_HEADER, "")
        traffic: Traffic = "visitor"
        if headers.get(SHADOW_HEADER) == _MARK:
            traffic = "shadow"
        elif headers.get(SIMULATED_HEADER) == _MARK:
            traffic = "simulated"
        request_id = headers.get(OWN_REQUEST_ID, "") if traffic == "shadow" else ""
        return Marks(
            traffic,
            arm if arm in _ARMS else "",
            release_id if is_release_id(release_id) else "",
            request_id if _REQUEST_ID.fullmatch(request_id) else "",
        )

    def _believes(self, key: ApiKey | None, peer: str) -> bool:
        if self.of_everybody:
            return True
        if self.has_keys:
            return key is not None and key.role == "admin"
        return self.host in LOOPBACK_HOSTS and is_loopback(f"//[{peer}]" if ":" in peer else f"//{peer}")
