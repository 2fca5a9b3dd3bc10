"""One file as mono samples at the rates at which they were recorded, whatever its writer got wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np
import soundfile
from numpy.typing import NDArray

from silencio.audio.containers import Encoded, Section, sections_of
from silencio.audio.limits import MAX_AUDIO_S, MAX_RATE_HZ
from silencio.audio.mixing import Mix, plain_mix, survey
from silencio.audio.notes import ReadingNote
from silencio.errors import DecodeError

Truncated = Literal["note", "refuse"]

# A decoder that is asked for everything at once trusts the header's frame count, which an attacker writes.
# A block holds this many samples of all channels together.
_BLOCK_SAMPLES = 1 << 16
_FLOAT_SUBTYPES = frozenset({"FLOAT", "DOUBLE"})
_LOSSY_SUBTYPES = ("VORBIS", "OPUS", "MPEG")
# Decoders of lossy codings overshoot where the recording was at full scale.
_MAX_LOSSY_PEAK = 1.5
# Of full scale, -40 dB: less is common and makes no difference to any model.
_MIN_DC_OFFSET = 0.01
# Errors of the decoder without a sample between them: it does not find its place again.
_MAX_ERRORS = 3


@dataclass(frozen=True)
class Part:
    """One of the recordings that a file joins; most files have one.

    Attributes:
        sample_rate_hz: Samples a second.
        blocks: float32, each (n_samples,); to be taken before the next part is asked for.
    """

    sample_rate_hz: int
    blocks: Iterator[NDArray[np.float32]]


class _Sound(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no types
    """Read from front to back: soundfile seeks after every read, which fails where a length is not known."""

    def seekable(self) -> bool:
        return False


class Recording:
    """A file that is read from front to back; a context manager.

    Args:
        source: The encoded bytes, or the file that holds them.
        max_duration_s: Refuse what is longer, before more than that was decoded.
        truncated: What becomes of a file that ends before its recording does.
        progressed: Called again and again while channels and levels are looked at, before the first block.

    Attributes:
        sample_rate_hz: Sample rate of the first part; this and the next two are known once it was opened.
        n_channels: Number of channels of the file.
        container: libsndfile's name of the format.
        n_samples: A channel, of all parts so far.
        duration_s: Length of all parts so far.
        notes: What was not as it should be, so far.

    Raises:
        DecodeError: The file cannot be read, is empty, or is of a kind that is not decoded.
    """

    def __init__(
        self,
        source: bytes | Path,
        *,
        max_duration_s: float | None = None,
        truncated: Truncated = "note",
        progressed: Callable[[], None] = lambda: None,
    ) -> None:
        self.sample_rate_hz = self.n_channels = self.n_samples = 0
        self.container = ""
        self.notes: list[ReadingNote] = []
        self._max_duration_s = max_duration_s
        self._truncated = truncated
        self._progressed = progressed
        self.duration_s = 0.0
        self._encoded = Encoded(source)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._encoded.close()

    def parts(self) -> Iterator[Part]:
        """Its recordings in their order; once only.

        Raises:
            DecodeError: Now or among the blocks: not audio, no samples, no numbers, too long, or truncated and refused.
        """
        found = sections_of(self._encoded)
        self._note(*found.notes)
        for number, section in enumerate(found.sections):
            try:
                with self._opened(section) as sound:
                    if not number:
                        self.sample_rate_hz, self.n_channels = int(sound.samplerate), int(sound.channels)
                        self.container = section.container or str(sound.format)
                    mix = self._mix(section, sound)
                    self._note(*mix.notes)
                    yield Part(int(sound.samplerate), self._mono(sound, section, mix))
            except DecodeError as error:
                if not number or error.kind != "not_audio":
                    raise
                self._note(ReadingNote("damaged", f"of joined recordings number {number + 1} is left out: {error}"))
        if not self.n_samples:
            raise DecodeError("the audio holds no samples", "no_samples")

    def _note(self, *notes: ReadingNote) -> None:
        for note in notes:
            if note.kind == "truncated" and self._truncated == "refuse":
                raise DecodeError(note.text, "truncated")
            # One of a kind: what the headers show comes first and says more.
            if note.kind not in {known.kind for known in self.notes}:
                self.notes.append(note)

    @contextmanager
    def _opened(self, section: Section) -> Iterator[soundfile.SoundFile]:
        try:
            sound = _Sound(self._encoded.view(section.pieces))
        except soundfile.LibsndfileError as error:
            text = f"not audio that can be decoded ({self._encoded.n_bytes} bytes): {error.error_string}"
            raise self._encoded.failure or DecodeError(text, "not_audio") from error
        with sound:
            if not 1 <= sound.samplerate <= MAX_RATE_HZ:
                raise DecodeError(
                    f"the audio has {sound.samplerate} samples a second, the most that is taken is {MAX_RATE_HZ}"
                )
            yield sound
        if self._encoded.failure is not None:
            raise self._encoded.failure

    def _mix(self, section: Section, sound: soundfile.SoundFile) -> Mix:
        is_float = sound.subtype in _FLOAT_SUBTYPES
        if sound.channels == 1 and not is_float:
            return plain_mix(1)
        with self._opened(section) as first_pass:
            return survey(self._watched(self._frames(first_pass)), sound.channels, is_float)

    def _watched(self, frames: _Frames) -> Iterator[NDArray[np.float32]]:
        for block in frames:
            self._progressed()
            yield block

    def _frames(self, sound: soundfile.SoundFile) -> _Frames:
        return _Frames(sound, self.duration_s, self._max_duration_s)

    def _mono(self, sound: soundfile.SoundFile, section: Section, mix: Mix) -> Iterator[NDArray[np.float32]]:
        frames = self._frames(sound)
        levels = _Levels(sound.subtype.startswith(_LOSSY_SUBTYPES))
        for block in frames:
            mono = mix(block)
            levels.add(mono)
            yield mono
        self.n_samples += frames.n_frames
        self.duration_s += frames.n_frames / sound.samplerate
        n_claimed = section.n_claimed
        if n_claimed is not None and n_claimed > MAX_AUDIO_S * sound.samplerate:
            n_claimed = 0  # no recorder's: it was never written
        self._note(*levels.notes(), *_ending(frames, n_claimed))


class _Frames:
    """Blocks of frames, float32 (n_frames, n_channels), as far as the decoder comes.

    Args:
        sound: Sound from its beginning.
        duration_s: Length of the parts before it.
        max_duration_s: Refuse what is longer, those parts counted; None takes all.

    Attributes:
        n_frames: Number of frames read so far.
        n_errors: Number of errors of the decoder.
        error: The last one's words, where no sample came after it; empty otherwise.
    """

    def __init__(self, sound: soundfile.SoundFile, duration_s: float, max_duration_s: float | None) -> None:
        self._sound = sound
        self._max_duration_s = max_duration_s
        self._max_frames = None if max_duration_s is None else int((max_duration_s - duration_s) * sound.samplerate)
        self.n_frames = self.n_errors = 0
        self.error = ""

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        n_vain = 0
        while n_vain < _MAX_ERRORS:
            block, error = self._read()
            self.n_errors += bool(error)
            if len(block):
                self.n_frames += len(block)
                self._check(block)
                yield block
            elif not error:
                return
            self.error = error or ("" if len(block) else self.error)
            n_vain = n_vain + 1 if error and not len(block) else 0

    def _read(self) -> tuple[NDArray[np.float32], str]:
        n_frames = max(1, _BLOCK_SAMPLES // self._sound.channels)
        # A decoder that fails in the middle of a block does not say how much of it is done.
        block = np.full((n_frames, self._sound.channels), np.nan, np.float32)
        try:
            return self._sound.read(out=block), ""
        except soundfile.LibsndfileError as error:
            missing = np.flatnonzero(np.isnan(block[:, -1]))
            return block[: missing[0] if len(missing) else n_frames], error.error_string

    def _check(self, block: NDArray[np.float32]) -> None:
        if self._max_frames is not None and self.n_frames > self._max_frames:
            raise DecodeError(
                f"the audio is longer than {self._max_duration_s:g} s, the most that is taken", "too_long"
            )
        if not np.isfinite(block).all():
            raise DecodeError("the audio holds samples that are not finite numbers", "not_finite")


def _ending(frames: _Frames, n_claimed: int | None) -> list[ReadingNote]:
    """What is odd about how a decoder ended."""
    n_found = frames.n_frames
    notes = []
    if frames.error and n_claimed and n_found >= n_claimed:
        pass  # what is behind the last frame is no frame: padding, or a tag
    elif frames.error and n_claimed is None:
        text = f"after {n_found} samples the rest cannot be decoded: {frames.error}"
        notes.append(ReadingNote("damaged", text))
    elif frames.error:
        of = f" of {n_claimed}" if n_claimed else ""
        text = f"the file is truncated: {n_found}{of} samples are there, the next cannot be decoded: {frames.error}"
        notes.append(ReadingNote("truncated", text))
    elif n_claimed and n_found < n_claimed and n_claimed != 2 * n_found:
        text = f"the file is truncated: {n_found} of {n_claimed} samples are there"
        notes.append(ReadingNote("truncated", text))
    elif n_claimed and n_found != n_claimed:
        text = f"the header says {n_claimed} samples, {n_found} were found and read"
        notes.append(ReadingNote("header_size", text))
    if frames.n_errors and not frames.error:
        text = f"the decoder lost its place {frames.n_errors} times and went on"
        notes.append(ReadingNote("damaged", text))
    return notes


class _Levels:
    """Offset and overflow of mono samples.

    Args:
        is_lossy: The coding's decoder overshoots.
    """

    def __init__(self, is_lossy: bool) -> None:
        self._max_peak = _MAX_LOSSY_PEAK if is_lossy else 1.0
        self._n_samples = self._n_beyond = 0
        self._peak = self._sum = 0.0

    def add(self, samples: NDArray[np.float32]) -> None:
        self._n_samples += len(samples)
        self._sum += float(samples.sum(dtype=np.float64))
        size = np.abs(samples)
        peak = float(size.max())
        if peak > 1.0:
            self._peak = max(self._peak, peak)
            self._n_beyond += int(np.count_nonzero(size > 1.0))

    def notes(self) -> list[ReadingNote]:
        """What is odd."""
        notes = []
        if self._peak > self._max_peak:
            text = f"{self._n_beyond} of {self._n_samples} samples are beyond full scale, up to {self._peak:.3g} times"
            notes.append(ReadingNote("beyond_full_scale", f"{text}: they were clipped"))
        offset = self._sum / max(1, self._n_samples)
        if abs(offset) >= _MIN_DC_OFFSET:
            text = f"the samples lie around {offset:.3f} of full scale instead of 0: that was left as it is"
            notes.append(ReadingNote("dc_offset", text))
        return notes
