"""http.client, through which urllib, urllib3, requests and botocore go: requests that the target sends."""

from __future__ import annotations

from time import monotonic

from . import frames, hooks, spool
from .external_calls import WHAT, asked
from .sites import site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The connection's own variable: host, start and call site of the request that has no answer yet.
_ASKED = "_perfkit_asked"


def apply(module: Any) -> None:
    methods = {"putrequest": _begins, "endheaders": _sends, "getresponse": _ends, "close": _closes}
    known = [hooks.replaced(module.HTTPConnection, method, make) for method, make in methods.items()]
    if not all(known):
        spool.gap(WHAT + " through http.client", "this version is not known", "use Python 3.9 to 3.14")


def _begins(original: Any) -> Any:
    @frames.marked("http")
    def putrequest(self: Any, method: Any, url: Any, *args: Any, **kwargs: Any) -> Any:
        started = monotonic()
        result = original(self, method, url, *args, **kwargs)
        if not spool.closed:
            try:
                setattr(self, _ASKED, (_host(self, url), started, site()))
            except Exception as error:
                spool.broken(WHAT, error)
        return result

    return putrequest


def _host(connection: Any, url: Any) -> Any:
    """Through a proxy the connection's own host is the proxy."""
    if isinstance(url, str) and url.startswith(("http://", "https://")):
        return url.split("/", 3)[2]
    return getattr(connection, "_tunnel_host", None) or connection.host


def _sends(original: Any) -> Any:
    @frames.marked("http")
    @frames.hidden("self")
    def endheaders(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(self, *args, **kwargs)
        except BaseException:
            _told(self)  # no answer will come
            raise

    return endheaders


def _ends(original: Any) -> Any:
    @frames.marked("http")
    @frames.hidden("self")
    def getresponse(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(self, *args, **kwargs)
        finally:
            _told(self)

    return getresponse


def _closes(original: Any) -> Any:
    def close(self: Any) -> Any:
        _told(self)  # of whom nobody has waited for the answer
        return original(self)

    return close


def _told(connection: Any) -> None:
    try:
        begun = vars(connection).pop(_ASKED, None)
        if begun is not None:
            asked(*begun)
    except Exception as error:
        spool.broken(WHAT, error)
