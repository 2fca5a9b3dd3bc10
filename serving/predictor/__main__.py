"""`python -m serving.predictor --bundle DIR`."""

from __future__ import annotations

from silencio.command import command, exit_with


@command
def main() -> None:
    """Serve until a signal comes."""
    from serving.predictor.model import Predictor
    from serving.predictor.options import add_options, settings_of
    from serving.server.start import argument_parser, parsed_options, serve

    parser = argument_parser("serving.predictor", "Run a bundle's graph behind the Open Inference Protocol V2.")
    add_options(parser)
    options = parsed_options(parser)
    serve(Predictor(options.model_name, options.bundle, settings_of(options)), options)


if __name__ == "__main__":
    exit_with(main)
