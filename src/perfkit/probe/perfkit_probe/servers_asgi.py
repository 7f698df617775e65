"""uvicorn and hypercorn: each request that they hand to an application, so that one of a framework that is not known counts."""

from __future__ import annotations

from typing import Any

from . import asgi, hooks


def apply(module: Any) -> None:
    if module.__name__ == "hypercorn.app_wrappers":
        hooks.replaced(module.ASGIWrapper, "__call__", asgi.application)
    else:
        hooks.replaced(module.RequestResponseCycle, "run_asgi", _run_asgi)


def _run_asgi(original: Any) -> Any:
    async def run_asgi(self: Any, app: Any) -> Any:
        return await original(self, asgi.served(app))

    return run_asgi
