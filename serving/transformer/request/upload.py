"""A recording's own bytes as the body, and everything else in the query string."""

from __future__ import annotations

from urllib.parse import parse_qsl

from kserve.errors import InvalidInput

from serving.transformer.request.fields import LooseFields, from_text, validated
from serving.transformer.request.parsed_request import EncodedRecording, ParsedRequest

_MAX_FIELDS = 32


def read_upload(body: bytes, query: str) -> ParsedRequest:
    """Parse an upload.

    Raises:
        InvalidInput: An option is unknown or wrong; the message names it.
    """
    fields = validated(LooseFields, from_text(read_query(query)), "query")
    return ParsedRequest((EncodedRecording("body", body, fields),), options=fields)


def read_query(query: str) -> dict[str, str]:
    """Parse a query string into names and values.

    Raises:
        InvalidInput: It is none, or says something twice.
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=_MAX_FIELDS)
    except ValueError as error:
        raise InvalidInput(f"query: cannot be read ({error})") from error
    fields = dict(pairs)
    if len(fields) < len(pairs):
        twice = sorted({name for name, _ in pairs if [n for n, _ in pairs].count(name) > 1})
        raise InvalidInput(f"query.{twice[0]}: is given twice")
    return fields
