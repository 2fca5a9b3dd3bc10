"""Silencio's speed, as ratios against references measured in the same run: `python -m benchmarks`."""

import os

# One thread each, for us and for the references; BLAS reads it when numpy is first imported.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "SILENCIO_THREADS"):
    os.environ[_name] = "1"
