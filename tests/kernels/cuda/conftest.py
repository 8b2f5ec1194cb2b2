"""What looks at compiled kernels runs where their compiler is installed: `make test-cuda-compile` installs it."""

import importlib.util

collect_ignore = [] if importlib.util.find_spec("numba_cuda") else ["test_gate.py"]
