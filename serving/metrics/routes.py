"""Routes as labels: few, whatever clients request."""

from __future__ import annotations

import re

OTHER = "other"
# A version changes nothing of the route.
_MODEL = re.compile(r"^/(v1)/models/[^/:]+|^/(v2)/models/[^/:]+(?:/versions/[^/]+)?")
# What the SDK takes at each.
METHODS = {
    "/": "GET",
    "/metrics": "GET",
    "/openapi.json": "GET",
    "/v1/models": "GET",
    "/v1/models/{name}": "GET",
    "/v1/models/{name}:predict": "POST",
    "/v1/models/{name}:explain": "POST",
    "/v2": "GET",
    "/v2/health/live": "GET",
    "/v2/health/ready": "GET",
    "/v2/models": "GET",
    "/v2/models/{name}": "GET",
    "/v2/models/{name}/ready": "GET",
    "/v2/models/{name}/infer": "POST",
}


PREDICT_ROUTES = ("/v1/models/{name}:predict", "/v2/models/{name}/infer")
# Every status of a predict route, beside 499 for a client that did not wait. 504 is a proxy's, and a judge of releases
# wants the same series of all of them.
PREDICT_STATUSES = [
    *("200", "204", "400", "401", "404", "405", "408", "413", "415", "429", "499"),
    *("500", "501", "503", "504"),
]
# Of what is no request for anything there is.
OTHER_STATUSES = ["400", "401", "404", "405", "408", "429", "431", "500", "503"]
GRPC_PREDICT_ROUTE = "grpc ModelInfer"
GRPC_STATUSES = (
    "OK",
    "CANCELLED",
    "DEADLINE_EXCEEDED",
    "INTERNAL",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "RESOURCE_EXHAUSTED",
    "UNAUTHENTICATED",
    "UNAVAILABLE",
    "UNIMPLEMENTED",
)


def template_of(path: str) -> str:
    """The route of a path, without the model's name; `other` where the SDK has none."""
    template = _MODEL.sub(lambda found: f"/{found[1] or found[2]}/models/{{name}}", path)
    return template if template in METHODS else OTHER


def allowed_methods(template: str) -> str:
    """The methods that `Allow` lists, at one of `METHODS`: the SDK's, and those that the middleware adds."""
    return "GET, HEAD, OPTIONS" if METHODS[template] == "GET" else f"{METHODS[template]}, OPTIONS"
