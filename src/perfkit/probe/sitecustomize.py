"""Put on a launched target's PYTHONPATH: runs the sitecustomize that it hides, then starts the probe. Never raises.

Python 3.9+, standard library only. The folder stays on PYTHONPATH, so that child processes inherit it; the entry that
Python made of it in sys.path moves to the end, so that nothing of the target is hidden.
"""

import sys


def _chain():
    """Run the sitecustomize that would have run without us."""
    from importlib.machinery import PathFinder

    here = __file__.rpartition("/")[0]
    spec = PathFinder.find_spec("sitecustomize", [entry for entry in sys.path if entry != here])
    if spec is None or spec.loader is None:
        return
    from importlib.util import module_from_spec

    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


def _start():
    here = __file__.rpartition("/")[0]
    try:
        while here in sys.path:
            sys.path.remove(here)
        sys.path.append(here)
        import perfkit_probe

        perfkit_probe.start()
    except BaseException:  # the application must start whatever happens here
        pass


_start()
# Outside of any guard: a broken sitecustomize of the target's own must show as it would have shown without us.
_chain()
