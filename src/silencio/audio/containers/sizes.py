"""How long the samples are: what a header says, held against what is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from silencio.audio.containers.encoded import Encoded
from silencio.audio.notes import ReadingNote

# Sizes that pipes and writers of streams leave behind lie close below these (sox 0x7FFFF000, arecord 0x80000000,
# espeak 0x7FFFFFFF less its header, ffmpeg and GStreamer 0xFFFFFFFF).
_UNKNOWN_LIMITS = (1 << 31, 1 << 32)
_UNKNOWN_BELOW_BYTES = 1 << 16
# A header that counts itself is this long at most; more than that is sound that is missing.
_MAX_HEADER_BYTES = 1 << 16
_FEW_BLOCKS = 4
# Of a long rest, the bytes at its two ends that must be zeros.
_PADDING_BYTES = 1 << 16
# No chunk is shorter.
_MIN_HEAD_BYTES = 8
# Whoever writes such a size says that it is not known, and nothing is wrong with that.
UNKNOWN = 0xFFFFFFFF


@dataclass(frozen=True)
class Samples:
    """Where a container's header puts its samples.

    Attributes:
        begin: Their first byte.
        n_claimed_bytes: How many there should be; None where the header says that it does not know.
        block_bytes: One sample of every channel; more where the coding works in blocks.
        wraps: The size was written in 32 bits, however long the recording is.
        n_header_bytes: Size of the header, where some writers count it among the samples.
    """

    begin: int
    n_claimed_bytes: int | None
    block_bytes: int
    wraps: bool
    n_header_bytes: int = 0


def found_end(
    encoded: Encoded, samples: Samples, is_tail: Callable[[int], bool]
) -> tuple[int, tuple[ReadingNote, ...]]:
    """Where the samples end, and a note where that is not where the header says.

    Args:
        encoded: The file's bytes.
        samples: What its header says.
        is_tail: Whether what begins at a byte can stand behind samples: other chunks, padding, tags.
    """
    n_there = encoded.n_bytes - samples.begin
    claimed = samples.n_claimed_bytes
    if claimed is None or claimed == n_there:
        return encoded.n_bytes, ()
    if claimed == 0 and not is_padding(encoded, samples.begin) and is_tail(samples.begin):
        return samples.begin, ()  # nothing was recorded, and other chunks follow
    if _means_unknown(claimed, n_there):
        return encoded.n_bytes, (_differs(claimed, n_there),)
    if claimed > n_there:
        return encoded.n_bytes, (_lacks(samples, claimed, n_there),)
    if is_tail(samples.begin + claimed):
        return samples.begin + claimed, ()
    if samples.wraps:
        for n_bytes in range(claimed + (1 << 32), n_there + 1, 1 << 32):
            if samples.begin + n_bytes == encoded.n_bytes or is_tail(samples.begin + n_bytes):
                return samples.begin + n_bytes, (_differs(claimed, n_bytes),)
    return encoded.n_bytes, (_differs(claimed, n_there),)


def is_padding(encoded: Encoded, at: int) -> bool:
    """Whether the rest of the file is a few bytes, or zeros, as cards are filled with that were reserved in advance."""
    if encoded.n_bytes - at < _MIN_HEAD_BYTES:
        return True
    # Most rests begin with a chunk, and there may be thousands to look at.
    if any(encoded.read(at, _MIN_HEAD_BYTES)):
        return False
    ends = encoded.read(at, _PADDING_BYTES), encoded.read(max(at, encoded.n_bytes - _PADDING_BYTES), _PADDING_BYTES)
    return all(end.count(0) == len(end) for end in ends)


def _means_unknown(claimed: int, n_there: int) -> bool:
    if claimed == 0:
        return n_there > 0
    return claimed > n_there and any(0 <= limit - claimed <= _UNKNOWN_BELOW_BYTES for limit in _UNKNOWN_LIMITS)


def _lacks(samples: Samples, claimed: int, n_there: int) -> ReadingNote:
    # Recorders that count their header among the samples, or write the size of a block that they then did not fill.
    counts_header = min(samples.n_header_bytes, _MAX_HEADER_BYTES)
    if claimed - n_there <= max(counts_header, _FEW_BLOCKS * samples.block_bytes):
        return _differs(claimed, n_there)
    return ReadingNote("truncated", f"the file is truncated: {n_there} of {claimed} bytes of samples are there")


def _differs(claimed: int, n_bytes: int) -> ReadingNote:
    return ReadingNote("header_size", f"the header says {claimed} bytes of samples, {n_bytes} were found and read")
