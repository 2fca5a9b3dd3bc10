"""Thousands of broken recordings at the real processes: whatever is sent, it is a 200 or a 400."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest

from serving.local import LocalServers
from tests.waiting import HANG_S

ROUTE = "/v1/models/silencio:predict?top_k=1"
N_UPLOADS = 2_400
Make = Callable[..., bytes]


def _crc_table() -> list[int]:
    """RFC 3533: polynomial 0x04c11db7, not reflected."""
    table = []
    for byte in range(256):
        crc = byte << 24
        for _ in range(8):
            crc = (crc << 1) ^ (0x04C11DB7 if crc & 0x80000000 else 0)
        table.append(crc & 0xFFFFFFFF)
    return table


_TABLE = _crc_table()


def _crc(page: bytes) -> int:
    crc = 0
    for byte in page:
        crc = ((crc << 8) & 0xFFFFFFFF) ^ _TABLE[(crc >> 24) ^ byte]
    return crc


def _with_checksums(encoded: bytes) -> bytes:
    """Every whole Ogg page with the checksum of what is in it now."""
    out, begin = bytearray(encoded), 0
    while (begin := encoded.find(b"OggS", begin)) >= 0 and begin + 27 <= len(encoded):
        end = begin + 27 + encoded[begin + 26]
        end += sum(encoded[begin + 27 : end])
        page = bytearray(encoded[begin:end])
        page[22:26] = bytes(4)
        out[begin + 22 : begin + 26] = struct.pack("<I", _crc(bytes(page)))
        begin = max(end, begin + 1)
    return bytes(out[: len(encoded)])


def _mutated(rng: np.random.Generator, encoded: bytes, first: int) -> bytes:
    """Changed from `first` on: single bytes, a cut-out, a repeated stretch, zeros, or an end too early."""
    data = bytearray(encoded)
    kind = rng.integers(5)
    for _ in range(1 + rng.integers(8)):
        at = int(rng.integers(first, len(data)))
        length = int(rng.integers(1, 64))
        if kind == 0:
            data[at] = int(rng.integers(256))
        elif kind == 1 and len(data) - length > first + 1:
            del data[at : at + length]
        elif kind == 2:
            data[at:at] = data[at : at + length]
        elif kind == 3:
            data[at : at + length] = bytes(len(data[at : at + length]))
    return bytes(data[: int(rng.integers(first + 1, len(data)))] if kind == 4 else data)


def _uploads(recording: Make) -> list[tuple[str, bytes]]:
    rng = np.random.default_rng(20251121)
    whole = {container: recording(0.4, container) for container in ("OGG", "WAV", "FLAC", "MP3")}
    # Behind the headers: the third page of Vorbis, the samples of WAV, the first frames of the others.
    body = {"OGG": whole["OGG"].find(b"OggS", 60) + 27, "WAV": 44, "FLAC": 60, "MP3": 300}
    uploads = []
    for i in range(N_UPLOADS):
        container = ("OGG", "OGG", "WAV", "FLAC", "MP3")[i % 5]
        behind = i % 3 > 0
        encoded = _mutated(rng, whole[container], body[container] if behind else 0)
        if container == "OGG" and behind:
            encoded = _with_checksums(encoded)
        uploads.append((container, encoded))
    return uploads


def test_checksum__a_page_of_libsndfile_has_it(recording: Make) -> None:
    encoded = recording(1.0)
    assert _with_checksums(encoded) == encoded


@pytest.mark.soak
def test_mutations__never_a_5xx(servers: LocalServers, recording: Make) -> None:
    uploads = _uploads(recording)
    limits = httpx.Limits(max_connections=4)
    with httpx.Client(base_url=servers.url, trust_env=False, timeout=HANG_S, limits=limits) as client:

        def send(upload: tuple[str, bytes]) -> httpx.Response:
            return client.post(ROUTE, content=upload[1], headers={"Content-Type": "audio/ogg"})

        with ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(send, uploads))
    statuses = Counter(one.status_code for one in answers)
    assert set(statuses) <= {200, 400}, statuses
    # A decoder that opens the file is past the header, whether it then finds samples, too few or none.
    past = [one for one in answers if one.status_code == 200 or "not audio" not in one.json()["error"]]
    assert len(past) >= N_UPLOADS / 3, statuses
    assert not [one.text for one in answers if "crashed" in one.text]
    with httpx.Client(base_url=servers.url, trust_env=False, timeout=HANG_S) as client:
        assert client.get("/v2/models/silencio/ready").status_code == 200
