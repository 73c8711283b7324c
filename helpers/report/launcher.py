"""Starts Jupyter's kernel for a notebook that is executed, and has it end when its starter does, in whatever way.

ipykernel looks for its parent once a second, but when the parent died while it was starting it takes whoever adopted it
for that one, and stays for ever. Linux can be asked; elsewhere only init adopts, which ipykernel knows.
"""

import ctypes
import os
import runpy
import signal
import sys


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != int(os.environ["JPY_PARENT_PID"]):
            sys.exit("The process that started this one is gone.")


if __name__ == "__main__":
    _end_with_parent()
    runpy.run_module("ipykernel_launcher", run_name="__main__", alter_sys=True)
