"""`python -m serving.predictor --bundle DIR`."""

from __future__ import annotations

from silencio.command import command, exit_with


@command
def main() -> None:
    """Serve until a signal comes."""
    from serving.predictor.model import Predictor, check_runtimes_of
    from serving.server.start import argument_parser, parsed_settings, serve
    from serving.settings.predictor import PredictorSettings

    description = "Run a bundle's graph behind the Open Inference Protocol V2."
    settings = parsed_settings(argument_parser("serving.predictor", description, PredictorSettings), PredictorSettings)
    check_runtimes_of(settings.bundle)
    serve(Predictor(settings.model_name, settings.bundle, settings), settings)


if __name__ == "__main__":
    exit_with(main)
