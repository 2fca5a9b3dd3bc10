"""How a server process is reached."""

from __future__ import annotations

from dataclasses import dataclass, field

from serving.access import Authenticator
from serving.access.tls import Tls
from serving.server.accounting import Accounting
from serving.server.admission import Limits
from serving.server.middleware import AddRoutes


@dataclass(frozen=True)
class Entrance:
    """How this process is reached.

    Attributes:
        host: An address of this machine; a pod needs 0.0.0.0.
        limits: Limits on what is admitted at once.
        authenticator: Checks keys; None lets everybody in.
        tls: Certificate and key; None speaks plain text.
        routes: Adds routes to the REST side, before the SDK's: of two with the same path the first answers.
        allowed_origins: Origins of web pages that may read the REST side's answers, by `check_origin`.
        accounting: What becomes of a request beside its answer.
    """

    host: str
    limits: Limits
    authenticator: Authenticator | None = None
    tls: Tls | None = None
    routes: AddRoutes | None = None
    allowed_origins: tuple[str, ...] = ()
    accounting: Accounting = field(default_factory=Accounting)
