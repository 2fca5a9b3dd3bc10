"""Who meets the challenger, and what is counted of it: by a real HAProxy before arms that fail on purpose."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from serving.canary.haproxy_config import CERTIFICATE
from silencio.errors import RouteError
from tests.serving.authority import Authority
from tests.serving.canary.small_splitter import (
    PREDICT,
    SmallSplitter,
    arms_of,
    needs_splitter,
    release,
    small_splitter,
)
from tests.waiting import HANG_S

pytestmark = needs_splitter
SESSIONS = [f"guest-{number}" for number in range(2_000)]


@pytest.fixture
def splitter(tmp_path: Path) -> Iterator[SmallSplitter]:
    with small_splitter(tmp_path) as one:
        yield one


@pytest.mark.release
def test_share__is_what_was_asked_and_no_session_leaves_while_it_rises(splitter: SmallSplitter) -> None:
    """Two points at 2,000 sessions; at 0 % all are the champion's again, and with the next release others go first."""
    before: set[str] = set()
    with splitter.client() as client:
        assert set(arms_of(client, SESSIONS[:50])) == {"champion"}
        for percent in (5, 25, 50):
            splitter.share(percent)
            there = _challengers(client, SESSIONS)
            assert abs(100 * len(there) / len(SESSIONS) - percent) <= 2
            assert before <= there
            before = there
        splitter.share(100)
        assert _challengers(client, SESSIONS[:100]) == set(SESSIONS[:100])
        splitter.share(0)
        assert not _challengers(client, SESSIONS[:500])
        splitter.route.offer(release("r2"))
        splitter.share(50)
        again = _challengers(client, SESSIONS[:500])
    # Of those that come first now, half were there the last time: as chance has it.
    assert abs(len(again & before) / len(again) - 0.5) < 0.15


def _challengers(client: httpx.Client, sessions: list[str]) -> set[str]:
    return {session for session, arm in zip(sessions, arms_of(client, sessions), strict=True) if arm == "challenger"}


def test_share__what_is_in_the_query_or_the_key_holds_as_well(splitter: SmallSplitter) -> None:
    splitter.share(50)
    with splitter.client() as client:
        for headers, query in (
            ({}, "?session_id=w%201"),
            ({"X-API-Key": "k"}, ""),
            ({"Authorization": "Bearer k"}, ""),
        ):
            url = PREDICT + query
            arms = {client.post(url, headers=headers).headers["x-silencio-arm"] for _ in range(20)}
            assert len(arms) == 1, (headers, query)
        by_header, by_query = (
            [client.post(f"{PREDICT}{q}", headers=h).headers["x-silencio-arm"] for q, h in ways]
            for ways in (
                [("", {"X-Session-ID": f"w {n}"}) for n in range(20)],
                [(f"?session_id=w%20{n}", {}) for n in range(20)],
            )
        )
        assert by_header == by_query
        # Who says nothing is drawn each time; but a page and what describes the model are the champion's.
        assert {client.post(PREDICT).headers["x-silencio-arm"] for _ in range(60)} == {"champion", "challenger"}
        assert {client.get("/").headers["x-silencio-arm"] for _ in range(60)} == {"champion"}
        splitter.share(100)
        assert client.get("/").headers["x-silencio-arm"] == "challenger"


def test_units__a_device_with_a_key_is_drawn_and_counted_as_one_unit(splitter: SmallSplitter) -> None:
    """By either header, as the servers read it; a session within a key is a unit of its own, as an app's phones are."""
    splitter.share(50)
    splitter.arms["challenger"].answer = splitter.arms["champion"].answer = 500
    with splitter.client() as client:
        ways = ({"X-API-Key": "k1"}, {"Authorization": "Bearer k1"}, {"Authorization": "bearer  k1", "X-API-Key": "k2"})
        answers = [client.post(PREDICT, headers=headers) for headers in ways * 3]
        assert len({one.headers["x-silencio-arm"] for one in answers}) == 1
        # What is no key of the servers is none here either.
        client.post(PREDICT, headers={"Authorization": "Basic azE6", "X-API-Key": "k1"})
        for session in ("a", "b"):
            client.post(PREDICT, headers={"X-API-Key": "k1", "X-Session-ID": session})
    counted = Counter(splitter.counted("champion")) + Counter(splitter.counted("challenger"))
    assert (counted["requests"], counted["units"], counted["failed_units"]) == (12, 3, 3)


