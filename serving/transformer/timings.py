"""How long the stages of one request took."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Timings:
    """Seconds that a request waited for each stage; its recordings are decoded beside each other.

    Attributes:
        decode_s: Until its recordings were decoded, without the time of features.
        features_s: Log-mels and waveforms, of the recording that took longest.
        predictor_s: Probabilities, with every wait and retry.
        names_s: Documents: names, thresholds, place and season.
    """

    decode_s: float
    features_s: float
    predictor_s: float
    names_s: float

    def by_stage(self) -> dict[str, float]:
        """Seconds by stage, in order; the stages are `serving.metrics.REQUEST_STAGES`."""
        return {
            "decode": self.decode_s,
            "features": self.features_s,
            "predictor": self.predictor_s,
            "names": self.names_s,
        }
