"""Sound as numbers: decode, resample, cut into windows. The only code that does so."""

from silencio.audio.decode import (
    DecodedAudio,
    Waveform,
    WaveformReader,
    audio_duration_s,
    check_duration,
    decode,
    read_waveform,
)
from silencio.audio.lengths import Steps, claimed_duration_s
from silencio.audio.limits import MAX_AUDIO_S, MAX_RATE_HZ, MIN_AUDIO_S
from silencio.audio.notes import ReadingNote
from silencio.audio.recording import Recording, Truncated
from silencio.audio.resample import resample, resampled
from silencio.audio.statistics import (
    AUDIO_STATISTICS,
    BAND_STATISTICS,
    N_BANDS,
    SPECTRAL_STATISTICS,
    WINDOW_STATISTICS,
    audio_statistics,
)
from silencio.audio.waveform import dequantize, quantize
from silencio.audio.windows import (
    LastWindow,
    Padding,
    WindowCut,
    WindowRule,
    cut_window,
    cut_windows,
    n_windows,
    pad_window,
    pieces_of_blocks,
    window_starts,
    window_starts_s,
)

__all__ = [
    "AUDIO_STATISTICS",
    "BAND_STATISTICS",
    "MAX_AUDIO_S",
    "MAX_RATE_HZ",
    "MIN_AUDIO_S",
    "N_BANDS",
    "SPECTRAL_STATISTICS",
    "WINDOW_STATISTICS",
    "DecodedAudio",
    "LastWindow",
    "Padding",
    "ReadingNote",
    "Recording",
    "Steps",
    "Truncated",
    "Waveform",
    "WaveformReader",
    "WindowCut",
    "WindowRule",
    "audio_duration_s",
    "audio_statistics",
    "check_duration",
    "claimed_duration_s",
    "cut_window",
    "cut_windows",
    "decode",
    "dequantize",
    "n_windows",
    "pad_window",
    "pieces_of_blocks",
    "quantize",
    "read_waveform",
    "resample",
    "resampled",
    "window_starts",
    "window_starts_s",
]
