"""A server on a port of this machine, until Ctrl-C."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import threading
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from droplab.board.wake import Wake
from droplab.board.watcher import Watcher
from droplab.errors import FailureError, UserError

if TYPE_CHECKING:
    import uvicorn

PORT = 6106
PORTS = 10
"""Where a board is: at the first of so many ports that is free."""
_NICE = 10
"""Training goes first; at the lowest priority a busy machine would show an epoch seconds late."""


def listen(host: str, port: int | None) -> socket.socket:
    """A socket that listens; without a port the first free one of ten, with 0 any.

    Raises:
        UserError: the port is taken or not to be had, or the host is none of this machine's.
    """
    if port is not None and not 0 <= port <= 65535:
        raise UserError(f"--port got {port}; ports go from 0, which takes a free one, to 65535")
    tried = range(PORT, PORT + PORTS) if port is None else range(port, port + 1)
    for one in tried:
        try:
            return _bound(host, one)
        except OSError as problem:
            if problem.errno != errno.EADDRINUSE:
                raise UserError(f"the board cannot be at {host}, port {one}: {problem.strerror or problem}") from None
    if port is None:
        last = PORT + PORTS - 1
        raise UserError(f"ports {PORT} to {last} are taken, perhaps by other boards; --port 0 takes a free one")
    raise UserError(f"port {port} is taken, perhaps by another board; --port 0 takes a free one")


def _bound(host: str, port: int) -> socket.socket:
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    made = socket.socket(family, kind)
    try:
        if os.name == "posix":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(128)
    except BaseException:
        made.close()
        raise
    return made


def serve(
    places: Sequence[Path],
    lang: str,
    translate: Callable[[str, str], str],
    listening: socket.socket,
    host: str,
    ready: Callable[[], None],
) -> None:
    """Answer until Ctrl-C or SIGTERM.

    Args:
        places: folders that are watched.
        lang: language in which pages open.
        translate: an English message in another language.
        listening: from ``listen``.
        host: where that is, as the user names it.
        ready: called when answers can be had.

    Raises:
        FailureError: the extra is not installed.
    """
    with suppress(OSError, AttributeError):
        os.nice(_NICE)  # before threads are begun, which have it then too
    wake = Wake()
    watcher = Watcher(places, lang, translate, wake.now)
    server = server_of(watcher, wake, lang, () if stays_here(host) else (host, socket.gethostname()))
    watcher.start()
    try:
        ready()
        server.run(sockets=[listening])
    finally:
        wake.end()
        watcher.stop()


def server_of(watcher: Watcher, wake: Wake, lang: str, names: Sequence[str] = ()) -> uvicorn.Server:
    """A server that says nothing on the terminal, and ends its streams when it is told to end.

    Raises:
        FailureError: the extra is not installed.
    """
    try:
        import uvicorn

        from droplab.board.app import Board
    except ImportError as problem:
        if (problem.name or "").partition(".")[0] not in {"uvicorn", "starlette", "anyio", "h11"}:
            raise
        raise FailureError("droplab board needs starlette and uvicorn: pip install 'droplab[board]'") from None

    class Server(uvicorn.Server):  # type: ignore[misc]  # lint does without it
        """Streams would keep it from ending."""

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            super().handle_exit(sig, frame)
            wake.end()

    config = uvicorn.Config(
        Board(watcher, wake, lang).app(names),
        log_config=None,
        log_level="critical",
        access_log=False,
        http="h11",
        ws="none",
        lifespan="off",
        loop="asyncio",
        server_header=False,
        timeout_graceful_shutdown=2,
        proxy_headers=False,
    )
    return Server(config)


def address_of(listening: socket.socket) -> str:
    """Where a browser finds it."""
    host, port = listening.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104  # compared, not bound
        host = "localhost"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def stays_here(host: str) -> bool:
    """Whether only this machine sees what listens there.

    >>> stays_here("127.0.0.1"), stays_here("localhost"), stays_here("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def open_page(address: str) -> None:
    """Open the user's browser, if there is one, without waiting for it."""
    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
