"""How short and how long a recording may be, for every way in."""

from __future__ import annotations

# Shorter than any call: what is left of a file that was opened and closed again.
MIN_AUDIO_S = 0.1
# The longest that any recorder writes into one file. One request takes less: `serving.server.protocol`.
MAX_AUDIO_S = 86_400.0
# Recorders for bats reach 500 kHz, laboratory cards a megahertz. A header may claim any rate, and its samples would all
# be decoded and resampled.
MAX_RATE_HZ = 1_000_000
