"""Sound as numbers: decode, resample, cut into windows. The only code that does so."""

from silencio.audio.decode import DecodedAudio, Waveform, WaveformReader, decode, read_waveform
from silencio.audio.notes import ReadingNote
from silencio.audio.resample import resample, resampled
from silencio.audio.statistics import audio_statistics
from silencio.audio.truncation import truncation
from silencio.audio.waveform import dequantize, quantize
from silencio.audio.windows import cut_window, cut_windows, n_windows, pad_window, pieces_of_blocks, window_starts_s

__all__ = [
    "DecodedAudio",
    "ReadingNote",
    "Waveform",
    "WaveformReader",
    "audio_statistics",
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
    "truncation",
    "window_starts_s",
]
