"""What the transformer is told."""

from __future__ import annotations

from typing import Annotated

from serving.server.settings import ServerSettings
from serving.settings import Flag, Option
from silencio.settings import File, Text, at_least, whole

DEFAULT_MAX_FEATURE_BYTES = 512 << 20
_RECORDINGS = "recordings"
_PREDICTOR = "predictor: on another machine it is asked by TLS"
_LOG = "prediction log"


class TransformerSettings(ServerSettings):
    """Settings of `python -m serving.transformer`.

    Attributes:
        enable_grpc: Answer over gRPC too; beside a predictor in one pod the gRPC port is the predictor's.
        decoders: Processes that decode and featurize.
        max_feature_bytes: Bytes of decoded sound that are held at once, over all requests; what does not fit waits or
            is answered by 503.
        site_list: Species by place and season (docs/predict.md).
        birdnet_range: Place and season by BirdNET's range model (extra birdnet).
        predictor_host: The predictor's gRPC address, HOST:PORT; needed.
        predictor_use_ssl: Ask the predictor by TLS, and trust public authorities.
        predictor_ca: PEM of whoever signs the predictor's certificate: asks by TLS.
        predictor_client_cert: PEM, shown to the predictor.
        predictor_client_key: PEM, key of the client's certificate.
        predictor_insecure: Ask a predictor on another machine in clear, as where a mesh encrypts.
        predictor_deadline_s: How long to wait for the predictor, with every retry.
        prediction_log: Folder or s3:// place (docs/prediction_log.md); off without it.
        prediction_log_rows: Rows a file.
        prediction_log_seconds: Longest a row waits for its file.
        prediction_log_waiting: Most rows in memory.
        coordinate_step_degrees: Places are rounded to multiples of it in the log, 0 keeps them as they come.
    """

    enable_grpc: Annotated[Flag, Option("server", "BOOL")] = False
    decoders: Annotated[int, whole(1), Option(_RECORDINGS)] = 2
    max_feature_bytes: Annotated[int, whole(1), Option(_RECORDINGS, "BYTES")] = DEFAULT_MAX_FEATURE_BYTES
    site_list: Annotated[File | None, Option(_RECORDINGS, "CSV")] = None
    birdnet_range: Annotated[Flag, Option(_RECORDINGS, "")] = False
    predictor_host: Annotated[Text | None, Option(_PREDICTOR, "HOST:PORT")] = None
    predictor_use_ssl: Annotated[Flag, Option(_PREDICTOR, "BOOL")] = False
    predictor_ca: Annotated[File | None, Option(_PREDICTOR, "FILE")] = None
    predictor_client_cert: Annotated[File | None, Option(_PREDICTOR, "FILE")] = None
    predictor_client_key: Annotated[File | None, Option(_PREDICTOR, "FILE")] = None
    predictor_insecure: Annotated[Flag, Option(_PREDICTOR, "")] = False
    predictor_deadline_s: Annotated[float, at_least(0), Option(_PREDICTOR, "SECONDS")] = 30.0
    prediction_log: Annotated[Text | None, Option(_LOG, "PLACE")] = None
    prediction_log_rows: Annotated[int, whole(1), Option(_LOG)] = 5_000
    prediction_log_seconds: Annotated[float, at_least(0), Option(_LOG, "SECONDS")] = 60.0
    prediction_log_waiting: Annotated[int, whole(1), Option(_LOG)] = 50_000
    coordinate_step_degrees: Annotated[float, at_least(0), Option(_LOG, "DEGREES")] = 0.1
