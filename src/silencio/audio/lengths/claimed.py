"""Which container a file is, and how long its headers say that it lasts."""

from __future__ import annotations

from collections.abc import Callable

from silencio.audio.containers.encoded import Encoded
from silencio.audio.containers.tags import behind_tags
from silencio.audio.containers.wave64 import WAVE64_RIFF
from silencio.audio.lengths.flac import flac_duration_s
from silencio.audio.lengths.mp3 import mp3_duration_s
from silencio.audio.lengths.ogg import ogg_duration_s
from silencio.audio.lengths.pcm import aiff_duration_s, au_duration_s, caf_duration_s, wav_duration_s, wave64_duration_s
from silencio.audio.lengths.steps import Steps
from silencio.errors import DecodeError, TooManyStepsError

_PARSERS: dict[bytes, Callable[[Encoded, int, float, Steps], float | None]] = {
    b"OggS": ogg_duration_s,
    b"RIFF": wav_duration_s,
    b"RIFX": wav_duration_s,
    b"RF64": wav_duration_s,
    b"BW64": wav_duration_s,
    b"fLaC": flac_duration_s,
    b"FORM": aiff_duration_s,
    b".snd": au_duration_s,
    b"caff": caf_duration_s,
    WAVE64_RIFF[:4]: wave64_duration_s,
}


def claimed_duration_s(encoded: bytes, max_duration_s: float, steps: Steps) -> float | None:
    """How long a recording lasts, by its headers and by how many bytes there are.

    It is what a decoder would find in a file that was written in order, but for a fraction of a second: what encoders
    put around the sound, and a last page or frame that is cut. A header's own count is not believed where the file
    itself shows how far it goes: recorders write twice what they recorded, or what was to come.

    Args:
        encoded: The file's bytes.
        max_duration_s: Longer is not looked at: what is returned then is anything above it.
        steps: What may be looked at; those that were are taken from it.

    Returns:
        Seconds; None where the headers do not tell.
    """
    try:
        with Encoded(encoded) as file:
            begin = behind_tags(file, 0)
            parse = _PARSERS.get(file.read(begin, 4), mp3_duration_s)
            return parse(file, begin, max_duration_s, steps)
    except (TooManyStepsError, DecodeError):  # an empty file: the decoder says so
        return None
