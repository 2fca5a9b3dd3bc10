"""The outermost layer of the gRPC side: the same keys and limits as REST's, and a status and a sentence for errors."""

from __future__ import annotations

import logging
import time
from collections import namedtuple
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

import grpc
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from grpc import StatusCode, aio
from kserve.errors import (
    InferenceError,
    InvalidInput,
    ModelNotFound,
    ModelNotReady,
    ServerNotLive,
    ServerNotReady,
    UnsupportedProtocol,
)
from kserve.logging import logger

from serving.access import AccessError, ApiKey, Authenticator
from serving.metrics.process import expect_requests
from serving.metrics.routes import GRPC_PREDICT_ROUTE, GRPC_STATUSES
from serving.server.accounting import Accounting, RequestAccount
from serving.server.admission import AdmissionController, Ticket
from serving.server.error_handlers import INTERNAL, log_response
from serving.server.errors import Overloaded
from serving.server.grpc_messages import Messages, MessageTimeoutError, NoMessageError
from serving.server.protocol import KEY_NAME_HEADER, KEY_ROLE_HEADER, is_own_header
from serving.server.request_ids import REQUEST_ID, RequestIds

# Probes need no key and are never refused for load.
OPEN_METHODS = frozenset({"ServerLive", "ServerReady", "ModelReady"})
# Their messages say nothing.
_EMPTY_METHODS = frozenset({"ServerLive", "ServerReady"})
# The one with a message that may be large.
_INFER = "ModelInfer"
_KEYS = ("authorization", "x-api-key")
_Metadatum = namedtuple("_Metadatum", ("key", "value"))  # as gRPC's own, which the SDK reads


class GrpcInterceptor(aio.ServerInterceptor):  # type: ignore[misc]  # grpc is untyped
    """Authenticates, admits and answers every call.

    The SDK's own interceptor says INVALID_ARGUMENT of its own failures, and logs a stack trace for every wrong request.

    Args:
        admission: Shared with REST.
        authenticator: Checks keys; None lets everybody in.
        accounting: Shared with REST; by default no sessions are counted, and no marks believed.
    """

    def __init__(
        self,
        admission: AdmissionController,
        authenticator: Authenticator | None,
        accounting: Accounting | None = None,
    ) -> None:
        self._admission = admission
        self._accounting = accounting or Accounting()
        self._authenticator = authenticator
        expect_requests((GRPC_PREDICT_ROUTE,), GRPC_STATUSES)
        self._messages = Messages(admission.limits.body_read_timeout_s)

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any
    ) -> grpc.RpcMethodHandler:
        handler = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        method = handler_call_details.method.rpartition("/")[2]

        async def answer(messages: AsyncIterator[bytes], context: Any) -> Any:
            return await self._answer(handler, method, messages, context)

        # On the wire a stream of one message is the same. Of a unary call gRPC reads the message before any
        # interceptor runs, and blames the server for one that is none.
        return grpc.stream_unary_rpc_method_handler(answer, response_serializer=handler.response_serializer)

    async def _answer(self, handler: Any, method: str, messages: AsyncIterator[bytes], context: Any) -> Any:
        begun_s = time.perf_counter()
        offered = {one.key: one.value for one in context.invocation_metadata()}
        texts = {name: value for name, value in offered.items() if isinstance(value, str)}
        account = self._accounting.begin(texts, "")
        ids = account.ids = RequestIds.of(texts.get(REQUEST_ID, ""))
        ended = _GONE
        try:
            with Ticket(self._admission) as ticket:
                key = self._authenticated(method, texts)
                self._accounting.believe(account, self._accounting.marks.read(texts, key, _host(context.peer())), key)
                ids = account.ids = RequestIds.of(ids.offered, account.marks.request_id or ids.own)
                own = _key_headers(key) | ids.headers() | account.headers()
                message = await self._read(method, messages, ticket)
                account.received_s = time.perf_counter()
                metadata = _handed_on(
                    offered, own | {"content-length": str(len(message))}, self._authenticator is not None
                )
                request = handler.request_deserializer(message)
                del message  # what was read of it has a copy
                answer = await handler.unary_unary(request, _Context(context, metadata))
                account.computed_s = time.perf_counter()
            context.set_trailing_metadata(_trailing(ids, account))
            ended = _WELL
            return answer
        except Exception as error:  # noqa: BLE001  # the outermost layer: whatever it is becomes a status and a sentence
            account.computed_s = time.perf_counter()
            account.key_name = account.key_name or getattr(error, "key_name", "")
            ended = _explain(error)
            if ended.status is not StatusCode.INTERNAL:
                log_response(ended.status.name, method, ids, ended.sentence)
            elif isinstance(error, InferenceError):
                log_response(ended.status.name, method, ids, str(error), logging.ERROR)
            else:
                logger.exception("INTERNAL %s %s: not foreseen", method, ids)
            await context.abort(ended.status, ended.sentence, _trailing(ids, account))
        finally:
            self._accounting.end(account, f"grpc {method}", ended.status.name, ended.http_status, begun_s)

    def _authenticated(self, method: str, offered: Mapping[str, str]) -> ApiKey | None:
        """The key with which it came; None where none is needed.

        Raises:
            AccessError: No key, an unknown one, or one whose quota is used up.
        """
        if self._authenticator is None or method in OPEN_METHODS:
            return None
        return self._authenticator.authenticate(*(offered.get(name) or None for name in _KEYS))

    async def _read(self, method: str, messages: AsyncIterator[bytes], ticket: Ticket) -> bytes:
        """The message, once there is room for it; nothing is read of one that does not come in.

        Raises:
            Overloaded: There is none.
            MessageTimeoutError: It was not whole in time.
            NoMessageError: gRPC found it too large, or none came.
        """
        if method in _EMPTY_METHODS:
            return b""
        if method not in OPEN_METHODS:
            self._admission.check(0)
        if method == _INFER:
            message = await self._messages.read(messages)
        else:
            message = await self._messages.read_name(messages, is_open=method in OPEN_METHODS)
        if message is None:
            max_bytes = self._admission.limits.max_body_bytes
            raise NoMessageError(f"no message came, or one larger than {max_bytes} bytes, the most that is taken")
        if method == _INFER:
            ticket.hold(len(message))
            ticket.begin_work()
        return message


