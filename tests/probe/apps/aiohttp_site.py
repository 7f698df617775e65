"""An aiohttp site. aiohttp 3.8 to 3.14."""

import sys
import time

from aiohttp import web


def spin(seconds):
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


async def nudge(request):
    return web.Response()


async def item(request):
    return web.Response(text=f"item {request.match_info['number']}")


class View(web.View):
    async def get(self):
        return web.Response(text="got")


async def boom(request):
    raise ValueError("boom")


async def refused(request):
    raise web.HTTPForbidden(text="no")


async def stream(request):
    response = web.StreamResponse()
    await response.prepare(request)
    for number in range(5):
        await response.write(f"part {number}\n".encode())
    return response


async def spinning(request):
    spin(20)
    return web.Response()


async def echo(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str(await socket.receive_str())
    await socket.close()
    return socket


@web.middleware
async def passing(request, handler):
    if request.path == "/items/7":
        assert request.match_info.handler is item, request.match_info.handler
    response = await handler(request)
    if request.path == "/items/9":
        response = web.Response(text=getattr(handler, "__name__", "?"))
    return response


app = web.Application(middlewares=[passing])
sub = web.Application()
sub.router.add_get("/items/{number}", item)
app.router.add_get("/nudge", nudge)
app.router.add_get(r"/items/{number:\d+}", item)
app.router.add_view("/view", View)
app.router.add_get("/boom", boom)
app.router.add_get("/refused", refused)
app.router.add_get("/stream", stream)
app.router.add_get("/spin", spinning)
app.router.add_get("/echo", echo)
app.add_subapp("/sub", sub)

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
