"""Command lines, environments, and the files that they name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from delivery.given import SECRETS
from delivery.render import Object
from delivery.rendered import Pod, Rendered
from delivery.servers import environment_of, server_of
from silencio.storage.settings import SECRETS_DIR

# Files that a server is given, not makes.
_FILES = ("bundle", "keys", "tls_cert", "tls_key", "site_list", "predictor_ca", "predictor_client_cert")


def arguments(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Each container runs a command of ours, with options and variables that it takes, and values that it can use."""
    for pod in rendered.pods:
        for one in pod.programs:
            server = server_of(one)
            if not server.module:
                command = " ".join(map(str, one.get("command") or ()))
                yield pod.owner, f"the container {one.get('name')} runs {command!r}, which is no known command"
            for fault in server.faults:
                yield pod.owner, f"the container {one.get('name')}, {server.module}: {fault}"
            if (
                server.module == "serving.transformer"
                and server.settings
                and not server.settings.model_dump()["predictor_host"]
            ):
                yield pod.owner, f"the container {one.get('name')} has no --predictor_host"


def files(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """Each file that a server is given lies in a volume, and in a secret by the key of its name."""
    for pod in rendered.pods:
        for one in pod.programs:
            settings = server_of(one).settings
            named = [getattr(settings, name, None) for name in _FILES]
            folder = environment_of(one).get(SECRETS_DIR)
            mounted = [] if settings else _below_etc(one)
            for path in [*filter(None, named), *([f"{folder}/"] if folder else []), *mounted]:
                fault = _file_fault(pod, one.get("volumeMounts") or [], str(path))
                if fault:
                    yield pod.owner, f"the container {one.get('name')} is given {path}, {fault}"


def _below_etc(container: Object) -> list[str]:
    """Files of others' configuration, in arguments and variables: no image brings ours along."""
    arguments = [str(one).partition("=")[2] for one in container.get("args") or ()]
    values = [value for value in environment_of(container).values() if value]
    return [one for one in [*arguments, *values] if one.startswith("/etc/")]


def _file_fault(pod: Pod, mounts: list[dict[str, str]], path: str) -> str:
    wanted = PurePosixPath(path)
    mount = next((one for one in mounts if wanted.is_relative_to(one["mountPath"])), None)
    if mount is None:
        return "which is in no volume that it mounts"
    volumes = {one["name"]: one for one in pod.spec.get("volumes") or ()}
    secret = (volumes.get(mount["name"]) or {}).get("secret") or {}
    is_folder = path.endswith("/") or wanted == PurePosixPath(mount["mountPath"])
    keys = SECRETS.get(secret.get("secretName", ""))
    if keys and not is_folder and Path(path).name not in keys:
        return f"and the secret {secret['secretName']} has no such key"
    return ""