class _Context:
    """gRPC's context with other metadata: its own cannot be changed."""

    def __init__(self, context: Any, metadata: tuple[_Metadatum, ...]) -> None:
        self._context = context
        self._metadata = metadata

    def invocation_metadata(self) -> tuple[_Metadatum, ...]:
        return self._metadata

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


def _handed_on(offered: Mapping[str, Any], own: Mapping[str, str], without_keys: bool) -> tuple[_Metadatum, ...]:
    """The metadata that the model is to see."""
    dropped = own.keys() | (set(_KEYS) if without_keys else set())
    kept = {name: value for name, value in offered.items() if name not in dropped and not is_own_header(name)}
    return tuple(_Metadatum(*one) for one in {**kept, **own}.items())


def _key_headers(key: ApiKey | None) -> dict[str, str]:
    return {} if key is None else {KEY_NAME_HEADER: key.name, KEY_ROLE_HEADER: key.role}


def _trailing(ids: RequestIds, account: RequestAccount) -> tuple[tuple[str, str], ...]:
    return tuple((ids.headers() | account.headers()).items())


def _host(peer: str) -> str:
    """The address of `ipv4:127.0.0.1:5000` and `ipv6:[::1]:5000`; of a Unix socket none."""
    kind, _, address = unquote(peer).partition(":")
    return address.rpartition(":")[0].strip("[]") if kind in ("ipv4", "ipv6") else ""


class _Ended(NamedTuple):
    """How a call ended.

    Attributes:
        status: gRPC's.
        http_status: The status that the same would have over REST.
        sentence: For the client.
    """

    status: StatusCode
    http_status: int
    sentence: str = ""


_WELL = _Ended(StatusCode.OK, 200)
_GONE = _Ended(StatusCode.CANCELLED, 499)  # what a client counts as that does not wait
_STATUSES: tuple[tuple[tuple[type[Exception], ...], StatusCode, int], ...] = (
    ((InvalidInput, UnsupportedProtocol), StatusCode.INVALID_ARGUMENT, 400),
    ((ModelNotFound,), StatusCode.NOT_FOUND, 404),
    ((Overloaded,), StatusCode.RESOURCE_EXHAUSTED, 503),
    ((NoMessageError,), StatusCode.RESOURCE_EXHAUSTED, 413),
    ((MessageTimeoutError,), StatusCode.DEADLINE_EXCEEDED, 408),
    ((ModelNotReady, ServerNotReady, ServerNotLive), StatusCode.UNAVAILABLE, 503),
    ((NotImplementedError,), StatusCode.UNIMPLEMENTED, 501),
)


def _explain(error: Exception) -> _Ended:
    if isinstance(error, AccessError):
        if error.retry_after_s:
            sentence = f"{error.reason}; try again in {error.retry_after_s} s"
            return _Ended(StatusCode.RESOURCE_EXHAUSTED, 429, sentence)
        return _Ended(StatusCode.UNAUTHENTICATED, 401, error.reason)
    if isinstance(error, DecodeError):
        return _Ended(StatusCode.INVALID_ARGUMENT, 400, f"the message is not the protocol's: {error}")
    for kinds, status, http_status in _STATUSES:
        if isinstance(error, kinds):
            return _Ended(status, http_status, str(error) or "this is not implemented here")
    return _Ended(StatusCode.INTERNAL, 500, INTERNAL)
