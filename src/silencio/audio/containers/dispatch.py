"""Which container a file is, by its first bytes."""

from __future__ import annotations

from collections.abc import Callable

from silencio.audio.containers.aiff import aiff_sections
from silencio.audio.containers.au_caf import au_sections, caf_sections
from silencio.audio.containers.encoded import Encoded
from silencio.audio.containers.flac import flac_sections
from silencio.audio.containers.mp3 import mp3_sections
from silencio.audio.containers.ogg import ogg_sections
from silencio.audio.containers.section import FoundSections, whole
from silencio.audio.containers.tags import behind_tags
from silencio.audio.containers.wav import wav_sections
from silencio.audio.containers.wave64 import WAVE64_RIFF, wave64_sections
from silencio.errors import DecodeError

_PARSERS: dict[bytes, Callable[[Encoded, int], FoundSections]] = {
    b"OggS": ogg_sections,
    b"RIFF": wav_sections,
    b"RIFX": wav_sections,
    b"RF64": wav_sections,
    b"BW64": wav_sections,
    b"fLaC": flac_sections,
    b"FORM": aiff_sections,
    b".snd": au_sections,
    b"caff": caf_sections,
    WAVE64_RIFF[:4]: wave64_sections,
}
# What phones, cameras and messengers write and libsndfile does not know: (first byte, signature, name).
_OTHERS = (
    (4, b"ftyp", "MPEG-4 audio or video (.m4a, .mp4)"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska or WebM"),
    (0, b"#!AMR", "AMR"),
    (0, b"\x30\x26\xb2\x75", "Windows Media (.wma)"),
    (0, b"wvpk", "WavPack"),
    (0, b"MAC ", "Monkey's Audio"),
)


def sections_of(encoded: Encoded) -> FoundSections:
    """The recordings in a file, and what is odd about its headers.

    Args:
        encoded: The file's bytes.

    Raises:
        DecodeError: It is a kind of sound that is not decoded here; the message names it.
    """
    begin = behind_tags(encoded, 0)
    head = encoded.read(begin, 16)
    parse = _PARSERS.get(head[:4])
    if parse is not None:
        return parse(encoded, begin)
    for at, signature, name in _OTHERS:
        if head[at : at + len(signature)] == signature:
            raise DecodeError(
                f"{name} is not decoded here: convert it to FLAC, WAV, OGG or MP3 first, for example with ffmpeg",
                "not_audio",
            )
    return mp3_sections(encoded, begin) or whole(encoded.n_bytes)
