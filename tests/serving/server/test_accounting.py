"""What a request is counted as, and what its answer says of the arm: on real sockets, over both protocols."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from grpc import aio
from kserve.errors import InferenceError, InvalidInput
from kserve.protocol.grpc.grpc_predict_v2_pb2 import ModelInferRequest
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import (
    GRPCInferenceServiceStub,
    add_GRPCInferenceServiceServicer_to_server,
)
from prometheus_client import REGISTRY

from serving.access import Authenticator
from serving.access.keys import Role, add_key
from serving.metrics import process
from serving.metrics.routes import PREDICT_ROUTES
from serving.metrics.sessions import SessionCounter
from serving.server.accounting import Accounting, RequestAccount, session_in
from serving.server.admission import AdmissionController, Limits
from serving.server.errors import Overloaded
from serving.server.grpc_interceptor import GrpcInterceptor
from serving.server.grpc_messages import NoMessageError
from serving.server.marks import MarkPolicy
from serving.server.protocol import PRIORITIES
from tests.serving.server.test_grpc_interceptor import Servicer
from tests.serving.server.test_middleware import INFER, LIMITS, PREDICT, Guarded, guarded_application
from tests.waiting import HANG_S, until, until_async

# One stretch holds every test.
FOR_EVER_S = 1e12
OWN_ID = "0f" * 16


def _accounting(marks: MarkPolicy | None = None, **options: Any) -> Accounting:
    marks = marks or MarkPolicy("127.0.0.1")
    return Accounting(SessionCounter(FOR_EVER_S, PRIORITIES), marks, **options)


@pytest.fixture(scope="module")
def shared() -> Iterator[Guarded]:
    with guarded_application(accounting=_accounting(arm="challenger", release_id="r-13")) as application:
        yield application


@pytest.fixture
def guarded(shared: Guarded) -> Iterator[Guarded]:
    yield shared
    shared.may_answer.set()
    shared.error = None
    until(lambda: shared.admission.n_requests == shared.admission.n_body_bytes == 0)


class Grown:
    """How much the counters grew since it was made."""

    def __init__(self) -> None:
        self._before = self._read()

    @staticmethod
    def _read() -> dict[str, float]:
        """By name, of all label values: other labels in parentheses."""
        values: dict[str, float] = {}
        for family in REGISTRY.collect():
            for one in family.samples:
                labels = [value for name, value in one.labels.items() if name != "version"]
                name = f"{one.name}({','.join(labels)})"
                values[name] = values.get(name, 0.0) + one.value  # of all versions that tests before served
        return values

    def after(self, n_requests: int) -> Grown:
        """Wait until so many requests were counted: that is done when the client has its answer already."""
        until(lambda: self.n_requests() >= n_requests)
        return self

    def n_requests(self) -> float:
        now, names = self._read(), ("silencio_requests_total(", "silencio_marked_requests_total(")
        return sum(now[name] - self._before.get(name, 0.0) for name in now if name.startswith(names))

    def by(self, *names: str) -> list[float]:
        now = self._read()
        return [now.get(name, 0.0) - self._before.get(name, 0.0) for name in names]

    def units(self) -> list[float]:
        """Sessions, failed ones, rejected ones."""
        return self.by(*(f"silencio_{what}sessions_total()" for what in ("", "failed_", "rejected_")))


@pytest.fixture(autouse=True)
def one_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_served_version", "of these tests")


def _post(guarded: Guarded, route: str = PREDICT, content: bytes = b"x", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(guarded.url + route, content=content, headers=named, trust_env=False, timeout=HANG_S)


def test_rest__requests_of_one_session_that_fail_count_once(guarded: Guarded) -> None:
    grown, guarded.error = Grown(), InferenceError("broken")
    for _ in range(3):
        assert _post(guarded, X_Session_ID="fails").status_code == 500
    assert grown.after(3).units() == [1, 1, 0]
    assert grown.by("silencio_requests_total(/v1/models/{name}:predict,500)") == [3]


def test_rest__header_and_query_name_the_same_session(guarded: Guarded) -> None:
    grown = Grown()
    _post(guarded, X_Session_ID="walk 7")
    _post(guarded, f"{PREDICT}?session_id=walk+7&top_k=3")
    _post(guarded, f"{PREDICT}?session_id=walk%207")
    assert grown.after(3).units() == [1, 0, 0]


def test_rest__without_a_session_each_request_counts(guarded: Guarded) -> None:
    grown, guarded.error = Grown(), Overloaded("busy")
    assert [_post(guarded).status_code for _ in range(2)] == [503, 503]
    assert grown.after(2).units() == [2, 2, 2]


def test_rest__a_wrong_recording_is_no_failure(guarded: Guarded) -> None:
    grown, guarded.error = Grown(), InvalidInput("body: is no recording")
    assert _post(guarded).status_code == 400
    assert grown.after(1).units() == [1, 0, 0]


def test_rest__what_says_nothing_of_a_bundle_is_no_unit(guarded: Guarded) -> None:
    grown = Grown()
    client = httpx.Client(base_url=guarded.url, trust_env=False, timeout=HANG_S)
    statuses = [client.options(PREDICT), client.get(PREDICT), client.get("/v2/health/live"), client.post("/nowhere")]
    client.close()
    assert [one.status_code for one in statuses] == [204, 405, 200, 404]
    assert grown.after(4).units() == [0, 0, 0]


def test_rest__a_body_that_is_too_large_is_a_rejection(guarded: Guarded) -> None:
    grown = Grown()
    assert _post(guarded, content=b"x" * 1_001).status_code == 413
    assert grown.after(1).units() == [1, 0, 1]


def test_rest__an_upload_that_was_cut_is_no_unit(guarded: Guarded) -> None:
    grown = Grown()
    with socket.create_connection(("127.0.0.1", guarded.port), timeout=HANG_S) as connection:
        head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n"
        connection.sendall(head.encode() + b"x" * 100)
    until(lambda: grown.by("silencio_requests_total(/v1/models/{name}:predict,499)") == [1])
    assert grown.units() == [0, 0, 0]


def test_latency__begins_with_the_last_byte_of_the_body(guarded: Guarded) -> None:
    """A phone's slow upload is in `silencio_request_seconds`, and no bundle's slowness."""
    grown, upload_s = Grown(), 0.0
    whole = "silencio_request_seconds_sum(/v1/models/{name}:predict)"
    with socket.create_connection(("127.0.0.1", guarded.port), timeout=HANG_S) as connection:
        head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode() + b"x" * 19)
        until(lambda: guarded.admission.n_body_bytes == 19)
        for _ in range(5):  # some time goes by in which others are answered
            upload_s += _post(guarded).elapsed.total_seconds()
        before_s = grown.after(5).by("silencio_answer_seconds_sum(interactive)")[0]
        whole_before_s = grown.by(whole)[0]
        connection.sendall(b"x")
        while connection.recv(4_096):
            pass
    assert grown.after(6).by("silencio_answer_seconds_count(interactive)") == [6]
    answer_s = grown.by("silencio_answer_seconds_sum(interactive)")[0] - before_s
    request_s = grown.by(whole)[0] - whole_before_s
    assert request_s - answer_s >= upload_s


def test_latency__is_of_requests_that_were_answered(guarded: Guarded) -> None:
    """A server that refuses half of its requests in a moment is not twice as quick."""
    grown, guarded.error = Grown(), Overloaded("busy")
    _post(guarded)
    guarded.error = None
    _post(guarded)
    assert grown.after(2).by("silencio_answer_seconds_count(interactive)") == [1]


def test_answer__names_arm_and_release_in_success_and_refusal(guarded: Guarded) -> None:
    answers = [_post(guarded), _post(guarded, content=b"x" * 1_001)]
    assert [one.status_code for one in answers] == [200, 413]
    for one in answers:
        assert (one.headers["x-silencio-arm"], one.headers["x-silencio-release"]) == ("challenger", "r-13")
    assert answers[0].json()["headers"]["x-silencio-arm"] == "challenger"


def test_answer__names_none_outside_of_a_release() -> None:
    with guarded_application(accounting=_accounting()) as alone:
        answer = _post(alone, X_Silencio_Shadow="0")
    assert not {"x-silencio-arm", "x-silencio-release", "x-silencio-shadow"} & answer.headers.keys()


def test_proxy__tells_arm_and_release_by_which_it_hands_a_request_on(guarded: Guarded) -> None:
    answer = _post(guarded, X_Silencio_Arm="champion", X_Silencio_Release="r-14")
    assert (answer.headers["x-silencio-arm"], answer.headers["x-silencio-release"]) == ("champion", "r-14")
    seen = answer.json()["headers"]
    assert (seen["x-silencio-arm"], seen["x-silencio-release"]) == ("champion", "r-14")


def test_shadow__is_counted_apart_and_keeps_the_id_of_the_request_that_it_copies(guarded: Guarded) -> None:
    grown = Grown()
    answer = _post(guarded, X_Silencio_Shadow="1", X_Silencio_Request_ID=OWN_ID, X_Request_ID="walk-1/3")
    assert answer.headers["x-silencio-shadow"] == "1"
    seen = answer.json()["headers"]
    assert (seen["x-silencio-request-id"], seen["x-request-id"], seen["x-silencio-shadow"]) == (OWN_ID, "walk-1/3", "1")
    assert grown.after(1).units() == [0, 0, 0]
    names = ["silencio_requests_total(/v1/models/{name}:predict,200)", "silencio_answer_seconds_count(interactive)"]
    names += ["silencio_request_seconds_count(/v1/models/{name}:predict)"]
    assert grown.by(*names) == [0, 0, 0]
    assert grown.by("silencio_marked_requests_total(shadow,200)") == [1]


def test_simulated__users_are_counted_apart(guarded: Guarded) -> None:
    grown, guarded.error = Grown(), InferenceError("broken")
    assert _post(guarded, X_Silencio_Simulated="1").status_code == 500
    assert grown.after(1).units() == [0, 0, 0]
    assert grown.by("silencio_marked_requests_total(simulated,500)") == [1]


@pytest.mark.parametrize(("role", "is_believed"), [("app", False), ("reviewer", False), ("admin", True)])
def test_keys__a_strangers_mark_makes_no_request_uncounted(role: Role, is_believed: bool, tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys.csv", "one", 600.0, None, role)
    accounting = _accounting(MarkPolicy("127.0.0.1", has_keys=True))
    with guarded_application(Authenticator(tmp_path / "keys.csv"), accounting) as application:
        grown = Grown()
        marks = {"X_Silencio_Shadow": "1", "X_Silencio_Request_ID": OWN_ID, "X_Silencio_Release": "forged"}
        answer = _post(application, X_API_Key=key, **marks)
        assert (answer.headers["x-silencio-request-id"] == OWN_ID) == is_believed
        assert ("x-silencio-shadow" in answer.json()["headers"]) == is_believed
        assert ("x-silencio-release" in answer.json()["headers"]) == is_believed
        assert grown.after(1).units() == [not is_believed, 0, 0]
        assert _post(application, **marks).status_code == 401


def test_v2__is_counted_as_v1_is(guarded: Guarded) -> None:
    grown = Grown()
    assert _post(guarded, INFER, b"{}", Content_Type="application/json", X_Session_ID="walk of v2").is_success
    assert _post(guarded, X_Session_ID="walk of v2").is_success
    assert grown.after(2).units() == [1, 0, 0]


class _Failing(Servicer):
    """Answers by the error that a test decides."""

    error: Exception | None = None

    async def ModelInfer(self, request: Any, context: Any) -> Any:
        answer = await super().ModelInfer(request, context)
        if self.error:
            raise self.error
        return answer


def _by_grpc(
    *requests: tuple[Exception | None, dict[str, str]], authenticator: Authenticator | None = None, **options: Any
) -> list[tuple[str, dict[str, str], dict[str, str]]]:
    """Calls one after the other: status, trailing metadata, and the metadata that the model saw."""

    async def ask() -> list[tuple[str, dict[str, str], dict[str, str]]]:
        servicer, admission = _Failing(), AdmissionController(Limits(**LIMITS))
        server = aio.server(interceptors=(GrpcInterceptor(admission, authenticator, _accounting(**options)),))
        add_GRPCInferenceServiceServicer_to_server(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        found: list[tuple[str, dict[str, str], dict[str, str]]] = []
        grown = Grown()
        async with aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            for error, metadata in requests:
                servicer.error, servicer.headers = error, {}
                call = GRPCInferenceServiceStub(channel).ModelInfer(
                    ModelInferRequest(model_name="silencio"), metadata=tuple(metadata.items()), timeout=HANG_S
                )
                trailing = {one[0]: one[1] for one in await call.trailing_metadata()}
                found.append(((await call.code()).name, trailing, servicer.headers))
                await until_async(lambda: grown.n_requests() == len(found))
        await server.stop(None)
        return found

    return asyncio.run(ask())


def test_grpc__sessions_failures_and_rejections_are_counted_as_over_rest() -> None:
    grown = Grown()
    session = {"x-session-id": "walk over gRPC"}
    answers = _by_grpc(
        (None, session),
        (InferenceError("broken"), session),
        (InferenceError("broken"), session),
        (Overloaded("busy"), {}),
        (InvalidInput("inputs: is missing"), {}),
    )
    statuses = ["OK", "INTERNAL", "INTERNAL", "RESOURCE_EXHAUSTED", "INVALID_ARGUMENT"]
    assert [status for status, *_ in answers] == statuses
    assert grown.units() == [3, 2, 1]
    assert grown.by("silencio_answer_seconds_count(interactive)") == [1]


def test_grpc__a_message_that_is_too_large_is_a_rejection_and_no_failure() -> None:
    """Both are RESOURCE_EXHAUSTED there."""
    grown = Grown()
    assert [status for status, *_ in _by_grpc((NoMessageError("too large"), {}))] == ["RESOURCE_EXHAUSTED"]
    assert grown.units() == [1, 0, 1]


def test_grpc__arm_release_and_marks_as_over_rest() -> None:
    grown = Grown()
    marks = {"x-silencio-shadow": "1", "x-silencio-request-id": OWN_ID}
    (_, visitor, seen), (_, shadow, copied), (_, failed, _) = _by_grpc(
        (None, {}), (None, marks), (InvalidInput("x"), {}), arm="champion", release_id="r-13"
    )
    for trailing in (visitor, shadow, failed, seen, copied):
        assert (trailing["x-silencio-arm"], trailing["x-silencio-release"]) == ("champion", "r-13")
    assert copied["x-silencio-request-id"] == shadow["x-silencio-request-id"] == OWN_ID
    assert "x-silencio-shadow" in copied and "x-silencio-shadow" not in seen
    assert grown.units() == [2, 0, 0]
    assert grown.by("silencio_requests_total(grpc ModelInfer,OK)", "silencio_marked_requests_total(shadow,200)") == [
        1,
        1,
    ]


def test_grpc__a_strangers_mark_is_not_believed(tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys.csv", "phone", 600.0, None)
    grown = Grown()
    marks = {"x-api-key": key, "x-silencio-shadow": "1", "x-silencio-request-id": OWN_ID}
    ((status, trailing, seen),) = _by_grpc(
        (None, marks), authenticator=Authenticator(tmp_path / "keys.csv"), marks=MarkPolicy("127.0.0.1", has_keys=True)
    )
    assert status == "OK"
    assert trailing["x-silencio-request-id"] != OWN_ID
    assert "x-silencio-shadow" not in seen
    assert grown.units() == [1, 0, 0]


@pytest.mark.parametrize(
    ("query", "session_id"),
    [
        ("", ""),
        ("top_k=3", ""),
        ("session_id=walk%207&top_k=3", "walk 7"),
        ("session_id=", ""),
        ("name=session_id", ""),
        ("&".join(f"a{i}=1" for i in range(40)) + "&session_id=a", ""),
    ],
)
def test_query__its_session(query: str, session_id: str) -> None:
    assert session_in(query) == session_id


def _failures() -> tuple[list[tuple[str, str, int]], Callable[[RequestAccount, int], None]]:
    """Session, traffic and status of each request that failed."""
    found: list[tuple[str, str, int]] = []
    return found, lambda account, status: found.append((account.session_id, account.marks.traffic, status))


def test_failed__each_request_that_was_answered_and_not_well_is_told_once() -> None:
    found, on_failed = _failures()
    with guarded_application(accounting=_accounting(on_failed=on_failed)) as application:
        grown = Grown()
        for error in (None, InferenceError("broken"), Overloaded("busy"), InvalidInput("body: is no recording")):
            application.error = error
            _post(application, X_Session_ID="walk")
        _post(application, content=b"x" * 1_001)
        _post(application, X_Session_ID="copied", X_Silencio_Shadow="1")
        _post(application, X_Session_ID="simulated", X_Silencio_Simulated="1")
        for route in ("/nowhere", "/v2/health/live"):
            _post(application, route)
        grown.after(9)
    # The error of the last three stands: of the copy, which is no visitor's, and of simulated users, who leave nothing.
    assert found == [("walk", "visitor", status) for status in (500, 503, 400)] + [
        ("", "visitor", 413),
        ("copied", "shadow", 400),
    ]


def test_failed__nobodys_requests_are_not_told(tmp_path: Path) -> None:
    """Else whoever finds the address fills the log."""
    found, on_failed = _failures()
    add_key(tmp_path / "keys.csv", "one", 600.0, None)
    with guarded_application(Authenticator(tmp_path / "keys.csv"), _accounting(on_failed=on_failed)) as application:
        grown = Grown()
        assert _post(application).status_code == 401
        assert _post(application, X_API_Key="guessed").status_code == 401
        grown.after(2)
    assert found == []


def test_failed__one_whose_answer_is_in_the_log_is_not_told_again() -> None:
    found, on_failed = _failures()
    accounting = _accounting(on_failed=on_failed)
    account = accounting.begin({}, "")
    account.is_logged = True
    accounting.end(account, PREDICT_ROUTES[0], "500", 500, 0.0)
    assert found == []


def test_failed__over_grpc_by_the_status_that_it_would_have_over_rest() -> None:
    found, on_failed = _failures()
    session = {"x-session-id": "walk"}
    _by_grpc(
        (None, session), (InferenceError("broken"), session), (NoMessageError("too large"), {}), on_failed=on_failed
    )
    assert found == [("walk", "visitor", 500), ("", "visitor", 413)]


def test_key__a_device_without_sessions_is_one_unit_whatever_it_gets(tmp_path: Path) -> None:
    """Ten failures of one recorder are one device's, and two recorders are two."""
    keys = [add_key(tmp_path / "keys.csv", name, 600.0, None) for name in ("one", "other")]
    authenticator = Authenticator(tmp_path / "keys.csv")
    with guarded_application(authenticator, _accounting()) as application:
        grown, application.error = Grown(), InferenceError("broken")
        for _ in range(5):
            _post(application, X_API_Key=keys[0])
            _post(application, Authorization=f"Bearer {keys[0]}")
        assert grown.after(10).units() == [1, 1, 0]
        _post(application, X_API_Key=keys[1])
        assert grown.after(11).units() == [2, 2, 0]
        # A session is told apart within a key, as phones of one app are, and from a key that has its name.
        _post(application, X_API_Key=keys[1], X_Session_ID="walk")
        _post(application, X_API_Key=keys[1], X_Session_ID="one")
        assert grown.after(13).units() == [4, 4, 0]
    by_grpc = Grown()
    _by_grpc(*[(None, {"x-api-key": keys[0]})] * 3, authenticator=authenticator)
    assert by_grpc.units() == [1, 0, 0]


def test_key__a_device_beyond_its_quota_is_one_rejected_unit(tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys.csv", "eager", 1e-9, 1)
    found, on_failed = _failures()
    with guarded_application(Authenticator(tmp_path / "keys.csv"), _accounting(on_failed=on_failed)) as application:
        grown = Grown()
        assert [_post(application, X_API_Key=key).status_code for _ in range(4)] == [200, 429, 429, 429]
        assert grown.after(4).units() == [1, 0, 1]
    assert found == [("", "visitor", 429)] * 3
