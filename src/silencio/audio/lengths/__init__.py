"""How long a recording is, by what its headers say: nothing is decoded, and no decoder reads a byte.

For admission: before a recording is handed to a decoder, somebody must know whether it is one of five seconds or of
ten minutes. Headers may lie; whoever decodes holds the result against this claim.
"""

from silencio.audio.lengths.claimed import claimed_duration_s
from silencio.audio.lengths.steps import Steps

__all__ = ["Steps", "claimed_duration_s"]
