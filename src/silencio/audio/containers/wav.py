"""WAV, its big-endian twin RIFX, and RF64 and BW64 for more than 4 GiB (EBU Tech 3306, ITU-R BS.2088)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from silencio.audio.containers.encoded import Encoded
from silencio.audio.containers.section import FoundSections, Section, whole
from silencio.audio.containers.sizes import UNKNOWN, Samples, found_end, is_padding
from silencio.audio.containers.tags import behind_tags

Order = Literal["little", "big"]

_MAX_CHUNKS = 10_000
_MAX_FORMAT_BYTES = 1 << 12
# Chunks that recorders and editors write behind the samples; one of these may itself be cut.
_KNOWN_CHUNKS = frozenset(
    (
        b"LIST",
        b"id3 ",
        b"ID3 ",
        b"guan",
        b"Guan",
        b"wamd",
        b"bext",
        b"cue ",
        b"smpl",
        b"inst",
        b"fact",
        b"JUNK",
        b"junk",
        b"PAD ",
        b"FLLR",
        b"iXML",
        b"_PMX",
        b"afsp",
        b"PEAK",
        b"axml",
        b"labl",
        b"plst",
        b"acid",
        b"SAUR",
        b"levl",
        b"umid",
        b"chna",
        b"ubxt",
        b"aXML",
        b"cart",
        b"strc",
        b"DISP",
        b"XMP_",
    )
)


def wav_sections(encoded: Encoded, start: int) -> FoundSections:
    """The samples of a WAV file.

    Args:
        encoded: The file's bytes.
        start: First byte of its header.
    """
    form = encoded.read(start, 12)
    if form[8:] != b"WAVE":
        return whole(encoded.n_bytes)
    order: Order = "big" if form.startswith(b"RIFX") else "little"
    sound_format, size_64 = b"", b""
    at = start + 12
    for _ in range(_MAX_CHUNKS):
        head = encoded.read(at, 8)
        name, n_bytes = head[:4], int.from_bytes(head[4:], order)
        if len(head) < 8 or name == b"data":
            break
        if name == b"fmt ":
            sound_format = encoded.read(at, 8 + min(n_bytes, _MAX_FORMAT_BYTES))
        elif name == b"ds64":
            size_64 = encoded.read(at + 8, 24)
        at += 8 + n_bytes + n_bytes % 2
    if name != b"data" or len(head) < 8 or len(sound_format) < 24:
        return whole(encoded.n_bytes)  # the decoder says what is missing
    samples = _samples(at + 8, n_bytes, size_64, int.from_bytes(sound_format[20:22], order))
    end, notes = found_end(encoded, samples, lambda place: is_wav_tail(encoded, place, order))
    is_known = samples.n_claimed_bytes is not None
    if is_known and not notes and not start and not form.startswith(b"BW64"):
        return whole(encoded.n_bytes)
    # A header of our own: libsndfile would believe the other one.
    container = "RF64" if size_64 else "WAV"
    header = _header(sound_format, end - samples.begin, order)
    return FoundSections((Section((header, range(samples.begin, end)), container=container),), notes)


def _samples(begin: int, n_bytes: int, size_64: bytes, block_bytes: int) -> Samples:
    claimed: int | None = n_bytes
    if n_bytes == UNKNOWN:
        # In 64 bits a size that was never written is 0 or all ones.
        long = int.from_bytes(size_64[8:16], "little")
        claimed = long if 0 < long < (1 << 64) - 1 else None
    return Samples(begin, claimed, max(1, block_bytes), wraps=not size_64, n_header_bytes=begin)


def is_wav_tail(encoded: Encoded, at: int, order: Order, step: Callable[[], None] = lambda: None) -> bool:
    """Whether what begins at a byte can stand behind the samples: chunks, tags or padding.

    Args:
        encoded: The file's bytes.
        at: Position of the size, in bytes.
        order: Order of the bytes of a size.
        step: Called for each chunk that is looked at.
    """
    # Chunks begin at even bytes; some writers forget that.
    return is_padding(encoded, at) or any(
        behind_tags(encoded, place) != place or _are_chunks(encoded, place, order, step)
        for place in ((at, at + 1) if at % 2 else (at,))
    )


def _are_chunks(encoded: Encoded, at: int, order: Order, step: Callable[[], None]) -> bool:
    """Whether chunks follow each other up to the file's end, the last of them perhaps cut."""
    for _ in range(_MAX_CHUNKS):
        step()
        head = encoded.read(at, 8)
        if len(head) < 8 or is_padding(encoded, at):
            return True
        if not all(0x20 <= letter < 0x7F for letter in head[:4]):
            return behind_tags(encoded, at) != at
        if head[:4] in _KNOWN_CHUNKS:
            return True
        n_bytes = int.from_bytes(head[4:], order)
        at += 8 + n_bytes + n_bytes % 2
        if at > encoded.n_bytes + 1:
            return False
    return False


def _header(sound_format: bytes, n_bytes: int, order: Order) -> bytes:
    if n_bytes + len(sound_format) + 20 < UNKNOWN:
        riff = b"RIFX" if order == "big" else b"RIFF"
        size = (len(sound_format) + 12 + n_bytes).to_bytes(4, order)
        return riff + size + b"WAVE" + sound_format + b"data" + n_bytes.to_bytes(4, order)
    sizes = (len(sound_format) + 48 + n_bytes).to_bytes(8, "little") + n_bytes.to_bytes(8, "little") + bytes(12)
    unknown = UNKNOWN.to_bytes(4, "little")
    return b"RF64" + unknown + b"WAVEds64" + (28).to_bytes(4, "little") + sizes + sound_format + b"data" + unknown
