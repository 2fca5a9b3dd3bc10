"""Start the page: what is wrong with its arguments is told before, in one sentence."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from monitoring.dashboard.arguments import DashboardArguments
from silencio.bundle.load import Bundle
from silencio.data.source import absolute, open_source
from silencio.errors import ConfigError
from silencio.storage import is_s3

_APP = Path(__file__).with_name("app.py")
# Nothing is sent anywhere, and no browser is opened: it may run where there is none.
_SETTINGS = {
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "server.enableCORS": "true",
    "server.enableXsrfProtection": "true",
    # Nothing is uploaded.
    "server.maxUploadSize": "1",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "theme.primaryColor": "#2a6647",
}


def launch(arguments: DashboardArguments, host: str, port: int) -> int:
    """Serve the page until it is stopped.

    Args:
        arguments: What it shows.
        host: Address it listens on.
        port: Port it listens on.

    Raises:
        SourceError: The data are no source of recordings.
        BundleError: The bundle is not what was exported.
        ConfigError: The address is taken.
    """
    if not is_s3(arguments.data):
        open_source(arguments.data)  # what is elsewhere may be away for a while: the page says so, and is there again
    if arguments.bundle is not None:
        Bundle(arguments.bundle)
    _check_is_free(host, port)
    from streamlit.web import cli

    shown = DashboardArguments(absolute(arguments.data), arguments.bundle and arguments.bundle.resolve(), arguments.log)
    sys.stdout.write(f"http://{host}:{port}  (Ctrl-C stops it)\n")
    sys.stdout.flush()
    settings = {**_SETTINGS, "server.address": host, "server.port": str(port)}
    options = [f"--{name}={value}" for name, value in settings.items()]
    status: int | None = cli.main(["run", str(_APP), *options, "--", *shown.to_words()], standalone_mode=False)
    return status or 0


def _check_is_free(host: str, port: int) -> None:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        raise ConfigError(f"{host}:{port} cannot be listened on ({error.strerror}): choose another --port") from error
