"""Every error that Silencio raises on purpose, as one tree.

    SilencioError
    ├── ConfigError              a setting, an option or an override that cannot be used
    ├── AudioError
    │   ├── DecodeError          bytes that are no audio, or audio that holds nothing
    │   └── TooManyStepsError    headers so many that no recording has them
    ├── DecoderProcessError      a process that decodes died
    │   └── UntrustedAnswerError it sent what no decoder of ours sends
    ├── UnexpectedError          a fault in our own code, in another process
    ├── DataError
    │   ├── SchemaError          a table with a wrong column or value
    │   ├── SourceError          recordings that could not be found or fetched
    │   └── SplitError           an assignment that cannot be drawn, or does not fit the data
    ├── ModelError
    │   └── PretrainedWeightsError   a backbone that needs weights and has none
    ├── StorageError             a folder or an S3 place that cannot be read or written
    ├── RegistryError            a tracking server that does not answer, or refuses
    ├── PipelineError            a run that ended before its last step
    ├── BundleError
    │   ├── BundleIntegrityError a file, class or parameter that is not the one that was exported
    │   ├── BundleSignatureError a bundle that no trusted key signed, or not as it is
    │   └── ParityError          the same bundle gives other numbers here than where it was made
    ├── ReleaseError
    │   ├── ReleaseRefusedError  a release that may not begin, or an action that it does not allow as it stands
    │   ├── RouteError           the splitter of traffic, or the cluster, that does not answer or does not do it
    │   │   └── RouteChangedError    somebody else changed what is routed
    │   ├── CountsUnreadableError    counters that are missing, stale or no numbers: no data, which is never 0
    │   └── LeaseHeldError       another judge is at work
    └── ServingError             a server that does not start, or does not answer

A message says what is wrong, which value it was, and what to do.
"""

from __future__ import annotations


class SilencioError(Exception):
    """Root of all errors that a user of Silencio may want to catch."""


class ConfigError(SilencioError):
    """A setting, an option or an override that cannot be used."""


class AudioError(SilencioError):
    """Something about sound."""


class DecodeError(AudioError):
    """Bytes that are no audio, or audio without any sound in it.

    Args:
        message: What is wrong.
        kind: One word for counters: `empty`, `not_audio`, `truncated`, `no_samples`, `not_finite`, `unreadable`,
            `too_short`, `too_long`, `crash`, `timeout`, `memory`, `other`.
    """

    def __init__(self, message: str, kind: str = "other") -> None:
        super().__init__(message)
        self.kind = kind

    def __reduce__(self) -> tuple[type[DecodeError], tuple[str, str]]:
        return type(self), (str(self), self.kind)


class TooManyStepsError(AudioError):
    """Headers so many that no recording has them: what they say is not looked for any further."""


class DecoderProcessError(SilencioError):
    """A process that decodes died of a file."""


class UntrustedAnswerError(DecoderProcessError):
    """A process that decodes sent what no decoder of ours sends."""


class UnexpectedError(SilencioError):
    """Work in another process raised what it should not: a fault in our own code, told with its text."""


class DataError(SilencioError):
    """Something about recordings and their tables."""


class SchemaError(DataError):
    """A table with a wrong column or value."""


class SourceError(DataError):
    """Recordings that could not be found or fetched."""


class SplitError(DataError):
    """An assignment that cannot be drawn, or that does not fit the data."""


class ModelError(SilencioError):
    """Something about heads and supervisors."""


class PretrainedWeightsError(ModelError):
    """A backbone that needs pretrained weights and has none."""


class StorageError(SilencioError):
    """A folder or an S3 place that cannot be read or written."""


class RegistryError(SilencioError):
    """A tracking server that does not answer, or refuses."""


class PipelineError(SilencioError):
    """A pipeline run that ended before its last step."""


class BundleError(SilencioError):
    """Something about the unit of release."""


class BundleIntegrityError(BundleError):
    """A file, class or parameter that is not the one that was exported."""


class BundleSignatureError(BundleError):
    """A bundle that must be signed, and that no trusted key signed, or not as it is."""


class ParityError(BundleError):
    """The same bundle gives other numbers here than where it was made."""


class ReleaseError(SilencioError):
    """Something about the release of a bundle."""


class ReleaseRefusedError(ReleaseError):
    """A release that may not begin, or an action that it does not allow as it stands; nothing was changed."""


class RouteError(ReleaseError):
    """The splitter of traffic, or the cluster, does not answer or does not do what was asked."""


class RouteChangedError(RouteError):
    """Somebody else changed what is routed."""


class CountsUnreadableError(ReleaseError):
    """Counters that are missing, stale or no numbers: no data, which is never 0."""


class LeaseHeldError(ReleaseError):
    """Another judge is at work, or was since."""


class ServingError(SilencioError):
    """A server that does not start, or does not answer."""
