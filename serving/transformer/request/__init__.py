"""What a client may send, and the sentence that answers everything else."""

from serving.transformer.request.fields import PredictOptions, RecordingMetadata
from serving.transformer.request.parse import parse_payload, parse_request
from serving.transformer.request.parsed_request import EncodedRecording, GivenFeatures, ParsedRequest

__all__ = [
    "EncodedRecording",
    "GivenFeatures",
    "ParsedRequest",
    "PredictOptions",
    "RecordingMetadata",
    "parse_payload",
    "parse_request",
]
