"""Sound as numbers: decode, resample, cut into windows. The only code that does so."""

from silencio.audio.decode import DecodedAudio, decode
from silencio.audio.resample import resample
from silencio.audio.statistics import audio_statistics
from silencio.audio.waveform import dequantize, quantize
from silencio.audio.windows import cut_window, cut_windows, n_windows, window_starts_s

__all__ = [
    "DecodedAudio",
    "audio_statistics",
    "cut_window",
    "cut_windows",
    "decode",
    "dequantize",
    "n_windows",
    "quantize",
    "resample",
    "window_starts_s",
]
