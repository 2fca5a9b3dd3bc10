"""`python -m serving.transformer --bundle DIR --predictor_host HOST:PORT`."""

from __future__ import annotations

from serving.server import argument_parser, serve
from serving.transformer.model import Transformer


def main() -> None:
    """Serve until a signal comes."""
    parser = argument_parser(
        "serving.transformer", "Serve recordings: decode, featurize, ask the predictor, name species."
    )
    # Beside a predictor in one pod the gRPC port is the predictor's.
    parser.set_defaults(enable_grpc=False)
    options = parser.parse_args()
    if not options.predictor_host:
        parser.error("--predictor_host HOST:PORT is needed: where the predictor's gRPC port is")
    serve(Transformer(options.model_name, options.bundle, options.predictor_host), options)


if __name__ == "__main__":
    main()
