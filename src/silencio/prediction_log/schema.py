"""Every column of the prediction log; docs/prediction_log.md says what each means."""

from __future__ import annotations

import pyarrow as pa

from silencio.audio import AUDIO_STATISTICS, BAND_STATISTICS, SPECTRAL_STATISTICS

PARTITION = "date="
SUFFIX = ".parquet"
STAGES = ("decode", "features", "predictor", "names")
TIME = pa.timestamp("us", tz="UTC")
PROBABILITIES = pa.list_(pa.float16())
BANDS = pa.list_(pa.float32())

# A column that not every row has is nullable: files from before it was written, and requests that failed, which have no
# windows.
SCHEMA = pa.schema(
    [
        pa.field("request_id", pa.string(), nullable=False),
        pa.field("prediction_id", pa.string()),
        pa.field("client_request_id", pa.string()),
        pa.field("session_id", pa.string()),
        pa.field("site_id", pa.string()),
        pa.field("device_id", pa.string()),
        pa.field("key_name", pa.string()),
        pa.field("received_at", TIME, nullable=False),
        pa.field("recorded_at", TIME),
        pa.field("latitude", pa.float64()),
        pa.field("longitude", pa.float64()),
        pa.field("recording", pa.int32()),
        pa.field("recording_sha256", pa.string()),
        pa.field("waveform_sha256", pa.string()),
        pa.field("n_samples", pa.int64()),
        pa.field("sample_rate_hz", pa.int32()),
        pa.field("source_format", pa.string()),
        pa.field("notes", pa.list_(pa.string())),
        pa.field("status", pa.string()),
        pa.field("bundle_name", pa.string(), nullable=False),
        pa.field("bundle_version", pa.string(), nullable=False),
        pa.field("bundle_sha256", pa.string()),
        pa.field("spec_sha256", pa.string(), nullable=False),
        pa.field("arm", pa.string()),
        pa.field("release_id", pa.string()),
        pa.field("shadow", pa.bool_()),
        *(pa.field(f"{stage}_s", pa.float32()) for stage in STAGES),
        pa.field("start_s", pa.float64()),
        pa.field("end_s", pa.float64()),
        pa.field("top_codes", pa.list_(pa.string())),
        pa.field("top_probabilities", pa.list_(pa.float32())),
        pa.field("detected_codes", pa.list_(pa.string())),
        pa.field("dropped_codes", pa.list_(pa.string())),
        pa.field("probabilities", PROBABILITIES),
        pa.field("entropy", pa.float32()),
        *(pa.field(name, pa.float32()) for name in (*AUDIO_STATISTICS, *SPECTRAL_STATISTICS)),
        *(pa.field(name, BANDS) for name in BAND_STATISTICS),
    ]
)

# As columns were called in files that were written before they were renamed.
FORMER_NAMES = {"bundle_sha256": "manifest_sha256", "detected_codes": "named_codes"}
