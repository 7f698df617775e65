"""The newcomer's backend: a small shop with faults that real ones have, for `perfkit demo` to measure.

It imports nothing of perfkit and nothing of it is imported: the command launches `python -m shop` in this folder.
"""
