"""Fresh processes: imports, and the first training step with compiled kernels on disk (warm) or not (cold)."""

from __future__ import annotations

from benchmarks.tasks import suite

startup = suite(
    "startup", "Fresh processes", measure="process",
    note="Wall time of a whole process. Warm: the kernels were compiled by an earlier one; cold: nothing is compiled yet.",
)  # fmt: skip

FIRST_STEP = """
import {library} as torch
from benchmarks.networks import lenet
net, criterion = lenet(torch), torch.nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
criterion(net(torch.randn(64, 1, 28, 28)), torch.randint(0, 10, (64,))).backward()
optimizer.step()
"""
NOTHING_COMPILED = "import os; os.environ['NUMBA_CACHE_DIR'] = os.environ['EMPTY']\n"

imports = {library: f"import {library}" for library in ("scratchnet", "torch", "numpy")}
warm = {library: FIRST_STEP.format(library=library) for library in ("scratchnet", "torch")}
cold = {"scratchnet": NOTHING_COMPILED + warm["scratchnet"]}

startup.add("import", "", {**imports, "nothing": "pass"})
startup.add("first step, warm", "LeNet-5, 64×1×28×28, SGD", warm, at_most=1.5)
startup.add("first step, cold", "LeNet-5, 64×1×28×28, SGD", cold, at_most=30, rounds=3)
