"""The probe: what perfkit brings into a launched target. Python 3.9+, standard library only; nothing here may raise."""

from __future__ import annotations

import os

_ENGINES = {
    "cprofile": "engine_cprofile",
    "pyinstrument": "engine_pyinstrument",
    "line-profiler": "engine_line_profiler",
    "memory-profiler": "engine_memory_profiler",
    "memray": "engine_memray",
}


def start() -> None:
    """Do what the environment asks for: name perfkit as a permitted reader, watch requests and statements, start an engine
    in this process."""
    reader = os.environ.get("PERFKIT_PTRACER")
    if reader and reader.isdigit():
        from . import ptracer

        ptracer.permit(int(reader))
    spool = os.environ.get("PERFKIT_SPOOL")
    if spool and os.environ.get("PERFKIT_TARGET_PROBE"):
        _watch(spool)
    zoom = os.environ.get("PERFKIT_TARGET_ZOOM")
    if spool and zoom:
        from . import zoom_watch

        zoom_watch.begin(spool, zoom)
    if not spool:
        return  # the variable may be the user's own
    # The first process only: children run without it.
    engine = os.environ.pop("PERFKIT_ENGINE", None)
    if engine in _ENGINES:
        __import__(__name__ + "." + _ENGINES[engine], fromlist=("start",)).start(spool)


def _watch(folder: str) -> None:
    from . import gc_pauses, hooks, requests, sites, spool

    sites.begin(os.environ.get("PERFKIT_TARGET_PROJECT", "").split(os.pathsep))
    requests.begin()
    spool.open_in(folder, os.environ.get("PERFKIT_TARGET_LITERALS") == "1")
    gc_pauses.begin()
    if os.environ.get("PERFKIT_TARGET_CALLS"):
        from . import call_counts

        call_counts.begin()
    hooks.begin()
    if os.environ.get("PERFKIT_TARGET_MEMORY"):
        from . import memory_watch

        memory_watch.begin(folder)
    told = os.environ.get("PERFKIT_TARGET_MODULES")
    if told:
        from . import module_files

        module_files.begin(told)
    import atexit

    atexit.register(spool.flush)
    atexit.register(hooks.end)
