"""Forward connections from one network to another: relay.py LISTEN=TO …, each HOST:PORT or a socket's path.

It runs twice, in a pod's network and on this machine, with a folder between that both see: as `kubectl port-forward`,
but with the standard library alone, which every image of ours has.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):  # one side is gone: the other learns it
        while chunk := await reader.read(1 << 16):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()


async def _forward(listen: str, to: str) -> None:
    async def both_ways(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError):  # nobody listens there: the connection is closed
                if to.startswith("/"):
                    there, back = await asyncio.open_unix_connection(to)
                else:
                    there, back = await asyncio.open_connection(*to.rsplit(":", 1))
                try:
                    await asyncio.gather(_copy(reader, back), _copy(there, writer))
                finally:
                    back.close()
        finally:
            writer.close()

    if listen.startswith("/"):
        server = await asyncio.start_unix_server(both_ways, listen)
    else:
        server = await asyncio.start_server(both_ways, *listen.rsplit(":", 1))
    await server.serve_forever()


async def _main() -> None:
    await asyncio.gather(*(_forward(*pair.split("=")) for pair in sys.argv[1:]))


if __name__ == "__main__":
    asyncio.run(_main())
