"""What a request costs that is too long: 64 recordings of ten minutes, a few megabytes, by REST, chunked and gRPC."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import numpy as np
import soundfile

from benchmarks.process_memory import watched
from benchmarks.proofs.units import Units
from benchmarks.recordings import song, write_ogg
from serving.local import LocalServers, local_servers
from silencio.bundle.placeholder import write_placeholder_bundle

_ROUTE = "/v1/models/silencio:predict"
_N_RECORDINGS = 64
_DURATION_S = 600
_RATE_HZ = 48_000
_CLIENT_TIMEOUT_S = 600.0
_PIECE_BYTES = 1 << 16

Send = Callable[[LocalServers, list[bytes]], str]


def prove(units: Units) -> dict[str, Any]:
    """Seconds until the refusal and memory of all processes above what they had, by way and by what headers say."""
    return units.do("admission", _measure)


def _measure() -> dict[str, Any]:
    silent = _silent_flac()
    honest, lying = [silent] * _N_RECORDINGS, [_lying(silent)] * _N_RECORDINGS
    with tempfile.TemporaryDirectory(prefix="silencio-admission-") as temporary:
        folder = Path(temporary)
        write_ogg(folder / "clip.ogg", song(5.0, _RATE_HZ, seed=0), _RATE_HZ)
        clip = (folder / "clip.ogg").read_bytes()
        with local_servers(write_placeholder_bundle(folder / "bundle")) as servers:
            # What the first requests of a process take once and keep is not this one's.
            for send in _WAYS.values():
                send(servers, [clip] * 8)
            found = {
                f"{way}, {what}": _measured(servers, send, recordings)
                for what, recordings in (("headers are right", honest), ("headers say a tenth of a second", lying))
                for way, send in _WAYS.items()
            }
            assert _json(servers, [clip]).startswith("200"), "the servers still answer"
    return {"recordings": _N_RECORDINGS, "duration_s": _DURATION_S, "body_bytes": len(_body(honest)), **found}


def _measured(servers: LocalServers, send: Send, recordings: list[bytes]) -> dict[str, Any]:
    process_ids = [one.process.pid for one in servers.both]
    with watched(process_ids) as before:
        pass
    with watched(process_ids) as during:
        begun_s = time.perf_counter()
        answer = send(servers, recordings)
        took_s = time.perf_counter() - begun_s
    return {
        "answer": answer,
        "took_s": round(took_s, 2),
        "pss_before_mib": round(before.peak_pss_bytes / 2**20, 1),
        "pss_more_mib": round((during.peak_pss_bytes - before.peak_pss_bytes) / 2**20, 1),
    }


def _body(recordings: list[bytes]) -> bytes:
    return json.dumps(
        {"instances": [{"audio": {"b64": base64.b64encode(one).decode()}} for one in recordings]}
    ).encode()


def _json(servers: LocalServers, recordings: list[bytes]) -> str:
    return _post(servers, _body(recordings))


def _chunked(servers: LocalServers, recordings: list[bytes]) -> str:
    body = _body(recordings)

    def pieces() -> Iterator[bytes]:
        for at in range(0, len(body), _PIECE_BYTES):
            yield body[at : at + _PIECE_BYTES]

    return _post(servers, pieces())


def _post(servers: LocalServers, content: bytes | Iterator[bytes]) -> str:
    headers = {"Content-Type": "application/json"}
    with httpx.Client(trust_env=False, timeout=_CLIENT_TIMEOUT_S) as client:
        answer = client.post(servers.url + _ROUTE, content=content, headers=headers)
    return str(answer.status_code) if answer.is_success else f"{answer.status_code} {answer.json()['error']}"


def _grpc(servers: LocalServers, recordings: list[bytes]) -> str:
    import grpc

    with mock.patch.object(sys, "argv", sys.argv[:1]):  # kserve parses the command line when it is imported
        from kserve import InferenceGRPCClient, InferInput, InferRequest

    audio = InferInput("audio", [len(recordings)], "BYTES")
    audio.set_data_from_numpy(np.array(recordings, object), binary_data=True)

    async def send() -> str:
        async with InferenceGRPCClient(servers.grpc_address, timeout=_CLIENT_TIMEOUT_S) as client:
            try:
                await client.infer(InferRequest("silencio", [audio]))
            except grpc.aio.AioRpcError as error:
                return f"{error.code().name} {error.details()}"
        return "OK"

    return asyncio.run(send())


_WAYS: dict[str, Send] = {"REST": _json, "REST, chunked": _chunked, "gRPC": _grpc}


def _silent_flac() -> bytes:
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", _RATE_HZ, 1, format="FLAC") as sound:
        for _ in range(_DURATION_S):
            sound.write(np.zeros(_RATE_HZ))
    return file.getvalue()


def _lying(flac: bytes) -> bytes:
    """The head of its first frame once more behind its last one: by what stands there it is one block long."""
    at, is_last = 4, False
    while not is_last:
        is_last = bool(flac[at] & 0x80)
        at += 4 + int.from_bytes(flac[at + 1 : at + 4], "big")
    return flac + flac[at : at + 16]
