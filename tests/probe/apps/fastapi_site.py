"""A FastAPI site with nested routers, dependencies in threads and a mounted application. FastAPI 0.70 to 0.165."""

import time

from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException
from fastapi.responses import StreamingResponse


def spin(seconds):
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


app = FastAPI()
sub = FastAPI()
outer = APIRouter(prefix="/outer")
inner = APIRouter()


def in_thread():
    return 2


def spins_in_thread():
    spin(20)


@app.get("/nudge")
async def nudge():
    return None


@app.get("/items/{number}")
async def item(number: int, two=Depends(in_thread)):  # noqa: B008
    return number * two


@app.get("/sync/{number}")
def sync(number: int):
    return number


@app.post("/items", status_code=201)
def make():
    return "made"


@inner.get("/things/{name}")
def thing(name: str):
    return name


@app.get("/refused")
async def refused():
    raise HTTPException(403, "no")


@app.get("/boom")
async def boom():
    raise ValueError("boom")


@app.get("/spin-dependency")
async def spin_dependency(spun=Depends(spins_in_thread)):  # noqa: B008
    return None


@app.get("/spin-sync")
def spin_sync():
    spin(20)


@app.get("/later")
async def later(tasks: BackgroundTasks):
    tasks.add_task(spin, 0.3)
    return "later"


@app.get("/stream")
def stream():
    return StreamingResponse(f"part {number}\n" for number in range(5))


@sub.get("/items/{number}")
def sub_item(number: int):
    return number


outer.include_router(inner, prefix="/inner")
app.include_router(outer, prefix="/api")
app.mount("/sub", sub)
