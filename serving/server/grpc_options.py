"""Options and credentials of the gRPC side."""

from __future__ import annotations

import grpc

from serving.access.tls import Renewal, Tls
from serving.server.admission import Limits
from serving.server.protocol import LARGE_MESSAGES


def grpc_options(limits: Limits) -> list[tuple[str, int | str]]:
    """Options of the server's channel."""
    return [
        ("grpc.max_receive_message_length", limits.max_body_bytes),
        ("grpc.max_send_message_length", -1),  # as large as the answer is; REST knows no bound either
        # Without it gRPC takes megabytes of a message that nobody reads; with it 64 KiB, the protocol's window.
        ("grpc.http2.bdp_probe", 0),
        # gRPC shares a port by default: a second predictor would silently get half of the requests.
        ("grpc.so_reuseport", 0),
        LARGE_MESSAGES,
    ]


def server_credentials(tls: Tls) -> grpc.ServerCredentials:
    """TLS credentials, looked at for every new connection: a renewed certificate is used without a restart."""
    renewal = Renewal(tls)

    def read() -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration([(tls.key.read_bytes(), tls.certificate.read_bytes())])

    return grpc.dynamic_ssl_server_credentials(read(), lambda: read() if renewal.came() else None)
