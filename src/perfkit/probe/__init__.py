"""The folder that travels on a launched target's PYTHONPATH. Nothing of ours imports it, and it imports nothing of ours."""
