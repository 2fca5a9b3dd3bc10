"""What gRPC's boundary takes of a message, and when: on real sockets, around a servicer of the test."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import StatusCode, aio
from kserve.protocol.grpc.grpc_predict_v2_pb2 import (
    ModelInferRequest,
    ModelInferResponse,
    ModelMetadataRequest,
    ModelMetadataResponse,
    ModelReadyRequest,
    ModelReadyResponse,
    ServerLiveRequest,
    ServerLiveResponse,
)
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import (
    GRPCInferenceServiceServicer,
    GRPCInferenceServiceStub,
    add_GRPCInferenceServiceServicer_to_server,
)
from kserve.utils.utils import to_headers
from prometheus_client import REGISTRY

from serving.access import Authenticator
from serving.access.keys import add_key
from serving.server.admission import AdmissionController, Limits
from serving.server.grpc_interceptor import GrpcInterceptor
from serving.server.grpc_messages import MAX_MESSAGES_AT_ONCE, MAX_MESSAGES_WAITING, MAX_NAMES_AT_ONCE
from serving.server.grpc_options import grpc_options
from tests.serving.http2 import send_message
from tests.waiting import HANG_S, until_async

SERVICE = "/inference.GRPCInferenceService/"
LARGE_BYTES = 32 << 20
WINDOW_BYTES = 65_535  # of HTTP/2, before anybody gives more


class Servicer(GRPCInferenceServiceServicer):  # type: ignore[misc]  # kserve is untyped
    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.headers: dict[str, str] = {}
        self.n_sent = 0

    async def ModelInfer(self, request: ModelInferRequest, context: Any) -> ModelInferResponse:
        self.n_sent += 1
        self.headers = to_headers(context)
        await self.may_answer.wait()
        return ModelInferResponse()

    async def ModelReady(self, request: ModelReadyRequest, context: Any) -> ModelReadyResponse:
        return ModelReadyResponse(ready=True)

    async def ModelMetadata(self, request: ModelMetadataRequest, context: Any) -> ModelMetadataResponse:
        return ModelMetadataResponse(name="silencio")

    async def ServerLive(self, request: object, context: Any) -> ServerLiveResponse:
        return ServerLiveResponse(live=True)


class Guarded:
    """A servicer behind the boundary, with the options of the real servers."""

    def __init__(self, access: Authenticator | None = None, **limits: Any) -> None:
        own = {"max_body_bytes": 64 << 20, "max_body_bytes_in_flight": 64 << 20, "max_concurrent_requests": 2}
        self.admission = AdmissionController(Limits(**{"body_read_timeout_s": HANG_S} | own | limits))
        self.servicer = Servicer()
        self.server = aio.server(
            interceptors=(GrpcInterceptor(self.admission, access),), options=grpc_options(self.admission.limits)
        )
        add_GRPCInferenceServiceServicer_to_server(self.servicer, self.server)
        self.port = self.server.add_insecure_port("127.0.0.1:0")

    @contextlib.asynccontextmanager
    async def channel(self) -> AsyncIterator[aio.Channel]:
        async with aio.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            yield channel


@contextlib.asynccontextmanager
async def guarded(access: Authenticator | None = None, **limits: Any) -> AsyncIterator[Guarded]:
    one = Guarded(access, **limits)
    await one.server.start()
    yield one
    one.servicer.may_answer.set()
    await one.server.stop(None)


def _count(method: str, status: str) -> float:
    """Of whatever bundle: other tests of this process may have said which is served."""
    labels = {"route": f"grpc {method}", "status": status}
    samples = [one for family in REGISTRY.collect() for one in family.samples if one.name == "silencio_requests_total"]
    return sum(one.value for one in samples if labels.items() <= one.labels.items())


def test_key__is_asked_for_before_the_message_is_read(tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys.csv", "ranger", 600, None)

    async def send() -> None:
        async with guarded(Authenticator(tmp_path / "keys.csv")) as one:
            for metadata in ({}, {"x_api_key": "wrong"}):
                refused = await asyncio.to_thread(
                    send_message, one.port, f"{SERVICE}ModelInfer", LARGE_BYTES, **metadata
                )
                assert b"grpc-status\x0216" in refused.trailers
                # The message is never asked for: what came is what HTTP/2 lets everybody send.
                assert refused.n_sent_bytes <= WINDOW_BYTES
            admitted = await asyncio.to_thread(
                send_message, one.port, f"{SERVICE}ModelInfer", LARGE_BYTES, x_api_key=key
            )
            assert admitted.n_sent_bytes == LARGE_BYTES + 5
            assert one.admission.n_body_bytes == 0

    asyncio.run(send())


def test_load__a_server_that_is_full_does_not_read_the_message() -> None:
    async def send() -> None:
        async with guarded() as one, one.channel() as channel:
            one.servicer.may_answer.clear()
            calls = [GRPCInferenceServiceStub(channel).ModelInfer(ModelInferRequest()) for _ in range(2)]
            await until_async(lambda: one.servicer.n_sent == 2)
            refused = await asyncio.to_thread(send_message, one.port, f"{SERVICE}ModelInfer", LARGE_BYTES)
            assert b"grpc-status\x018" in refused.trailers
            assert refused.n_sent_bytes <= WINDOW_BYTES
            one.servicer.may_answer.set()
            await asyncio.gather(*calls)

    asyncio.run(send())


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_size__a_message_above_the_limit_is_refused_and_counted(compression: grpc.Compression) -> None:
    """Packed, it is small on the way and too large when it is unpacked."""
    before = _count("ModelInfer", "RESOURCE_EXHAUSTED")

    async def send() -> aio.AioRpcError:
        async with guarded(max_body_bytes=100_000) as one, one.channel() as channel:
            call = channel.unary_unary(f"{SERVICE}ModelInfer")
            with pytest.raises(aio.AioRpcError) as caught:
                await call(bytes(100_001), compression=compression)
            request = ModelInferRequest(raw_input_contents=[bytes(99_990)])
            assert 99_990 < request.ByteSize() <= 100_000
            await GRPCInferenceServiceStub(channel).ModelInfer(request, compression=compression)
            return caught.value

    refused = asyncio.run(send())
    assert refused.code() is StatusCode.RESOURCE_EXHAUSTED
    assert "larger than max" in refused.details()
    assert _count("ModelInfer", "RESOURCE_EXHAUSTED") == before + 1


def test_message__its_true_size_is_told_and_no_client_tells_another() -> None:
    async def send() -> dict[str, str]:
        async with guarded() as one, one.channel() as channel:
            request = ModelInferRequest(id="x" * 500)
            await GRPCInferenceServiceStub(channel).ModelInfer(request, metadata=(("content-length", "7"),))
            assert one.servicer.headers["content-length"] == str(request.ByteSize())
            return one.servicer.headers

    assert asyncio.run(send())


def test_message__a_call_without_one_is_refused_in_a_sentence() -> None:
    async def send() -> aio.AioRpcError:
        async with guarded() as one, one.channel() as channel:
            call = channel.stream_unary(f"{SERVICE}ModelInfer")()
            await call.done_writing()
            with pytest.raises(aio.AioRpcError) as caught:
                await call
            return caught.value

    refused = asyncio.run(send())
    # gRPC does not tell it from one that is too large, of which the client hears by itself.
    assert refused.code() is StatusCode.RESOURCE_EXHAUSTED
    assert refused.details().startswith("no message came, or one larger than 67108864 bytes")


def test_message__one_that_is_never_whole_is_given_up() -> None:
    async def send() -> list[StatusCode]:
        async with guarded(body_read_timeout_s=0.01) as one, one.channel() as channel:
            codes = []
            for method in ("ModelInfer", "ModelReady"):
                call = channel.stream_unary(SERVICE + method)()
                codes.append(await call.code())
            return codes

    assert asyncio.run(send()) == [StatusCode.DEADLINE_EXCEEDED] * 2


def test_probes__silent_ones_keep_nobody_out(tmp_path: Path) -> None:
    """Whoever has no key may ask whether a model is ready, and then say nothing: the oldest of these give way."""
    key = add_key(tmp_path / "keys.csv", "ranger", 600, None)
    with_key = (("x-api-key", key),)

    async def send() -> None:
        async with guarded(Authenticator(tmp_path / "keys.csv")) as one, one.channel() as channel:
            silent = [channel.stream_unary(f"{SERVICE}ModelReady")() for _ in range(MAX_NAMES_AT_ONCE + 16)]
            await until_async(lambda: sum(call.done() for call in silent) == 16)
            stub = GRPCInferenceServiceStub(channel)
            for n_displaced in range(17, 20):
                assert (await stub.ModelReady(ModelReadyRequest(name="one"))).ready
                await until_async(lambda n=n_displaced: sum(call.done() for call in silent) >= n)
                silent.append(channel.stream_unary(f"{SERVICE}ModelReady")())
            codes = {await call.code() for call in silent if call.done()}
            assert codes == {StatusCode.RESOURCE_EXHAUSTED}
            await stub.ModelInfer(ModelInferRequest(), metadata=with_key)
            assert (await stub.ModelMetadata(ModelMetadataRequest(), metadata=with_key)).name == "silencio"
            assert (await stub.ServerLive(ServerLiveRequest())).live

    asyncio.run(send())


def test_probes__so_many_at_once_are_all_answered() -> None:
    """Nobody gives way whose message is there: a site's phones all look whether the server is ready."""

    async def send() -> None:
        async with guarded() as one, one.channel() as channel:
            stub = GRPCInferenceServiceStub(channel)
            answers = await asyncio.gather(*(stub.ModelReady(ModelReadyRequest()) for _ in range(MAX_NAMES_AT_ONCE)))
            assert all(answer.ready for answer in answers)

    asyncio.run(send())


