"""Put on a launched target's PYTHONPATH: starts the probe, then runs the sitecustomize that it hides. Never raises of its own.

Python 3.9+, standard library only. The folder stays on PYTHONPATH, so that child processes inherit it; the entry that
Python made of it in sys.path moves to the end, so that nothing of the target is hidden.
"""

from __future__ import annotations

import sys

_HERE = __file__.rpartition("/")[0]


def _start() -> None:
    try:
        # While it is the first entry of sys.path: no other folder is read for it.
        import perfkit_probe  # type: ignore[import-not-found]
    except BaseException:
        perfkit_probe = None
    while _HERE in sys.path:
        sys.path.remove(_HERE)
    sys.path.append(_HERE)
    try:
        perfkit_probe.start()
    except BaseException:
        return


def _chain() -> None:
    """Run the sitecustomize that would have run without us."""
    from _frozen_importlib_external import PathFinder

    spec = PathFinder.find_spec("sitecustomize", [entry for entry in sys.path if entry != _HERE])
    if spec is None or spec.loader is None:
        return
    from importlib.util import module_from_spec

    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


_start()
# Outside of any guard: a broken sitecustomize of the target's own must show as it would have shown without us.
_chain()