def test_share__a_session_in_the_body_alone_is_not_seen_and_its_key_is(splitter: SmallSplitter) -> None:
    """Behind megabytes of sound it is beyond what HAProxy holds of a body: docs/releasing.md says what to send."""
    splitter.share(50)
    body = {"instances": [{"audio": {"b64": "A" * 100_000}, "session_id": "walk"}]}
    first = {"instances": [{"session_id": "walk", "audio": {"b64": "A" * 100_000}}]}
    with splitter.client() as client:
        for sent in (body, first):
            arms = {client.post(PREDICT, json=sent).headers["x-silencio-arm"] for _ in range(60)}
            assert arms == {"champion", "challenger"}
            arms = {
                client.post(PREDICT, json=sent, headers={"X-API-Key": "k"}).headers["x-silencio-arm"] for _ in range(20)
            }
            assert len(arms) == 1
        named = {"X-Session-ID": "walk"}
        assert len({client.post(PREDICT, json=body, headers=named).headers["x-silencio-arm"] for _ in range(20)}) == 1


def test_share__changed_under_load_loses_no_request(splitter: SmallSplitter) -> None:
    statuses: Counter[object] = Counter()
    enough = threading.Event()

    def ask(name: str) -> None:
        with splitter.client() as client:
            number = 0
            while not enough.is_set():
                number += 1
                try:
                    status: object = client.post(PREDICT, headers={"X-Session-ID": f"{name}-{number}"}).status_code
                except httpx.TransportError as error:
                    status = repr(error)
                statuses[status] += 1

    threads = [threading.Thread(target=ask, args=(f"client{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for percent in (5, 10, 25, 50, 100, 0) * 10:
        splitter.share(percent)
    enough.set()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200}
    assert sum(statuses.values()) > 60


def test_units__what_a_challenger_fails_is_counted_once_a_session(splitter: SmallSplitter) -> None:
    splitter.share(100)
    challenger = splitter.arms["challenger"]
    with splitter.client() as client:
        arms_of(client, ["a", "a", "b"])
        challenger.answer = 500
        arms_of(client, ["a", "a", "c"])
        # Its own 500 and a cut connection, which only the proxy sees, are alike; each client gets what happened.
        challenger.answer = "cut"
        assert [client.post(PREDICT, headers={"X-Session-ID": s}).status_code for s in "ad"] == [502, 502]
        challenger.answer = 429
        arms_of(client, ["a", "e"])
        challenger.answer = 400
        arms_of(client, ["f"])
        assert client.post(PREDICT).status_code == 400
        challenger.answer, challenger.headers = 503, {"Retry-After": "1"}
        arms_of(client, ["g"])
    assert splitter.counted("challenger") == {
        "requests": 13,
        "failed_requests": 6,  # 500 and 502 and a 503 with its pause
        "rejected_requests": 3,
        "client_errors": 2,
        "units": 8,  # a to g, and one without a session
        "failed_units": 4,  # a c d g
        "rejected_units": 3,  # a e g
    }
    assert splitter.counted("champion") == {}


def test_units__a_request_that_is_reset_before_it_was_read_is_counted(splitter: SmallSplitter) -> None:
    """HAProxy answers some of them by 502, and of others breaks the client's connection off: all are failures."""
    splitter.share(100)
    splitter.arms["challenger"].answer = "reset"
    for number in range(60):
        with splitter.client() as client, contextlib.suppress(httpx.RemoteProtocolError):
            answer = client.post(PREDICT, content=bytes(2_000), headers={"X-Session-ID": f"s{number}"})
            assert answer.status_code == 502
    counted = splitter.counted("challenger")
    assert counted == dict.fromkeys(("requests", "failed_requests", "units", "failed_units"), 60)


def test_units__an_answer_that_breaks_off_is_counted_as_a_failure_too(splitter: SmallSplitter) -> None:
    splitter.share(100)
    splitter.arms["challenger"].answer = "broken"
    for number in range(5):
        with splitter.client() as client, pytest.raises(httpx.RemoteProtocolError):
            client.post(PREDICT, headers={"X-Session-ID": f"s{number}"})
    # Its head was counted, as an answer, before it broke off.
    assert splitter.counted("challenger") == {"requests": 10, "units": 10, "failed_requests": 5, "failed_units": 5}


def test_connections__end_with_the_answer_for_clients_and_stay_for_servers(splitter: SmallSplitter) -> None:
    """Of a client's second request on a connection a cut would be hidden; a server's new one costs each request."""
    with splitter.client() as client:
        answers = [client.post(PREDICT, headers={"X-Session-ID": f"s{number}"}) for number in range(5)]
    assert {answer.headers["connection"] for answer in answers} == {"close"}
    assert len(set(splitter.arms["champion"].ports)) == 1
    # One that the server has closed meanwhile is not used again.
    splitter.arms["champion"].answer = "cut"
    with splitter.client() as client:
        assert client.post(PREDICT).status_code == 502
        splitter.arms["champion"].answer = 200
        assert client.post(PREDICT).status_code == 200


def test_units__a_challenger_that_is_dead_fails_visitors_until_it_is_known(splitter: SmallSplitter) -> None:
    splitter.share(100)
    splitter.arms["challenger"].stop()
    statuses = []
    with splitter.client() as client:
        while True:
            answer = client.post(PREDICT, headers={"X-Session-ID": f"s{len(statuses)}"})
            if answer.headers["x-silencio-arm"] == "champion":
                break
            statuses.append(answer.status_code)
        # Known to be down, it gets no more visitors: at 100 % too.
        assert answer.status_code == 200
    counted = splitter.counted("challenger")
    assert set(statuses) <= {503, 502}
    assert counted.get("failed_units", 0) == counted.get("failed_requests", 0) == len(statuses) > 0


def test_units__a_challenger_that_hangs_fails_its_visitors(tmp_path: Path) -> None:
    hanging = threading.Event()
    with small_splitter(tmp_path, lambda text: text.replace("timeout server 120s", "timeout server 50ms")) as splitter:
        splitter.share(100)
        challenger = splitter.arms["challenger"]
        challenger.answer = "hang"
        original = challenger.seen.append

        def hang(headers: dict[str, str]) -> None:
            original(headers)
            hanging.wait()

        challenger.seen = type("Seen", (list,), {"append": lambda self, one: hang(one)})()
        with splitter.client() as client:
            assert client.post(PREDICT, headers={"X-Session-ID": "a"}).status_code == 504
        hanging.set()
        assert splitter.counted("challenger") == dict.fromkeys(
            ("requests", "failed_requests", "units", "failed_units"), 1
        )


def test_units__another_step_counts_a_session_again(splitter: SmallSplitter) -> None:
    splitter.share(50)
    splitter.arms["challenger"].answer = splitter.arms["champion"].answer = 500
    with splitter.client() as client:
        arms_of(client, ["a", "a"])
        splitter.share(60)
        arms_of(client, ["a"])
    counted = Counter(splitter.counted("champion")) + Counter(splitter.counted("challenger"))
    assert counted["failed_units"] == counted["units"] == 2
    assert counted["failed_requests"] == 3


def test_units__simulated_users_choose_their_arm_and_are_counted_apart(splitter: SmallSplitter) -> None:
    wanted = {"X-Silencio-Arm-Wanted": "challenger", "X-Session-ID": "a"}
    with splitter.client() as client:
        assert client.post(PREDICT, headers=wanted).headers["x-silencio-arm"] == "challenger"
        # What another proxy on this machine hands on comes from elsewhere: a visitor chooses nothing.
        for name, value in (("X-Forwarded-For", "203.0.113.9"), ("Forwarded", "for=203.0.113.9")):
            answer = client.post(PREDICT, headers={**wanted, "X-Silencio-Simulated": "1", name: value})
            assert answer.headers["x-silencio-arm"] == "champion"
    assert splitter.counted("challenger") == {}
    assert splitter.counted("challenger", "simulated") == {"requests": 1, "units": 1}
    assert splitter.counted("champion") == {"requests": 2, "units": 1}
    seen = splitter.arms["challenger"].seen + splitter.arms["champion"].seen
    assert [one.get("x-silencio-simulated") for one in seen] == ["1", None, None]
    assert [one["x-silencio-arm"] for one in seen] == ["challenger", "champion", "champion"]
    assert not any("x-silencio-arm-wanted" in one for one in seen)


def test_units__only_predictions_count(splitter: SmallSplitter) -> None:
    with splitter.client() as client:
        for method, path in (("GET", "/"), ("GET", PREDICT), ("POST", "/v1/models/silencio"), ("OPTIONS", PREDICT)):
            client.request(method, path)
        for path in ("/v1/models/silencio:upload_table", "/v2/models/silencio/infer"):
            client.post(path)
    assert splitter.counted("champion") == {"requests": 2, "units": 2}


def test_answers__name_arm_and_release(splitter: SmallSplitter) -> None:
    with splitter.client() as client:
        answer = client.post(PREDICT, headers={"X-Silencio-Arm": "challenger", "X-Silencio-Release": "forged"})
    assert answer.headers["x-silencio-arm"] == "champion"
    assert answer.headers["x-silencio-release"] == "r1"
    (seen,) = splitter.arms["champion"].seen
    assert (seen["x-silencio-arm"], seen["x-silencio-release"]) == ("champion", "r1")


def _trusting(authority: Path) -> httpx.Client:
    return httpx.Client(verify=ssl.create_default_context(cafile=authority), trust_env=False, timeout=HANG_S)


def test_tls__ends_at_the_proxy_and_a_certificate_is_replaced_without_a_restart(tmp_path: Path) -> None:
    """One that does not fit its key is refused, and the last one stays."""
    first, second = (Authority.make(tmp_path, name) for name in ("first", "second"))
    pems = ["".join(path.read_text() for path in one.sign("IP:127.0.0.1")) for one in (first, second)]
    with small_splitter(tmp_path, certificate=pems[0]) as splitter:
        url = splitter.url.replace("http://", "https://") + PREDICT
        with _trusting(first.certificate) as client:
            answer = client.post(url, headers={"X-Session-ID": "a"})
        assert (answer.status_code, answer.headers["x-silencio-arm"]) == (200, "champion")
        with splitter.client() as in_clear, pytest.raises(httpx.TransportError):
            in_clear.post(PREDICT)
        splitter.socket.set_certificate(CERTIFICATE, pems[1])
        with _trusting(second.certificate) as client:
            assert client.post(url).status_code == 200
        with (
            _trusting(first.certificate) as client,
            pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
        ):
            client.post(url)
        other_key = first.sign("IP:127.0.0.1")[1].read_text()
        with pytest.raises(RouteError, match="does not take the new certificate"):
            splitter.socket.set_certificate(CERTIFICATE, pems[1].partition("-----BEGIN PRIVATE")[0] + other_key)
        with _trusting(second.certificate) as client:
            assert client.post(url).status_code == 200
        # And by the way out: a later one is taken again.
        splitter.socket.set_certificate(CERTIFICATE, pems[0])
        with _trusting(first.certificate) as client:
            assert client.post(url).status_code == 200
