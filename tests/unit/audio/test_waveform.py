"""float32 to int16 and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from silencio.audio import dequantize, quantize

EVERY_VALUE = np.arange(-32768, 32768).astype(np.int16)


def test_quantize__is_the_inverse_of_dequantize_for_every_value() -> None:
    np.testing.assert_array_equal(quantize(dequantize(EVERY_VALUE)), EVERY_VALUE)


def test_dequantize__is_within_full_scale() -> None:
    samples = dequantize(EVERY_VALUE)
    assert samples.dtype == np.float32
    assert (samples.min(), samples.max()) == (-1.0, 32767 / 32768)


@pytest.mark.parametrize(
    ("sample", "value"),
    [(0.0, 0), (-0.0, 0), (0.5, 16384), (-1.0, -32768), (1.0, 32767), (1.5, 32767), (-7.0, -32768), (1e30, 32767)],
)
def test_quantize__beyond_full_scale_is_clipped_not_wrapped(sample: float, value: int) -> None:
    quantized = quantize(np.array([sample], np.float32))
    assert quantized.dtype == np.int16
    assert quantized[0] == value


@given(st.floats(-1.0, 32767 / 32768, width=32))
def test_quantize__is_off_by_half_a_step_at_most(sample: float) -> None:
    samples = np.array([sample], np.float32)
    assert abs(float(dequantize(quantize(samples))[0]) - sample) <= 0.5 / 32768


@given(st.lists(st.floats(-2.0, 2.0, width=32), min_size=2))
def test_quantize__keeps_the_order(samples: list[float]) -> None:
    assert (np.diff(quantize(np.array(sorted(samples), np.float32)).astype(int)) >= 0).all()


def test_quantize__rounds_instead_of_cutting_off() -> None:
    np.testing.assert_array_equal(quantize(np.array([0.9, -0.9], np.float32) / 32768), [1, -1])


@pytest.mark.parametrize("shape", [(0,), (3,), (2, 5), (2, 3, 4)])
def test_both__keep_the_shape(shape: tuple[int, ...]) -> None:
    samples = np.full(shape, 0.25, np.float32)
    assert quantize(samples).shape == shape
    np.testing.assert_array_equal(dequantize(quantize(samples)), samples)
