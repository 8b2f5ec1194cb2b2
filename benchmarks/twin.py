"""A network of scratchnet's made of another library's layers: its file is run again, with that library's names.

So a network is written once, and the process that measures torch need not load scratchnet.
"""

from __future__ import annotations

import builtins
import functools
import types
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


@functools.cache
def twin(torch: Any, module: str) -> types.SimpleNamespace:
    """What the module `scratchnet.…` defines, with every name that it imports from scratchnet taken from `torch`.

    Names that torch lacks come from the twin of the module that defines them.
    """
    namespace = {
        "__name__": f"{torch.__name__} twin of {module}",
        "__builtins__": {**vars(builtins), "__import__": functools.partial(_import, torch)},
    }
    file = ROOT / f"{module.replace('.', '/')}.py"
    exec(compile(file.read_text(), str(file), "exec"), namespace)
    return types.SimpleNamespace(**namespace)


def _import(torch: Any, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
    if not name.startswith("scratchnet"):
        return builtins.__import__(name, globals, locals, fromlist, level)
    if name == "scratchnet.nn.functional.arguments":
        return types.SimpleNamespace(ints=lambda value, n, *_: (value,) * n if isinstance(value, int) else tuple(value))
    found = {item: getattr(torch, item, getattr(torch.nn, item, None)) for item in fromlist}
    return types.SimpleNamespace(
        **{item: value or getattr(twin(torch, name), item) for item, value in found.items()}
    )
