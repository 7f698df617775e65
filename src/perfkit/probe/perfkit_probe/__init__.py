"""The probe: what perfkit brings into a launched target. Python 3.9+, standard library only; nothing here may raise."""

import os


def start():
    """Do what the environment asks for: name perfkit as a permitted reader, start an engine in this process."""
    reader = os.environ.get("PERFKIT_PTRACER")
    if reader and reader.isdigit():
        from perfkit_probe import ptracer

        ptracer.permit(int(reader))
    engine = os.environ.pop("PERFKIT_ENGINE", None)  # the first process only: children run without it
    spool = os.environ.get("PERFKIT_SPOOL")
    if engine and spool:
        if engine == "cprofile":
            from perfkit_probe import engine_cprofile as chosen
        else:
            from perfkit_probe import engine_pyinstrument as chosen
        chosen.start(spool)
