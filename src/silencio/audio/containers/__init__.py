"""Where in a file its sound lies: headers parsed at their place, and believed only where they can be true.

Recorders lose power, pipes do not know a length in advance, phones never write the mark of the end, and people join
files with `cat`. What libsndfile is given is therefore not the file but what `sections_of` finds in it.
"""

from silencio.audio.containers.dispatch import sections_of
from silencio.audio.containers.encoded import Encoded
from silencio.audio.containers.section import FoundSections, Section

__all__ = ["Encoded", "FoundSections", "Section", "sections_of"]
