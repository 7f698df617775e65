import copy
import sys

from aiohttp import web

PRICES = {str(number): [number] * 8 for number in range(1500)}


async def prices(request):
    return web.json_response({"count": len(copy.deepcopy(PRICES))})


async def total(request):
    return web.json_response({"amount": sum(number * number for number in range(60000))})


app = web.Application()
app.router.add_get("/prices", prices)
app.router.add_get("/total", total)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
