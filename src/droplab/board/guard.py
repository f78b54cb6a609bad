"""What a request must be like before anything looks at it: it only reads, comes from here, and by a name of ours."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
    "content-security-policy": "frame-ancestors 'none'",
}
"""With every answer; each page brings a policy of its own besides, and a browser obeys both."""


def refused(method: str, headers: Collection[tuple[str, str]], names: Collection[str]) -> tuple[int, str] | None:
    """Status and reason where a request is not answered; ``None`` where it is.

    A page elsewhere can make a browser send requests here, and by a name of its own that it lets point here (DNS
    rebinding) read the answers. An address in digits cannot be made to point elsewhere, so only names are checked.

    Args:
        method: of the request.
        headers: with names in lower case.
        names: hosts that are ours beside ``localhost`` and addresses in digits.

    >>> refused("GET", [("host", "localhost:6006")], ())
    >>> refused("GET", [("host", "evil.example:6006")], ())
    (421, 'this host is not known here')
    >>> refused("GET", [("host", "localhost:6006"), ("origin", "http://evil.example")], ())
    (403, 'another origin')
    """
    if method not in {"GET", "HEAD"}:
        return 405, "only read"
    hosts = [value for name, value in headers if name == "host"]
    if len(hosts) != 1 or not _ours(hosts[0], names):
        return 421, "this host is not known here"
    told = dict(headers)
    if told.get("origin", f"http://{hosts[0]}").lower() != f"http://{hosts[0]}".lower():
        return 403, "another origin"
    if told.get("sec-fetch-site", "none") not in {"none", "same-origin"} and told.get("sec-fetch-mode") != "navigate":
        return 403, "another site"
    return None


def _ours(host: str, names: Collection[str]) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        _ = urlsplit(f"//{host}").port
    except ValueError:
        return False
    if "@" in host or "/" in host or "?" in host or "#" in host:
        return False
    if name == "localhost" or name.endswith(".localhost") or name in {known.lower() for known in names}:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def guarded(app: App, names: Collection[str]) -> App:
    """An ASGI application behind these checks."""

    async def answer(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await app(scope, receive, send)
            return
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        no = refused(scope["method"], headers, names)

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                more = [
                    (name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in there
                ]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        if no is None:
            await app(scope, receive, with_headers)
            return
        status, reason = no
        head = [(b"content-type", b"text/plain; charset=utf-8")]
        await with_headers({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": reason.encode()})

    return answer
