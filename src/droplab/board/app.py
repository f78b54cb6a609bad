"""What the board answers: the list of experiments, their pages, what is new of both, and a page as a file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import AbstractContextManager
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from droplab.board.guard import App, guarded
from droplab.board.listing import Listing
from droplab.board.wake import Wake
from droplab.board.watched import Watched
from droplab.board.watcher import Watcher
from droplab.errors import DroplabError

_QUIET_SECONDS = 15.0
"""After so long without news a stream says that it is there."""
_AGAIN = "retry: 1000\n\n"
"""A browser that has lost the board tries again after a second."""

Next = Callable[[], Iterator[tuple[str, str]]]
"""What is new: versions with their texts."""


class Board:
    """The routes, with the threads and the list that they answer from."""

    def __init__(self, watcher: Watcher, wake: Wake, lang: str) -> None:
        self._watcher = watcher
        self._wake = wake
        self._lang = lang

    def app(self, names: Collection[str]) -> App:
        """The ASGI application; ``names`` are hosts that are ours beside the usual ones."""
        routes = [
            Route("/", self.index),
            Route("/events", self.index_events),
            Route("/x/{identity}/", self.page),
            Route("/x/{identity}/events", self.page_events),
            Route("/x/{identity}/page.html", self.shared),
        ]
        return guarded(Starlette(routes=routes), names)

    async def index(self, request: Request) -> Response:
        """The list of experiments."""
        del request
        listing = Listing(self._watcher, self._lang)
        return _html(await run_in_threadpool(listing.page))

    async def index_events(self, request: Request) -> Response:
        """What is new in the list, in full at first."""
        listing = Listing(self._watcher, self._lang)
        return self._stream(request, listing.news, self._watcher.reader(None))

    async def page(self, request: Request) -> Response:
        """An experiment's page."""
        watched = self._asked(request)
        if watched is None:
            return _nothing()
        try:
            return _html(await run_in_threadpool(watched.page))
        except DroplabError as problem:
            return PlainTextResponse(f"droplab: {problem}", 503)

    async def page_events(self, request: Request) -> Response:
        """What is new of an experiment, after the version that the reader has."""
        watched = self._asked(request)
        if watched is None:
            return _nothing()
        since = [request.headers.get("last-event-id") or request.query_params.get("since", "")]

        def news() -> Iterator[tuple[str, str]]:
            found = watched.since(since[0])
            if found is not None:
                since[0] = found[0]
                yield found

        return self._stream(request, news, self._watcher.reader(watched))

    async def shared(self, request: Request) -> Response:
        """An experiment's page as a file to keep."""
        watched = self._asked(request)
        if watched is None:
            return _nothing()
        try:
            path = await run_in_threadpool(self._watcher.shared, watched)
            body = await run_in_threadpool(path.read_bytes)
        except (DroplabError, OSError) as problem:
            return PlainTextResponse(f"droplab: {problem}", 503)
        name = f"{watched.record.name if watched.record else watched.folder.name}.html"
        kept = f"attachment; filename=\"report.html\"; filename*=UTF-8''{quote(name, safe='', errors='replace')}"
        return HTMLResponse(body, headers={"content-disposition": kept})

    def _asked(self, request: Request) -> Watched | None:
        return self._watcher.experiment(request.path_params["identity"])

    def _stream(self, request: Request, news: Next, reading: AbstractContextManager[None]) -> Response:
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")

        async def told() -> AsyncIterator[str]:
            with reading, self._wake.waiter() as woken:
                yield _AGAIN
                while not self._wake.over:
                    woken.clear()
                    for version, text in await run_in_threadpool(lambda: list(news())):
                        yield f"id: {version}\ndata: {text}\n\n"
                    try:
                        await asyncio.wait_for(woken.wait(), _QUIET_SECONDS)
                    except TimeoutError:
                        yield ": here\n\n"

        return StreamingResponse(told(), media_type="text/event-stream")


def _html(text: str) -> Response:
    return HTMLResponse(text.encode("utf-8", "replace"))  # a folder's name may be no text


def _nothing() -> Response:
    return PlainTextResponse("nothing is here", 404)
