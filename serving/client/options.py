"""Options of commands that call a server, and where they find what no option sets."""

from __future__ import annotations

import argparse
from pathlib import Path

from serving.server.recorder_ids import RECORDER_ID_RULE, RecorderIds, is_recorder_id

KEY_IN_CLEAR_OPTION = "--api-key-in-clear"
# Where a command finds its key: an option would be seen in the list of processes.
API_KEY = "SILENCIO_API_KEY"
CACERT_OPTION = "--cacert"
# The first two are OpenSSL's, the others of requests and curl; the first that is set counts.
CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def add_connection_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of a command that calls a server and may show it a key."""
    _add_cacert(parser)
    parser.add_argument(
        KEY_IN_CLEAR_OPTION,
        dest="key_in_clear",
        action="store_true",
        help="send the API key to another machine by http:// too, where everybody on the way can read it",
    )


def add_recorder_options(parser: argparse._ActionsContainer, device_default: str) -> None:
    """Declare the options by which a command names the recorder of what it sends.

    Args:
        parser: The command's.
        device_default: What names the recorder where the option does not, for the help.
    """
    for name, what in (
        ("--site", "where the recorder stands"),
        ("--device", f"which it is; default: {device_default}"),
    ):
        parser.add_argument(name, type=_recorder_id, metavar="ID", help=f"for the prediction log: {what}")


def recorder_of(options: argparse.Namespace) -> RecorderIds:
    """What `add_recorder_options` declared."""
    return RecorderIds(options.site or "", options.device or "")


def _recorder_id(text: str) -> str:
    if not is_recorder_id(text):
        raise argparse.ArgumentTypeError(f"{text!r}: {RECORDER_ID_RULE}")
    return text


def _add_cacert(parser: argparse.ArgumentParser) -> None:
    """Declare the option of a command that calls a server."""
    parser.add_argument(
        CACERT_OPTION,
        type=Path,
        metavar="FILE",
        help="PEM of whoever signed the server's certificate, or that certificate itself, for --url https://… "
        f"(default: the environment's {CERTIFICATE_VARIABLES[0]}, else public authorities)",
    )
