"""`python -m serving.transformer --bundle DIR --predictor_host HOST:PORT`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from silencio.command import command, exit_with
from silencio.errors import ConfigError

if TYPE_CHECKING:
    from fastapi import FastAPI


@command
def main() -> None:
    """Serve until a signal comes."""
    from serving.metrics.sessions import SessionCounter
    from serving.prediction_log.opened import open_prediction_log
    from serving.server.accounting import Accounting
    from serving.server.marks import MarkPolicy
    from serving.server.protocol import LOG_CLOSE_TIMEOUT_S, PRIORITIES, SHADOW_CLOSE_TIMEOUT_S
    from serving.server.start import argument_parser, parsed_settings, serve
    from serving.settings.transformer import TransformerSettings
    from serving.transformer.model import Transformer
    from serving.transformer.predictor_client import PredictorClient
    from serving.transformer.predictor_tls import predictor_credentials
    from serving.transformer.shadow import open_shadow
    from serving.transformer.telemetry import PredictionRecorder

    parser = argument_parser(
        "serving.transformer",
        "Serve recordings: decode, featurize, call the predictor, name species.",
        TransformerSettings,
    )
    needed = {"predictor_host": "--predictor_host HOST:PORT, the predictor's gRPC port"}
    settings = parsed_settings(parser, TransformerSettings, needed)
    try:
        credentials = predictor_credentials(settings)
        log = open_prediction_log(settings)
        shadow = open_shadow(settings, settings.model_name)
    except ConfigError as error:
        parser.error(str(error))
    recorder = PredictionRecorder(log)
    model = Transformer(
        settings.model_name,
        settings.bundle,
        PredictorClient(settings.predictor_host, settings.predictor_deadline_s, credentials=credentials),
        recorder,
        n_processes=settings.decoders,
        max_feature_bytes=settings.max_feature_bytes,
        site_list=settings.site_list,
        birdnet_range=settings.birdnet_range,
        shadow=shadow,
    )
    accounting = Accounting(
        SessionCounter(settings.session_s, PRIORITIES),
        MarkPolicy(settings.host, has_keys=settings.keys is not None, of_everybody=settings.trust_marks),
        arm=settings.arm or "",
        release_id=settings.release_id or "",
        on_failed=recorder.record_failed,
    )
    try:
        serve(model, settings, routes=_add_routes, accounting=accounting)
    finally:
        if shadow is not None:
            shadow.close(SHADOW_CLOSE_TIMEOUT_S)
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
