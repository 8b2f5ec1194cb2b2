"""Runs pdoc on the package: `python -m tools.api_docs` takes pdoc's own arguments.

pdoc documents what a module's dict holds; what `scratchnet.autograd` imports only when it is used is put there first.
"""

import runpy

from scratchnet import autograd

if __name__ == "__main__":
    for name in autograd.__all__:
        setattr(autograd, name, getattr(autograd, name))
    runpy.run_module("pdoc", run_name="__main__", alter_sys=True)
