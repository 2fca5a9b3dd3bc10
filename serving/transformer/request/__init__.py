"""What a client may send, and the sentence that answers everything else."""

from serving.transformer.request.predict_request import EncodedRecording, GivenFeatures, Known, Options, Question
from serving.transformer.request.read import read_request, understand

__all__ = ["EncodedRecording", "GivenFeatures", "Known", "Options", "Question", "read_request", "understand"]