def test_probes__are_given_less_time_than_a_recording() -> None:
    """What somebody without a key sends is held no longer than a name may take."""

    async def send() -> None:
        async with guarded(body_read_timeout_s=0.02) as one, one.channel() as channel:
            upload = channel.stream_unary(f"{SERVICE}ModelInfer")()
            probe = channel.stream_unary(f"{SERVICE}ModelReady")()
            assert await probe.code() is StatusCode.DEADLINE_EXCEEDED
            assert "after 0.002 s" in await probe.details()
            assert await upload.code() is StatusCode.DEADLINE_EXCEEDED
            assert "after 0.4 s" in await upload.details()

    asyncio.run(send())


def test_uploads__slow_ones_keep_nobody_from_asking_something_else() -> None:
    async def send() -> None:
        async with guarded() as one, one.channel() as channel:
            slow = [channel.stream_unary(f"{SERVICE}ModelInfer")() for _ in range(MAX_MESSAGES_AT_ONCE)]
            waiting = [channel.stream_unary(f"{SERVICE}ModelInfer")() for _ in range(MAX_MESSAGES_WAITING + 1)]
            # One more than may wait; which one, is how they happen to come.
            await until_async(lambda: any(call.done() for call in [*slow, *waiting]))
            refused = next(call for call in [*slow, *waiting] if call.done())
            assert await refused.code() is StatusCode.RESOURCE_EXHAUSTED
            assert "many wait; try again" in await refused.details()
            stub = GRPCInferenceServiceStub(channel)
            assert (await stub.ModelMetadata(ModelMetadataRequest())).name == "silencio"
            assert (await stub.ModelReady(ModelReadyRequest())).ready
            # A client that leaves makes room for one that waits.
            for call in [*slow, *waiting]:
                call.cancel()
            await stub.ModelInfer(ModelInferRequest())

    asyncio.run(send())


def test_client__one_that_leaves_is_counted_as_cancelled_and_frees_its_place() -> None:
    before = _count("ModelInfer", "CANCELLED")

    async def send() -> None:
        async with guarded() as one, one.channel() as channel:
            one.servicer.may_answer.clear()
            call = GRPCInferenceServiceStub(channel).ModelInfer(ModelInferRequest(id="x" * 100))
            await until_async(lambda: one.servicer.n_sent == 1)
            call.cancel()
            await until_async(lambda: one.admission.n_requests == one.admission.n_body_bytes == 0)
            await until_async(lambda: _count("ModelInfer", "CANCELLED") == before + 1)

    asyncio.run(send())
