"""Actions handed to another program by HTTP: what it does not take waits in the place for the next run."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

import httpx

from monitoring.drift.actions import DriftAction, mark_delivered, undelivered_actions
from serving.client.connection import connection
from serving.client.retry import RetryPolicy, retry_after_s
from silencio.errors import ServingError

SIGNATURE_HEADER = "X-Silencio-Signature-256"
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class WebhookBusyError(ServingError):
    """A receiver that is away or busy: the same may be taken later."""


class WebhookRefusedError(ServingError):
    """A receiver that answered by a status after which the same will not be taken."""


@dataclass(frozen=True)
class Webhook:
    """Where actions go.

    Attributes:
        url: Receiver's address.
        secret: Shared secret of the signature; empty: none is sent.
        timeout_s: Time that one answer may take.
        max_elapsed_s: Time in which one action is sent again.
    """

    url: str
    secret: bytes = b""
    timeout_s: float = 10.0
    max_elapsed_s: float = 30.0


@dataclass(frozen=True)
class Delivery:
    """What became of the actions of a place.

    Attributes:
        n_taken: Actions that the receiver took.
        n_waiting: Actions that wait for the next run.
        reason: Why the first of these was not taken; empty where all were.
    """

    n_taken: int
    n_waiting: int
    reason: str = ""


def signature(secret: bytes, body: bytes) -> str:
    """The signature's header: HMAC-SHA256 of the body, written as GitHub's webhooks do.

    Args:
        secret: Shared with the receiver.
        body: The request's bytes.
    """
    return f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"


def deliver(place: str, webhook: Webhook) -> Delivery:
    """Send every action that the receiver has not taken yet, the oldest first.

    An action that is refused is left waiting, and the next one is sent; with a receiver that is away nothing more is.

    Raises:
        StorageError: The place cannot be read or written.
        DataError: A file of it is no action.
        ServingError: The receiver's address is none.
        ConfigError: The environment names certificates or a proxy that cannot be used.
    """
    waiting = undelivered_actions(place, webhook.url)
    if not waiting:
        return Delivery(0, 0)
    n_taken, reason = 0, ""
    with connection(webhook.url, webhook.timeout_s) as client:
        for action in waiting:
            try:
                _send(client, action, webhook)
            except WebhookRefusedError as error:
                reason = reason or str(error)
                continue
            except WebhookBusyError as error:
                reason = reason or str(error)
                break
            mark_delivered(place, action, webhook.url)
            n_taken += 1
    return Delivery(n_taken, len(waiting) - n_taken, reason)


def _send(client: httpx.Client, action: DriftAction, webhook: Webhook) -> None:
    body = action.model_dump_json().encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": action.id}
    if webhook.secret:
        headers[SIGNATURE_HEADER] = signature(webhook.secret, body)
    policy = RetryPolicy(max_elapsed_s=webhook.max_elapsed_s, retried=(WebhookBusyError,))
    policy.call(lambda: _attempt(client, webhook.url, body, headers))


def _attempt(client: httpx.Client, url: str, body: bytes, headers: dict[str, str]) -> None:
    host = httpx.URL(url).host
    try:
        answer = client.post(url, content=body, headers=headers)
    except httpx.HTTPError as error:
        raise WebhookBusyError(f"the webhook at {host} does not answer: {error or type(error).__name__}") from error
    if answer.is_success:
        return
    if answer.status_code in _TRY_AGAIN:
        wait_s = retry_after_s(answer.headers.get("Retry-After", ""))
        later = f", and names {wait_s:g} s to wait" if wait_s else ""
        raise WebhookBusyError(f"the webhook at {host} answers {answer.status_code}{later}")
    raise WebhookRefusedError(f"the webhook at {host} refuses with {answer.status_code}")
