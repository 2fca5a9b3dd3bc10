"""What becomes of a prediction request beside its answer: what it is counted as, and which arm answered it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from serving.access import ApiKey
from serving.metrics.process import (
    count_marked_request,
    count_request,
    expect_answers,
    observe_answer,
)
from serving.metrics.routes import GRPC_PREDICT_ROUTE, PREDICT_ROUTES, PREDICT_STATUSES
from serving.metrics.sessions import SessionCounter, is_nobodys
from serving.server.marks import MARKED, MarkPolicy, Marks, Traffic
from serving.server.protocol import (
    ARM_HEADER,
    PRIORITIES,
    RELEASE_HEADER,
    SESSION_HEADER,
    SESSION_QUERY,
    SHADOW_HEADER,
    SIMULATED_HEADER,
    Priority,
)
from serving.server.recorder_ids import RecorderIds
from serving.server.request_ids import RequestIds

_MAX_FIELDS = 32
_OK = 200
_PREDICTIONS = frozenset({*PREDICT_ROUTES, GRPC_PREDICT_ROUTE})
_MARK_HEADERS: dict[Traffic, str] = {"shadow": SHADOW_HEADER, "simulated": SIMULATED_HEADER}


@dataclass
class RequestAccount:
    """What is known of a request that is being answered; middleware, interceptor and model write it as they learn it.

    Attributes:
        session_id: By header or query, as a proxy before two arms sees it; else by the body. Empty where there is none.
        recorder: Site and recorder by its headers, and once it was read by its body.
        ids: Its ids; None before they are known.
        key_name: Name of the API key with which it came, also where that key's quota is used up; empty without one.
        received_at: When it came.
        marks: What is believed of it; a visitor's until its key was looked at.
        arm: Arm of a release that answers it; empty outside of one.
        release_id: Id of that release.
        priority: As what it is worked on.
        received_s: When its body was whole, by `time.perf_counter`; None before.
        computed_s: When its answer was computed; None before.
        is_logged: Whether the prediction log has rows of it.
        on_answered: Called once it was answered well.
    """

    session_id: str = ""
    recorder: RecorderIds = field(default_factory=RecorderIds)
    ids: RequestIds | None = None
    key_name: str = ""
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    marks: Marks = field(default_factory=Marks)
    arm: str = ""
    release_id: str = ""
    priority: Priority = "interactive"
    received_s: float | None = None
    computed_s: float | None = None
    is_logged: bool = False
    on_answered: Callable[[], None] | None = None

    @property
    def is_visitor(self) -> bool:
        return self.marks.traffic == "visitor"

    @property
    def unit_id(self) -> str:
        """What is counted once: its session, else its key (no session has such a name); empty where it has neither."""
        return self.session_id or (f"key\0{self.key_name}" if self.key_name else "")

    def headers(self) -> dict[str, str]:
        """For the model, and for the answer: what was believed is said again, so that who marked it knows."""
        mark = _MARK_HEADERS.get(self.marks.traffic)
        named = {ARM_HEADER: self.arm, RELEASE_HEADER: self.release_id} | ({mark: "1"} if mark else {})
        return {name: value for name, value in named.items() if value}

    def note_session(self, session_id: str | None) -> None:
        """Note the session that its body names; what a proxy saw counts before."""
        self.session_id = self.session_id or session_id or ""


# Of the request that is being answered: the SDK hands the model nothing beside body and headers.
_account: ContextVar[RequestAccount | None] = ContextVar("request_account", default=None)


def current_account() -> RequestAccount:
    """The account of the request that is being answered; outside of a server, one that nobody reads."""
    return _account.get() or RequestAccount()


@dataclass(frozen=True)
class Accounting:
    """How a server accounts for requests, over REST and gRPC alike.

    Attributes:
        sessions: Counts sessions; None in a server that answers no visitors.
        marks: Decides of whom marks are believed.
        arm: The server's arm of a release; empty outside of one.
        release_id: Id of that release.
        on_failed: Called with each prediction request that was answered, and not well, and its status as over HTTP;
            not with those of simulated users.
    """

    sessions: SessionCounter | None = None
    marks: MarkPolicy = field(default_factory=MarkPolicy)
    arm: str = ""
    release_id: str = ""
    on_failed: Callable[[RequestAccount, int], None] | None = None

    def __post_init__(self) -> None:
        if self.sessions is not None:
            expect_answers(PRIORITIES, MARKED, PREDICT_STATUSES)

    def begin(self, headers: Mapping[str, str], query: str) -> RequestAccount:
        """Open the account of a request.

        Args:
            headers: Its headers, or gRPC's metadata, in lower case.
            query: Its query string.
        """
        session_id = session_in_header(headers) or session_in(query)
        account = RequestAccount(session_id, RecorderIds.in_headers(headers), arm=self.arm, release_id=self.release_id)
        _account.set(account)
        return account

    def believe(self, account: RequestAccount, marks: Marks, key: ApiKey | None) -> None:
        """Note what is believed of a request; a proxy knows better than the server's own options by what it came."""
        account.key_name = key.name if key else ""
        account.marks = marks
        account.arm = marks.arm or account.arm
        account.release_id = marks.release_id or account.release_id

    def end(self, account: RequestAccount, route: str, status: str, http_status: int, begun_s: float) -> None:
        """Count a request that ended.

        Args:
            account: Its account.
            route: Its route's template, or gRPC's method.
            status: The answer's status, in its protocol's words.
            http_status: HTTP's; over gRPC the one that would be.
            begun_s: When it began, by `time.perf_counter`.
        """
        is_prediction = route in _PREDICTIONS
        if is_prediction and account.is_visitor:
            self._count(account, http_status)
        if is_prediction and not account.is_visitor:
            count_marked_request(account.marks.traffic, str(http_status))
        else:
            count_request(route, status, time.perf_counter() - begun_s)
        if http_status == _OK and account.on_answered is not None:
            account.on_answered()
        if is_prediction and self._is_to_be_logged(account, http_status):
            assert self.on_failed is not None
            self.on_failed(account, http_status)

    def _is_to_be_logged(self, account: RequestAccount, http_status: int) -> bool:
        if self.on_failed is None or http_status == _OK or account.is_logged or account.marks.traffic == "simulated":
            return False
        return not is_nobodys(http_status, was_received=account.received_s is not None)

    def _count(self, account: RequestAccount, http_status: int) -> None:
        if self.sessions is None:
            return
        answer_s = None
        if account.received_s is not None:
            ended_s = time.perf_counter() if account.computed_s is None else account.computed_s
            answer_s = max(0.0, ended_s - account.received_s)
            if http_status == _OK:
                observe_answer(account.priority, answer_s)
        self.sessions.count(account.unit_id, http_status, answer_s, account.priority)


def session_in_header(headers: Mapping[str, str]) -> str:
    """The session that a header names, which is read as Latin 1 and is UTF-8; empty where there is none."""
    value = headers.get(SESSION_HEADER, "")
    try:
        return value if value.isascii() else value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


def session_in(query: str) -> str:
    """The session that a query string names; empty where it names none, or is none."""
    if SESSION_QUERY not in query:
        return ""
    try:
        return dict(parse_qsl(query, max_num_fields=_MAX_FIELDS)).get(SESSION_QUERY, "")
    except ValueError:
        return ""
