"""Programs that are not ours: the options by which manifests run them, and where they then listen.

Of their many options those that manifests use; tests hold each against the program's own help.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Program:
    """How a program is run.

    Attributes:
        name: For messages.
        command: Its words before its options.
        options: Those that it takes, with their dashes.
        port: Option that says where it listens, or the port itself; empty: it listens nowhere.
        port_name: What for.
        health: Paths at which it tells whether it is ready; none: it is asked by a command.
    """

    name: str
    command: tuple[str, ...]
    options: frozenset[str]
    port: str | int = ""
    port_name: str = ""
    health: frozenset[str] = frozenset()

    def ports(self, arguments: Sequence[str]) -> dict[str, int]:
        """Where it listens with these arguments."""
        if isinstance(self.port, int):
            return {self.port_name: self.port}
        given = [one.partition("=")[2] for one in arguments if one.partition("=")[0] == self.port]
        port = given[-1].rpartition(":")[2] if given else ""
        return {self.port_name: int(port)} if port.isdecimal() else {}

    def faults(self, arguments: Sequence[str]) -> Iterator[str]:
        """What it would refuse."""
        for one in arguments:
            name = one.partition("=")[0]
            if name.startswith("-") and name not in self.options:
                yield f"{self.name} is given {name}, which nobody has held against its help"
        if self.port and not self.ports(arguments):
            yield f"{self.name} is not told its port by {self.port}"


MLFLOW = Program(
    "mlflow server",
    ("mlflow", "server"),
    frozenset(
        {
            "--allowed-hosts",
            "--app-name",
            "--artifacts-destination",
            "--backend-store-uri",
            "--host",
            "--port",
            "--workers",
        }
    ),
    "--port",
    "http",
    frozenset({"/health"}),
)
SEAWEEDFS = Program(
    "weed server",
    ("weed",),
    frozenset(
        {
            "-dir",
            "-filer",
            "-ip",
            "-ip.bind",
            "-logtostderr",
            "-master.telemetry",
            "-master.volumeSizeLimitMB",
            "-s3",
            "-s3.config",
            "-s3.ip.bind",
            "-s3.port",
            "-s3.port.iceberg",
            "-s3.port.lance",
            "-volume.max",
            "-volume.preStopSeconds",
        }
    ),
    "-s3.port",
    "s3",
    frozenset({"/healthz"}),
)
POSTGRES = Program("postgres", ("docker-entrypoint.sh", "postgres"), frozenset(), 5432, "postgres")
PSQL = Program("psql", ("psql",), frozenset({"--dbname", "--file", "--no-psqlrc", "--set"}))
LABEL_STUDIO = Program(
    "label-studio start",
    ("label-studio", "start"),
    frozenset({"--no-browser", "--port"}),
    "--port",
    "http",
    frozenset({"/health/"}),
)
PG_DUMPALL = Program(
    "pg_dumpall",
    ("pg_dumpall",),
    frozenset({"--clean", "--dbname", "--file", "--if-exists", "--no-password", "--no-role-passwords"}),
)
RCLONE = (
    Program("rclone sync", ("rclone", "sync"), frozenset({"--fast-list", "--use-server-modtime"})),
    Program("rclone copy", ("rclone", "copy"), frozenset()),
)
RESTIC = (
    Program("restic backup", ("restic", "backup"), frozenset({"--host"})),
    Program(
        "restic forget",
        ("restic", "forget"),
        frozenset({"--host", "--keep-daily", "--keep-last", "--keep-monthly", "--keep-weekly", "--prune"}),
    ),
    Program("restic restore", ("restic", "restore"), frozenset({"--host", "--target"})),
)
PROMETHEUS = Program(
    "prometheus",
    ("prometheus",),
    frozenset(
        {
            "--config.file",
            "--storage.tsdb.path",
            "--storage.tsdb.retention.size",
            "--storage.tsdb.retention.time",
            "--web.listen-address",
        }
    ),
    "--web.listen-address",
    "web",
    frozenset({"/-/ready", "/-/healthy"}),
)
ALERTMANAGER = Program(
    "alertmanager",
    ("alertmanager",),
    frozenset({"--cluster.listen-address", "--config.file", "--storage.path", "--web.listen-address"}),
    "--web.listen-address",
    "web",
    frozenset({"/-/ready", "/-/healthy"}),
)
# No registry that tests reach has these two: their options are those of their pages.
GRAFANA = Program(
    "grafana server", ("grafana", "server"), frozenset({"--homepath"}), 3000, "web", frozenset({"/api/health"})
)
KUBE_STATE_METRICS = Program(
    "kube-state-metrics",
    ("/kube-state-metrics",),
    frozenset({"--port", "--resources", "--telemetry-port"}),
    "--port",
    "metrics",
    frozenset({"/healthz", "/livez"}),
)
# Their scripts are run by a test.
SCRIPTS = (
    Program("a script of bash", ("bash", "-euo", "pipefail", "-c"), frozenset()),
    Program("a script of sh", ("sh", "-euc"), frozenset()),
)
PROGRAMS = (
    MLFLOW,
    SEAWEEDFS,
    POSTGRES,
    PSQL,
    LABEL_STUDIO,
    PG_DUMPALL,
    *RCLONE,
    *RESTIC,
    PROMETHEUS,
    ALERTMANAGER,
    GRAFANA,
    KUBE_STATE_METRICS,
    *SCRIPTS,
)


def program_of(command: Sequence[str]) -> Program | None:
    """The program that a command runs, with its arguments; None: none of these."""
    return next((one for one in PROGRAMS if tuple(command[: len(one.command)]) == one.command), None)
