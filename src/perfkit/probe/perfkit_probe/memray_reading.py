"""`python memray_reading.py LOG OUT`: what stood when most memory was in use, as JSON. A program of its own: whichever
interpreter has the memray that wrote the log runs it.

OUT is {"peak": bytes, "records": [[bytes, allocations, [[function, file, line], …]], …]}, stacks with the leaf first.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module

# Smaller ones of more records than that are left out: their bytes are still in the peak.
_MOST = 3000
_DEEPEST = 80


def main(log: str, out: str) -> None:
    memray = import_module("memray")
    with memray.FileReader(log) as reader:
        records = list(reader.get_high_watermark_allocation_records(merge_threads=True))
        peak = sum(record.size for record in records)
        records.sort(key=lambda record: -record.size)
        rows = [
            [record.size, record.n_allocations, [list(frame) for frame in record.stack_trace(max_stacks=_DEEPEST)]]
            for record in records[:_MOST]
        ]
    with open(out, "w", encoding="utf-8", errors="replace") as file:
        json.dump({"peak": peak, "records": rows}, file)


if __name__ == "__main__":
    del sys.path[0]  # what stands beside this file is called as other packages are
    main(sys.argv[1], sys.argv[2])
