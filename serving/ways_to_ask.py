"""The commands that `up` prints: what a newcomer copies, with the key and the certificate that this server wants."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from serving.agreement import MODEL_NAME
from serving.connection import API_KEY
from serving.trust import CACERT_OPTION


def ways_to_ask(url: str, keys: Path | None, certificate: Path | None) -> str:
    """Commands for a POSIX shell in this very folder, in which FILE and NAME are for the reader to replace.

    Args:
        url: Of the transformer.
        keys: Its file of keys; None where it wants none.
        certificate: That it shows; None where it speaks no TLS.
    """
    route = f"{url}/v1/models/{MODEL_NAME}:predict"
    python = _python()
    trust = f" {CACERT_OPTION} {_quoted(certificate)}" if certificate else ""
    curl = f"curl -s{trust}" + (f' -H "Authorization: Bearer ${API_KEY}"' if keys else "")
    return f"""{_key(python, keys)}Ask with a recording of yours in place of FILE (OGG, WAV, FLAC, MP3):

  {curl} -H 'Content-Type: audio/ogg' --data-binary @FILE {route}

or as JSON, as many recordings and species as you like:

  printf '{{"instances":[{{"audio":{{"b64":"%s"}}}}],"parameters":{{"top_k":3}}}}' "$(base64 < FILE | tr -d '\\n')" \\
    | {curl} -H 'Content-Type: application/json' --data-binary @- {route}

or as a table:

  {python} -m serving predict FILE --url {url}{trust}
"""


def _key(python: str, keys: Path | None) -> str:
    if keys is None:
        return ""
    return f"""The server wants a key. Put yours into the environment, or a new one, with your name in place of NAME:

  export {API_KEY}="$({python} -m serving.access new NAME --keys {_quoted(keys)})"

"""


def _python() -> str:
    """The interpreter that runs this, as it can be typed here: no other has what the commands need."""
    here = os.path.relpath(sys.executable)
    return _quoted(Path(sys.executable if here.startswith(os.pardir) else here))


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
