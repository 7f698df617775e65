"""cProfile around the main thread, written as JSON: [[callee, [[caller or null, [primitive, calls, own, total]]]]]."""

import threading

from perfkit_probe import ending

_REFUSED = [
    "calls by cProfile",
    "the target started threads: cProfile misses them before Python 3.12, and charges their time wrongly from 3.12 on",
    "leave out --engine: py-spy samples all threads",
]


def start(spool):
    import cProfile

    threads = []

    def notice(frame, event, argument):
        # Called once in each new thread, as its profile function, which it takes off again at once.
        import sys

        sys.setprofile(None)
        threads.append(1)

    threading.setprofile(notice)
    profile = cProfile.Profile()

    def step():
        profile.disable()
        if threads:
            ending.write(spool, "cprofile", {"gap": _REFUSED})
        else:
            ending.write(spool, "cprofile", {"functions": _functions(profile)})

    ending.at_end(step)
    profile.enable()


def _functions(profile):
    profile.create_stats()
    functions = []
    for callee, (primitive, calls, own, total, callers) in profile.stats.items():
        edges = [[list(caller), list(numbers)] for caller, numbers in callers.items()]
        known = [sum(numbers[i] for _, numbers in edges) for i in range(4)]
        rest = [primitive - known[0], calls - known[1], own - known[2], total - known[3]]
        if not edges or rest[2] > 1e-6:
            edges.append([None, [max(0, rest[0]), max(0, rest[1]), max(0.0, rest[2]), max(0.0, rest[3])]])
        functions.append([list(callee), edges])
    return functions
