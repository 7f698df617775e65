"""Responses encoded as JSON, in each framework's own function for it. The count is bytes where they are known."""

from __future__ import annotations

from time import monotonic

from . import frames, hooks, spool
from .requests import JSON, get_current, name, span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

_WHAT = "responses encoded as JSON"
_UNKNOWN = -1


def apply(module: Any) -> None:
    found = _HOOKS[module.__name__](module)
    if not found:
        library = module.__name__.partition(".")[0]
        spool.gap(
            "responses that %s encodes" % library, "this version does it in another way", "report this with the version"
        )


def _django(module: Any) -> bool:
    return hooks.replaced(module.JsonResponse, "__init__", _timed("django JsonResponse", _content_of_first))


def _flask(module: Any) -> bool:
    made = _timed("flask json", _content_length)
    for owner in (module.JSONProvider, module.DefaultJSONProvider):
        hooks.replaced(owner, "response", made)
    return "response" in vars(module.JSONProvider)


def _flask_before_providers(module: Any) -> bool:
    """Up to 2.1; later ones ask a provider."""
    import sys

    if "flask.json.provider" in sys.modules:
        return True
    return hooks.replaced(module, "jsonify", _timed("flask json", _content_length))


def _starlette(module: Any) -> bool:
    return hooks.replaced(module.JSONResponse, "render", _timed("starlette JSONResponse", _length))


def _fastapi_responses(module: Any) -> bool:
    for kind in ("ORJSONResponse", "UJSONResponse"):
        if hasattr(module, kind):
            hooks.replaced(getattr(module, kind), "render", _timed("fastapi " + kind, _length))
    return True


def _fastapi(module: Any) -> bool:
    return hooks.replaced(module, "serialize_response", _timed_async("fastapi serialize_response", _length))


def _rest_framework(module: Any) -> bool:
    return hooks.replaced(module.JSONRenderer, "render", _timed("rest_framework JSONRenderer", _length))


def _aiohttp(module: Any) -> bool:
    hooks.replaced(module, "json_bytes_response", _timed("aiohttp json_bytes_response", _body))
    return hooks.replaced(module, "json_response", _timed("aiohttp json_response", _body))


_HOOKS: dict[str, Callable[[Any], bool]] = {
    "django.http.response": _django,
    "flask.json.provider": _flask,
    "flask.json": _flask_before_providers,
    "starlette.responses": _starlette,
    "fastapi.responses": _fastapi_responses,
    "fastapi.routing": _fastapi,
    "rest_framework.renderers": _rest_framework,
    "aiohttp.web_response": _aiohttp,
}


def _length(result: Any, args: Any) -> int:
    return len(result) if isinstance(result, (bytes, str)) else _UNKNOWN


def _content_of_first(result: Any, args: Any) -> int:
    return len(args[0].content)


def _content_length(result: Any, args: Any) -> int:
    parts = result.response
    if type(parts) is list and len(parts) == 1:
        return len(parts[0])
    length = result.content_length
    return _UNKNOWN if length is None else length


def _body(result: Any, args: Any) -> int:
    return _length(result.body, args)


def _timed(what: str, size: Callable[[Any, Any], int]) -> Any:
    def make(original: Any) -> Any:
        @frames.marked("span:json")
        def in_request(args: Any, kwargs: Any) -> Any:
            started = monotonic()
            result = original(*args, **kwargs)
            seconds = monotonic() - started
            try:
                span(JSON, name(what), started, seconds, size(result, args))
            except Exception as error:
                spool.broken(_WHAT, error)
            return result

        def encode(*args: Any, **kwargs: Any) -> Any:
            if get_current() is None or spool.closed:
                return original(*args, **kwargs)
            return in_request(args, kwargs)

        return encode

    return make


def _timed_async(what: str, size: Callable[[Any, Any], int]) -> Any:
    def make(original: Any) -> Any:
        @frames.marked("span:json")
        async def encode(*args: Any, **kwargs: Any) -> Any:
            if get_current() is None or spool.closed:
                return await original(*args, **kwargs)
            started, before = monotonic(), _worked()
            result = await original(*args, **kwargs)
            seconds = monotonic() - started
            try:
                after = None if before is None else _worked()
                if before is not None and after is not None:
                    seconds = min(seconds, after - before)
                span(JSON, name(what), started, seconds, size(result, args))
            except Exception as error:
                spool.broken(_WHAT, error)
            return result

        return encode

    return make


def _worked() -> float | None:
    """Seconds for which the loop has worked for this request until now. What is encoded may wait for a thread and for its turn."""
    request: Any = get_current()
    if not getattr(request, "stepping", False):
        return None
    worked: float = request.cpu + monotonic() - request.loop.step
    return worked
