"""The SDK's server, with an end that is in order whenever the signal comes.

The SDK's own crashes where it is stopped while gRPC starts, and where no event loop runs yet; a signal that comes
before uvicorn listens for it stops gRPC alone.
"""

from __future__ import annotations

import asyncio
import signal
from types import FrameType

import kserve
from kserve.logging import logger

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)
_LOOK_S = 0.1


class ModelServer(kserve.ModelServer):  # type: ignore[misc]  # kserve is untyped
    """Serves until a signal comes or one of its servers ends.

    Then both sides take nothing more and answer what they have at the same time: a process is not given twice as long.
    """

    def register_signal_handler(self) -> None:
        """The handlers until uvicorn sets its own, which do the same, and after it took them back."""
        for one in _SIGNALS:
            signal.signal(one, self._end)

    def _end(self, number: int, frame: FrameType | None) -> None:
        # uvicorn's own word for it: read when it has started, and then every 100 ms.
        self._rest_server._server.should_exit = True

    async def _serve(self) -> None:
        servers = [asyncio.ensure_future(one) for one in self.servers]
        told = asyncio.ensure_future(self._until_told())
        await asyncio.wait([told, *servers], return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        logger.info("stopping")
        self._rest_server._server.should_exit = True
        if self._grpc_server is not None:
            await self._grpc_server.stop()
        try:
            await asyncio.gather(*servers)
        finally:
            for name in list(self.registered_models.get_models()):
                self.registered_models.unload(name)

    async def _until_told(self) -> None:
        # Nobody can wait for uvicorn's word: it looks as often itself.
        while not self._rest_server._server.should_exit:
            await asyncio.sleep(_LOOK_S)
