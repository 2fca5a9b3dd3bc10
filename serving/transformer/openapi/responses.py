"""Every status that an operation may answer with, what it means, and its headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serving.server.recorder_ids import RECORDER_ID_RULE

_TEXT = {"type": "string"}
HEADERS: dict[str, Any] = {
    "X-Request-ID": {"description": "Of the request: the client's own, or the server's.", "schema": _TEXT},
    "X-Silencio-Request-ID": {"description": "Of the request: the server's own, for its logs.", "schema": _TEXT},
    "Retry-After": {"description": "Seconds until it is worth trying again.", "schema": {"type": "integer"}},
    "WWW-Authenticate": {"description": "How a key is sent.", "schema": _TEXT},
    "Allow": {"description": "The methods that are taken here.", "schema": _TEXT},
    "Accept-Encoding": {"description": "How a body may be packed.", "schema": _TEXT},
}
REQUEST_ID = {
    "name": "X-Request-ID",
    "in": "header",
    "required": False,
    "description": "Of yours, for the logs: 1 to 128 letters, digits and ._:/+=@-; else the server's is used.",
    "schema": _TEXT,
}
SESSION_ID = {
    "name": "X-Session-ID",
    "in": "header",
    "required": False,
    # No lengths in the schema: an empty one is none, and one beside a body's is not looked at.
    "description": "Ties requests of one walk, stream or device together, as session_id does where the body has none: "
    "up to 200 characters. Where two bundles share visitors, a proxy can hand those of one session to the same by it.",
    "schema": _TEXT,
}


def _recorder_id(name: str, what: str, field: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        # No pattern in the schema: an empty one is none, and one beside a body's is not looked at.
        "description": f"{what}, as {field} does where the body has none: {RECORDER_ID_RULE}.",
        "schema": _TEXT,
    }


SITE_ID = _recorder_id("X-Silencio-Site", "Names where the recorder stands", "site_id")
DEVICE_ID = _recorder_id("X-Silencio-Device", "Names the recorder", "device_id")
# Of every operation that takes recordings.
HEAD_PARAMETERS = [REQUEST_ID, SESSION_ID, SITE_ID, DEVICE_ID]
_IDS = ("X-Request-ID", "X-Silencio-Request-ID")
# Meaning, and headers beside the request's id.
_ERRORS: dict[int, tuple[str, tuple[str, ...]]] = {
    400: ("The request cannot be used; the sentence names the field, what was found and what is allowed.", ()),
    401: ("No API key, or an unknown one, where the server wants one.", ("WWW-Authenticate",)),
    404: ("There is no such route, model or version.", ()),
    405: ("The route takes other methods.", ("Allow",)),
    408: ("The body stood still, or the head never ended.", ()),
    413: ("The body is larger than the server reads, as it came or unpacked.", ()),
    415: ("The body is packed in a way that is not taken.", ("Accept-Encoding",)),
    429: ("The key's quota is used up.", ("Retry-After",)),
    431: ("The head is larger than the server reads.", ()),
    500: ("A fault of the server's; its log has it by the request's id.", ()),
    503: ("Not ready, or too busy.", ("Retry-After",)),
}
_OF_OPEN_ROUTES = (404, 405, 408, 431, 500, 503)
_OF_READING = (401, *_OF_OPEN_ROUTES, 429)
_OF_PREDICTING = (400, 401, 404, 405, 408, 413, 415, 429, 431, 500, 503)
OPEN, READING, PREDICTING = _OF_OPEN_ROUTES, _OF_READING, _OF_PREDICTING


def schema_ref(name: str) -> dict[str, str]:
    """A reference to a schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def responses(description: str, content: Mapping[str, Any], errors: tuple[int, ...]) -> dict[str, Any]:
    """The answers of one operation.

    Args:
        description: Description of the 200.
        content: Schemas by media type, of the 200.
        errors: Statuses of errors, of those in this file.
    """
    answers = {"200": _response(description, content, ())}
    for status in sorted(errors):
        text, headers = _ERRORS[status]
        answers[str(status)] = _response(text, {"application/json": schema_ref("Error")}, headers)
    return answers


def _response(description: str, content: Mapping[str, Any], headers: tuple[str, ...]) -> dict[str, Any]:
    return {
        "description": description,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in (*_IDS, *headers)},
        "content": {media_type: {"schema": schema} for media_type, schema in content.items()},
    }
