"""The commands that `up` prints: what a newcomer copies, with the key and the certificate that this server wants."""

from __future__ import annotations

import shlex
from pathlib import Path

from serving.client.options import API_KEY, CACERT_OPTION
from serving.server.protocol import MODEL_NAME
from silencio.interpreter import silencio

# The shell's own printf: what it writes is in no list of processes, as an argument of curl would be.
_HEADER = f"printf 'Authorization: Bearer %s\\n' \"${API_KEY}\""


def example_requests(url: str, keys: Path | None, certificate: Path | None) -> str:
    """Commands for a POSIX shell in this very folder, in which FILE and NAME are for the reader to replace.

    Args:
        url: The transformer's address.
        keys: The transformer's keys file; None where it wants no key.
        certificate: The certificate that it shows; None where it speaks no TLS.
    """
    route = f"{url}/v1/models/{MODEL_NAME}:predict"
    trust = f" {CACERT_OPTION} {_quoted(certificate)}" if certificate else ""
    return f"""{_key(keys)}Ask with a recording of yours in place of FILE (OGG, WAV, FLAC, MP3):

  {_recording(route, trust, keys)}

or as JSON, as many recordings and species as you like:

  printf '{{"instances":[{{"audio":{{"b64":"%s"}}}}],"parameters":{{"top_k":3}}}}' "$(base64 < FILE | tr -d '\\n')" \\
    | {_json(route, trust, keys)}

or as a table:

  {silencio()} predict FILE --url {url}{trust}
"""


def _recording(route: str, trust: str, keys: Path | None) -> str:
    key = f"{_HEADER} \\\n    | " if keys else ""
    return f"{key}curl -s{trust}{' -H @-' if keys else ''} -H 'Content-Type: audio/ogg' --data-binary @FILE {route}"


def _json(route: str, trust: str, keys: Path | None) -> str:
    """What comes by a pipe is sent; where the key comes by one as well, it is handed on as file 3."""
    options = f"{trust}{' -H @-' if keys else ''} -H 'Content-Type: application/json'"
    request = f"curl -s{options} --data-binary @{'/dev/fd/3' if keys else '-'} {route}"
    return f"{{ {_HEADER} \\\n    | {request}; }} 3<&0" if keys else request


def _key(keys: Path | None) -> str:
    if keys is None:
        return ""
    return f"""The server wants a key. Put yours into the environment, or a new one, with your name in place of NAME:

  export {API_KEY}="$({silencio()} keys new NAME --keys {_quoted(keys)})"

"""


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
