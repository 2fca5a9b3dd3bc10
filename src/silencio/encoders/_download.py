"""One file fetched once: taken up where it broke off, checked, and by one process at a time."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

import requests  # type: ignore[import-untyped, unused-ignore]
from filelock import FileLock
from tqdm import tqdm

from silencio.errors import ConfigError, PretrainedWeightsError
from silencio.network import is_loopback, proxy_of, trusted_certificates
from silencio.storage import replace_file, sha256_of, writing

_CONNECT_S, _READ_S = 10, 60
_CHUNK_BYTES = 1 << 20


def download(address: str, path: Path, sha256: str, advice: str) -> Path:
    """Fetch a file into its place.

    What came before a connection broke is kept in `.NAME.partial`, for this call and for the next.

    Args:
        address: Address of the file.
        path: Its place; the folder is made.
        sha256: SHA-256 of its bytes.
        advice: What else can be done, for the message.

    Returns:
        `path`.

    Raises:
        PretrainedWeightsError: It cannot be fetched, or is another file; then what came is thrown away.
        StorageError: The place cannot be written, or its disk is full.
    """
    partial = path.with_name(f".{path.name}.partial")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock")):
            if not path.is_file():  # another process may have been first
                _fetch(address, partial, f"{path.name} is not here and cannot be fetched from {address}", advice)
                _check(partial, sha256, f"{path.name} from {address}", advice)
                replace_file(partial, path)
    return path


def _fetch(address: str, partial: Path, what: str, advice: str) -> None:
    """Ask again for the rest as long as each time something comes."""
    if address.startswith("https:"):
        try:
            trusted_certificates("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
        except ConfigError as error:
            raise PretrainedWeightsError(f"{what} ({error}): {advice}") from error
    while True:
        n_before = _size_bytes(partial)
        try:
            return _transfer(address, partial)
        except requests.RequestException as error:
            if _size_bytes(partial) <= n_before:
                raise PretrainedWeightsError(f"{what} ({_reason(error, address)}): {advice}") from error


def _transfer(address: str, partial: Path) -> None:
    n_here = _size_bytes(partial)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={n_here}-"} if n_here else {})
    with (
        _session(address) as session,
        session.get(address, headers=headers, stream=True, timeout=(_CONNECT_S, _READ_S)) as response,
    ):
        if n_here and response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # nothing is missing, and the checksum says whether it is right
        response.raise_for_status()
        is_rest = response.status_code == HTTPStatus.PARTIAL_CONTENT
        n_kept = n_here if is_rest else 0  # a server that does not know ranges sends everything again
        n_bytes = n_kept + int(response.headers["Content-Length"]) if "Content-Length" in response.headers else None
        bar = tqdm(total=n_bytes, initial=n_kept, desc=partial.name[1:], unit="B", unit_scale=True, mininterval=2.0)
        with partial.open("ab" if is_rest else "wb") as file, bar:
            for chunk in response.iter_content(_CHUNK_BYTES):
                file.write(chunk)
                bar.update(len(chunk))


def _session(address: str) -> requests.Session:
    session = requests.Session()
    # A proxy of the environment cannot reach this machine's loopback.
    session.trust_env = not is_loopback(address)
    return session


def _check(partial: Path, sha256: str, what: str, advice: str) -> None:
    actual = sha256_of(partial)
    if actual != sha256:
        partial.unlink()
        raise PretrainedWeightsError(
            f"{what} is another file and was thrown away (its sha256 is {actual}, {sha256} is expected): {advice}"
        )


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: requests.RequestException, address: str) -> str:
    if error.response is not None:
        return f"HTTP {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if proxy := proxy_of(address):
        return f"no connection through the proxy that the environment names, {proxy.shown}"
    return "the connection broke" if isinstance(error, requests.exceptions.ChunkedEncodingError) else "no connection"
