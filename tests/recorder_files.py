"""Files as recorders, phones, pipes and people leave them: made from whole ones, byte by byte."""

from __future__ import annotations

import struct

from silencio.audio.containers.mp3_frames import frame_of

_OGG_POLYNOMIAL = 0x04C11DB7


def with_data_size(wav: bytes, n_bytes: int) -> bytes:
    """A WAV whose data chunk claims another size."""
    at = wav.index(b"data") + 4
    return wav[:at] + struct.pack("<I", n_bytes) + wav[at + 4 :]


def with_chunk(wav: bytes, name: bytes, content: bytes, *, behind: bool = False) -> bytes:
    """A WAV with one more chunk, before its samples or behind them."""
    chunk = name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
    at = len(wav) if behind else wav.index(b"data")
    return wav[:at] + chunk + wav[at:]


def with_flac_total(flac: bytes, n_samples: int) -> bytes:
    """A FLAC whose first block claims another number of samples."""
    packed = int.from_bytes(flac[18:26], "big") >> 36 << 36 | n_samples
    return flac[:18] + packed.to_bytes(8, "big") + flac[26:]


def with_flac_comment(flac: bytes, comment: bytes) -> bytes:
    """A FLAC with one more comment block right behind its first block."""
    vendor, entry = b"recorder", b"COMMENT=" + comment
    block = struct.pack("<I", len(vendor)) + vendor + struct.pack("<II", 1, len(entry)) + entry
    return flac[:42] + b"\x04" + len(block).to_bytes(3, "big") + block + flac[42:]


def with_first_flac_frame_again(flac: bytes) -> bytes:
    """A FLAC behind whose end the head of its first frame stands once more: it seems to be a block long."""
    at, is_last = 4, False
    while not is_last:
        is_last = bool(flac[at] & 0x80)
        at += 4 + int.from_bytes(flac[at + 1 : at + 4], "big")
    return flac + flac[at : at + 16]


def with_last_ogg_position_alone(ogg: bytes) -> bytes:
    """An Ogg of which only the last page says how many samples lie before it, which no page can hold."""
    at, pages = 0, []
    while at < len(ogg):
        end = at + 27 + ogg[at + 26] + sum(ogg[at + 27 : at + 27 + ogg[at + 26]])
        pages.append(bytearray(ogg[at:end]))
        at = end
    for page in pages[2:-1]:
        page[6:14] = struct.pack("<q", -1)
        page[22:26] = bytes(4)
        page[22:26] = struct.pack("<I", _ogg_checksum(bytes(page)))
    return b"".join(pages)


def with_mp3_frames_again(mp3: bytes, n_times: int) -> bytes:
    """An MP3 with its twentieth frame so many times more: for headers only, as long as one that takes long to make."""
    begin = end = 0
    for _ in range(20):
        frame = frame_of(mp3[end + 1], mp3[end + 2])
        if frame is None:
            raise ValueError(f"no frame at byte {end}")
        begin, end = end, end + frame.n_bytes
    return mp3[:end] + mp3[begin:end] * n_times + mp3[end:]


def without_ogg_end(ogg: bytes) -> bytes:
    """An Ogg as Android's writer leaves it: its last page is whole and has no mark of the end."""
    begin = ogg.rindex(b"OggS")
    page = bytearray(ogg[begin:])
    page[5] &= ~0x04
    page[22:26] = bytes(4)
    page[22:26] = struct.pack("<I", _ogg_checksum(bytes(page)))
    return ogg[:begin] + bytes(page)


def _ogg_checksum(page: bytes) -> int:
    """By the book (RFC 3533, section 6): bit by bit, so that it shares nothing with what it checks."""
    remainder = 0
    for byte in page:
        remainder ^= byte << 24
        for _ in range(8):
            remainder = (remainder << 1 ^ (_OGG_POLYNOMIAL if remainder & 0x80000000 else 0)) & 0xFFFFFFFF
    return remainder
