"""Settings of shadow traffic."""

from __future__ import annotations

from typing import Annotated

from serving.settings import Flag, Option, ServingSettings
from serving.settings.values import Share
from silencio.settings import File, Text

_SHADOW = "shadow traffic: copies of requests for another bundle, whose answers nobody waits for (docs/operating.md)"


class ShadowSettings(ServingSettings):
    """Settings of shadow traffic, which the transformer sends.

    Attributes:
        shadow: Address of a transformer with another bundle, as http://HOST:PORT; off without it.
        shadow_share: Share of answered requests of which it gets a copy, 0 to 1.
        shadow_key: File with a key of role admin there; needed where it wants keys.
        shadow_key_in_clear: Send that key to another machine by http:// too.
        shadow_ca: PEM of whoever signed its certificate; by default public authorities.
    """

    shadow: Annotated[Text | None, Option(_SHADOW, "URL")] = None
    shadow_share: Annotated[Share, Option(_SHADOW, "SHARE")] = 0.05
    shadow_key: Annotated[File | None, Option(_SHADOW, "FILE")] = None
    shadow_key_in_clear: Annotated[Flag, Option(_SHADOW, "BOOL")] = False
    shadow_ca: Annotated[File | None, Option(_SHADOW, "FILE")] = None
