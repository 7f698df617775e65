"""Computes for as many CPU seconds as its argument says, by default 0.6."""
import sys
import time


def compute(seconds):
    while time.process_time() < seconds:
        sum(range(2000))


compute(float(sys.argv[1]) if len(sys.argv) > 1 else 0.6)
print("computed")
