"""Which recorder made a recording, and at which site: two ids by which a client names them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from serving.server.protocol import DEVICE_HEADER, SITE_HEADER

# Serial numbers of AudioMoth (24F31901603710FD), Song Meter (SMA01234) and SoundTrap (671658), names of sites and API
# keys. None is a hidden file's name, or the name of another folder: pages and pictures are called by them.
RECORDER_ID_PATTERN = "[A-Za-z0-9][A-Za-z0-9._@-]{0,63}"
RECORDER_ID_RULE = "1 to 64 letters, digits and ._@- are needed, first a letter or a digit"
_ID = re.compile(RECORDER_ID_PATTERN)


@dataclass(frozen=True)
class RecorderIds:
    """Site and recorder; each empty where it is not known.

    Attributes:
        site_id: Where the recorder stands.
        device_id: Which it is.
    """

    site_id: str = ""
    device_id: str = ""

    @classmethod
    def in_headers(cls, headers: Mapping[str, str]) -> RecorderIds:
        """Those that headers name; what is no id is left out.

        Args:
            headers: A request's headers, or gRPC's metadata, in lower case.
        """
        return cls(_id_or_empty(headers.get(SITE_HEADER)), _id_or_empty(headers.get(DEVICE_HEADER)))

    def headers(self) -> dict[str, str]:
        """The headers that name them."""
        named = {SITE_HEADER: self.site_id, DEVICE_HEADER: self.device_id}
        return {name: value for name, value in named.items() if value}


def is_recorder_id(text: str) -> bool:
    """Whether a text can be a site's or a recorder's id."""
    return _ID.fullmatch(text) is not None


def _id_or_empty(text: str | None) -> str:
    return text if text and is_recorder_id(text) else ""
