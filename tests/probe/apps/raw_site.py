"""Applications of no framework, for WSGI and for ASGI."""


def wsgi(environ, start_response):
    if environ["PATH_INFO"] == "/nudge":
        start_response("204 Nudged", [])
        return []
    if environ["PATH_INFO"] == "/boom":
        raise ValueError("boom")
    start_response("203 Fine", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hel", b"lo"]


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/nudge":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})
        return
    if scope["path"] == "/boom":
        raise ValueError("boom")
    await send({"type": "http.response.start", "status": 203, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hel", "more_body": True})
    await send({"type": "http.response.body", "body": b"lo"})
