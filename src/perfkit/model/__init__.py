"""The nouns of perfkit: frozen, standard library only, no input or output.

Seconds are float, bytes int, shares 0 to 1, stacks root first.
"""
