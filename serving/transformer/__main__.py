"""`python -m serving.transformer --bundle DIR --predictor_host HOST:PORT`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from silencio.command import command, exit_with
from silencio.errors import ConfigError

if TYPE_CHECKING:
    from fastapi import FastAPI


@command
def main() -> None:
    """Serve until a signal comes."""
    from serving.prediction_log.options import add_prediction_log_options, prediction_log
    from serving.server.protocol import LOG_CLOSE_TIMEOUT_S
    from serving.server.start import argument_parser, parsed_options, serve
    from serving.transformer.feature_memory import DEFAULT_MAX_BYTES
    from serving.transformer.model import Transformer
    from serving.transformer.predictor_client import PredictorClient
    from serving.transformer.predictor_tls import add_predictor_options, predictor_credentials
    from serving.transformer.telemetry import PredictionRecorder

    parser = argument_parser(
        "serving.transformer", "Serve recordings: decode, featurize, ask the predictor, name species."
    )
    # Beside a predictor in one pod the gRPC port is the predictor's.
    parser.set_defaults(enable_grpc=False)
    parser.add_argument(
        "--decoders", type=int, default=2, help="processes that decode and featurize (default: %(default)s)"
    )
    parser.add_argument(
        "--max_feature_bytes",
        type=int,
        default=DEFAULT_MAX_BYTES,
        help="bytes of decoded sound that are held at once, over all requests (default: %(default)s); what does not "
        "fit waits or is answered by 503",
    )
    parser.add_argument(
        "--site_list",
        type=Path,
        metavar="CSV",
        help="species by place and season (docs/predict.md)",
    )
    parser.add_argument(
        "--birdnet_range", action="store_true", help="place and season by BirdNET's range model (extra birdnet)"
    )
    add_predictor_options(parser)
    add_prediction_log_options(parser)
    options = parsed_options(parser, {"predictor_host": "--predictor_host HOST:PORT, the predictor's gRPC port"})
    if options.decoders < 1:
        parser.error(f"--decoders {options.decoders}: at least 1 is needed")
    if options.max_feature_bytes < 1:
        parser.error(f"--max_feature_bytes {options.max_feature_bytes}: at least 1 is needed")
    try:
        credentials = predictor_credentials(options)
        log = prediction_log(options)
    except ConfigError as error:
        parser.error(str(error))
    model = Transformer(
        options.model_name,
        options.bundle,
        PredictorClient(options.predictor_host, credentials=credentials),
        PredictionRecorder(log),
        n_processes=options.decoders,
        max_feature_bytes=options.max_feature_bytes,
        site_list=options.site_list,
        birdnet_range=options.birdnet_range,
    )
    try:
        serve(model, options, routes=_add_routes)
    finally:
        # Not while requests still end: their rows belong into it.
        if log is not None:
            log.close(LOG_CLOSE_TIMEOUT_S)


def _add_routes(app: FastAPI) -> None:
    from serving.transformer.openapi import add_openapi
    from serving.transformer.page.routes import add_page

    add_page(app)
    add_openapi(app)


if __name__ == "__main__":
    exit_with(main)
