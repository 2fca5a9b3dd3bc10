"""docs/settings.md: every option of every server with its variable, made from the settings themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator

from serving.settings.command_line import ServingSettings, default_of
from serving.settings.local import LocalSettings
from serving.settings.predictor import PredictorSettings
from serving.settings.server import ServerSettings
from serving.settings.transformer import TransformerSettings
from silencio.settings import EnvironmentSettings, Settings
from silencio.storage.settings import S3Settings

# Taken, as KServe's controller may pass them: read by the SDK when it is imported, or of no effect here.
UNUSED_SDK_OPTIONS = (
    "configure_logging",
    "enable_docs_url",
    "enable_predictor_health_check",
    "predictor_protocol",
    "predictor_request_retries",
    "predictor_request_timeout_seconds",
    "protocol",
    "workers",
)
# In a docstring, the variable of a setting that is no option, and its default.
_VARIABLE = re.compile(r" \(`SILENCIO_\w+`(?:; default:? ([^()]*))?\)")
_INTRODUCTION = """\
# Settings

<!-- Made by serving/settings/page.py; a test holds it. -->

Every option of a server can be given on the command line, as `--max_body_bytes 1000000`, or in the environment, as
`SILENCIO_MAX_BODY_BYTES=1000000`. The command line wins over the environment, and the environment over the default. A
value that cannot be used ends the server with one sentence that names the flag or the variable.

- A switch (`--birdnet_range`) is true or false in the environment; `--no-birdnet_range` takes it back on the command
  line. Several origins have commas between them in the environment.
- A variable that is set to nothing is refused, and not taken for one that is not set: a template that lost the name of
  its keys file would open the server to everybody.
- A variable that nobody reads and that is called almost like one of these is reported in the log. It is not refused:
  other programs have variables that begin with `SILENCIO_`, and Kubernetes makes some for every Service whose name does
  so. Addresses (`tcp://…`) that it puts into `SILENCIO_PORT`, `SILENCIO_HTTP_PORT` or `SILENCIO_GRPC_PORT` are no
  ports, and are passed over.
- A variable that has another name now is refused by a sentence with the new one.
- `--keys`, `--tls_cert`, `--tls_key` and the predictor's certificates name files, such as Kubernetes mounts of a
  secret. The keys of S3 may lie in a folder, a file each by the variable's name: `SILENCIO_SECRETS_DIR`.
- `silencio serve` starts both servers, which see its environment: each takes its own options from it. What lies between
  the two (the predictor's address and port, how it is reached) is not taken from it.
"""


def page() -> str:
    """The whole page."""
    shared = set(ServerSettings.model_fields)
    parts = [
        ("Both servers", _options(ServerSettings, list(ServerSettings.model_fields))),
        ("The transformer", _options(TransformerSettings, _own(TransformerSettings, shared))),
        ("The predictor", _options(PredictorSettings, _own(PredictorSettings, shared))),
        ("`silencio serve`", _options(LocalSettings, list(LocalSettings.model_fields))),
        ("Every process", _variables(Settings)),
        ("S3", _variables(S3Settings)),
    ]
    texts = [f"## {title}\n\n" + "\n".join(rows) + "\n" for title, rows in parts]
    unused = ", ".join(f"`--{name}`" for name in UNUSED_SDK_OPTIONS)
    why = "it reads them by itself, or they change nothing"
    end = f"Options of KServe's SDK have no variable where {why}: {unused}.\n"
    return "\n".join([_INTRODUCTION, *texts, end])


def _own(settings: type[ServerSettings], shared: set[str]) -> list[str]:
    """What only this server has, or has another default of."""
    return [
        name
        for name, field in settings.model_fields.items()
        if name not in shared or (field.default, field.default_factory is None) != _default(name)
    ]


def _default(name: str) -> tuple[object, bool]:
    field = ServerSettings.model_fields[name]
    return field.default, field.default_factory is None


def _options(settings: type[ServingSettings], names: list[str]) -> Iterator[str]:
    yield "| option | variable | default | |"
    yield "|---|---|---|---|"
    descriptions = settings.descriptions()
    for name in names:
        option = settings.option(name)
        flag = f"`{settings.flag(name)}{f' {option.metavar}' if option.metavar else ''}`"
        flags = ", ".join([flag, *(f"`{one}`" for one in option.flags)])
        yield _row(flags, settings.variable(name), default_of(settings.model_fields[name], option), descriptions[name])


def _variables(settings: type[EnvironmentSettings]) -> Iterator[str]:
    yield "| variable | default | |"
    yield "|---|---|---|"
    for name, text in settings.descriptions().items():
        found = _VARIABLE.search(text)
        default = (found and found[1]) or ""
        yield f"| `{settings.variable(name)}` | {default} | {_sentence(_VARIABLE.sub('', text))} |"


def _row(flags: str, variable: str, default: str, text: str) -> str:
    return f"| {flags} | `{variable}` | {default} | {_sentence(text)} |"


def _sentence(text: str) -> str:
    text = text.rstrip(".").replace("|", "\\|")
    return text[0].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text
