"""Turn one shard of recordings into waveforms."""

from components.featurize.component import featurize

__all__ = ["featurize"]
