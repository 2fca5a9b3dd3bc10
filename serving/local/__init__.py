"""Both servers as processes on this machine, and the command `up`."""

from serving.local.servers import LocalServers, local_servers

__all__ = ["LocalServers", "local_servers"]
