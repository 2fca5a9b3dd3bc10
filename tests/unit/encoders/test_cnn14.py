"""CNN14 reads the official checkpoint by its names, hears as Kong et al. say, and its graph says what torch says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from silencio.encoders import Encoder
from silencio.encoders._cnn14 import Cnn14, export, load
from silencio.encoders.config import EncoderConfig
from silencio.encoders.registry import encoder_spec
from silencio.errors import PretrainedWeightsError

_BLOCKS = {1: (1, 64), 2: (64, 128), 3: (128, 256), 4: (256, 512), 5: (512, 1024), 6: (1024, 2048)}


def shape_of_everything() -> dict[str, tuple[int, ...]]:
    """Names and shapes of `Cnn14_mAP=0.431.pth`, as the authors' code defines them."""
    shapes: dict[str, tuple[int, ...]] = {
        "spectrogram_extractor.stft.conv_real.weight": (513, 1, 1024),
        "spectrogram_extractor.stft.conv_imag.weight": (513, 1, 1024),
        "logmel_extractor.melW": (513, 64),
        "fc1.weight": (2048, 2048),
        "fc1.bias": (2048,),
        "fc_audioset.weight": (527, 2048),
        "fc_audioset.bias": (527,),
    }
    norms = {"bn0": 64}
    for number, (n_in, n_out) in _BLOCKS.items():
        shapes[f"conv_block{number}.conv1.weight"] = (n_out, n_in, 3, 3)
        shapes[f"conv_block{number}.conv2.weight"] = (n_out, n_out, 3, 3)
        norms |= {f"conv_block{number}.bn1": n_out, f"conv_block{number}.bn2": n_out}
    for norm, n in norms.items():
        shapes |= {f"{norm}.{name}": (n,) for name in ("weight", "bias", "running_mean", "running_var")}
        shapes[f"{norm}.num_batches_tracked"] = ()
    return shapes


def write_checkpoint(path: Path, **changed: tuple[int, ...] | None) -> Path:
    shapes = {name: shape for name, shape in (shape_of_everything() | changed).items() if shape is not None}
    # One number, seen as a whole tensor: the file is small and its shapes are right.
    state = {name: torch.zeros(1).expand(shape) if shape else torch.tensor(0) for name, shape in shapes.items()}
    torch.save({"iteration": 600_000, "model": state}, path)
    return path


def hann_stft() -> tuple[torch.Tensor, torch.Tensor]:
    """The checkpoint's two convolutions: a windowed Fourier matrix."""
    angle = 2 * np.pi * np.outer(np.arange(513), np.arange(1024)) / 1024
    window = librosa.filters.get_window("hann", 1024, fftbins=True)
    real, imaginary = np.cos(angle) * window, -np.sin(angle) * window
    return torch.tensor(real[:, None], dtype=torch.float32), torch.tensor(imaginary[:, None], dtype=torch.float32)


def mel_filters() -> NDArray[Any]:
    return librosa.filters.mel(sr=32_000, n_fft=1024, n_mels=64, fmin=50, fmax=14_000)


@pytest.fixture(scope="module")
def small() -> Cnn14:
    """As deep as CNN14 and much narrower, so that it can be drawn and exported in no time."""
    torch.manual_seed(5)
    model = Cnn14(channels=(4, 4, 6, 6, 8, 16))
    real, imaginary = hann_stft()
    state = model.state_dict() | {
        "spectrogram_extractor.stft.conv_real.weight": real,
        "spectrogram_extractor.stft.conv_imag.weight": imaginary,
        "logmel_extractor.melW": torch.tensor(mel_filters().T),
        "bn0.running_mean": torch.full((64,), -40.0),
        "bn0.running_var": torch.full((64,), 400.0),
    }
    model.load_state_dict(state)
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def sounds() -> NDArray[np.float32]:
    noise = np.random.default_rng(3).standard_normal((2, 160_000)) * [[0.1], [0.01]]
    seconds = np.arange(160_000) / 32_000
    return (noise + 0.2 * np.sin(2 * np.pi * 3_000 * seconds)).astype(np.float32)


def test_log_mel__is_librosas(small: Cnn14, sounds: NDArray[np.float32]) -> None:
    power = np.abs(librosa.stft(sounds[0], n_fft=1024, hop_length=320, pad_mode="reflect")) ** 2
    expected = librosa.power_to_db(mel_filters() @ power, ref=1.0, amin=1e-10, top_db=None).T
    used = small.log_mel(torch.from_numpy(sounds[:1])).numpy()
    assert used.shape == (1, 1, 501, 64)
    np.testing.assert_allclose(used[0, 0], expected, atol=1e-3)


def test_log_mel__silence_is_the_least_power(small: Cnn14) -> None:
    assert small.log_mel(torch.zeros(1, 32_000)).unique().tolist() == [-100.0]


def test_export__says_what_torch_says(small: Cnn14, sounds: NDArray[np.float32], tmp_path: Path) -> None:
    export(small, 160_000, tmp_path / "cnn14.onnx")
    spec = encoder_spec("panns_cnn14", EncoderConfig()).model_copy(update={"n_outputs": 16})
    windows = np.round(sounds * 32_767).astype(np.int16)
    shown = Encoder(tmp_path / "cnn14.onnx", spec, 32_000, 1).embed(windows)
    expected = small(torch.from_numpy(windows.astype(np.float32) / 32_768)).numpy()
    assert expected.std() > 1e-3
    np.testing.assert_allclose(shown, expected, atol=1e-4)


def test_load__takes_the_official_names_and_shapes(tmp_path: Path) -> None:
    model = load(write_checkpoint(tmp_path / "cnn14.pth"))
    # Table V of Kong et al. counts the classifier, and not the STFT and the mel filters, which are not trained.
    n_trained, n_classifier, n_front_end = 80_753_615, 527 * 2_049, 513 * (2 * 1_024 + 64)
    assert sum(parameter.numel() for parameter in model.parameters()) == n_trained - n_classifier + n_front_end
    assert not model.training


def test_load__counters_need_not_be_there(tmp_path: Path) -> None:
    counters = {name: None for name in shape_of_everything() if name.endswith("num_batches_tracked")}
    load(write_checkpoint(tmp_path / "cnn14.pth", **counters))


@pytest.mark.parametrize(
    ("name", "shape", "described"),
    [
        ("logmel_extractor.melW", (257, 64), r"logmel_extractor.melW is \(257, 64\), \(513, 64\) is expected"),
        ("conv_block6.conv2.weight", None, r"conv_block6.conv2.weight is missing, \(2048, 2048, 3, 3\) is expected"),
    ],
)
def test_load__another_model_is_one_sentence(
    tmp_path: Path, name: str, shape: tuple[int, ...] | None, described: str
) -> None:
    path = write_checkpoint(tmp_path / "other.pth", **{name: shape})
    with pytest.raises(PretrainedWeightsError, match=rf"^'.*other.pth' is not a checkpoint of CNN14: {described}$"):
        load(path)


def test_load__what_is_no_checkpoint_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "page.pth").write_bytes(b"<html>not found</html>")
    with pytest.raises(PretrainedWeightsError, match="it cannot be read as tensors only$"):
        load(tmp_path / "page.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(PretrainedWeightsError, match="it has no 'model'$"):
        load(tmp_path / "list.pth")
