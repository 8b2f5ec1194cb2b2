"""Does the simulator notice a missing barrier? Copies of a kernel, each without one of its barriers."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

from scratchnet.testing.lockstep.errors import KernelError
from scratchnet.testing.lockstep.rebind import Rebinding, body, called, is_foreign

BARRIERS = ("syncthreads", "syncthreads_count", "syncthreads_and", "syncthreads_or", "syncwarp")


class Barrier(NamedTuple):
    """A barrier in the source: of the kernel, or of a function that it calls."""

    function: str
    file: str
    line: int
    call: str


def barriers(kernel: Any) -> list[Barrier]:
    """The barriers of a kernel and of the functions that it calls, in the order of their source."""
    return [
        Barrier(f.__name__, f.__code__.co_filename, node.lineno, ast.unparse(node))
        for f in called(kernel)
        for node in _calls(_parse(f))
    ]


def without_barrier(kernel: Any, k: int) -> FunctionType:
    """A copy of a kernel without its k-th barrier. A barrier that counts or votes becomes the thread's own vote."""
    if not 0 <= k < len(barriers(kernel)):
        raise IndexError(f"{body(kernel).__name__} has {len(barriers(kernel))} barriers, got k={k}")
    for function in called(kernel):
        tree = _parse(function)
        calls = _calls(tree)
        if k < len(calls):
            mutant = _compiled(function, ast.fix_missing_locations(_Delete(calls[k]).visit(tree)))
            return _replaced(kernel, function, mutant)
        k -= len(calls)
    raise AssertionError("a barrier that no function has")


def _replaced(kernel: Any, function: FunctionType, mutant: FunctionType) -> FunctionType:
    """A copy of a kernel that calls `mutant` where it called `function`."""

    def substitute(_: str, value: Any) -> Any:
        if getattr(value, "py_func", value) is function:
            return copies.function(mutant)
        return value if isinstance(value, ModuleType) and is_foreign(value) else NotImplemented

    copies = Rebinding(substitute)
    return copies.function(mutant if function is body(kernel) else kernel)


def check_barriers(run: Callable[[Any], Any], kernel: Any) -> dict[Barrier, str]:
    """Delete each barrier of a kernel in turn, and require that `run(mutant)` notices.

    Parameters
    ----------
    run : function
        Launches the kernel that it is given, and checks the result: raises KernelError or AssertionError, or
        returns False, if anything is wrong.
    kernel : function or dispatcher

    Returns
    -------
    dict of Barrier to str
        What noticed: the name of a KernelError, or "wrong result".

    Raises
    ------
    AssertionError
        If the kernel as it is does not pass, has no barrier, or a deletion went unnoticed: names the barriers.
    """
    all_barriers = barriers(kernel)
    if not all_barriers:
        raise AssertionError(f"{body(kernel).__name__} has no barrier to delete")
    trouble = _noticed(run, kernel)
    if trouble:
        raise AssertionError(f"{body(kernel).__name__} does not pass with all its barriers: {trouble}")
    noticed = {b: _noticed(run, without_barrier(kernel, k)) for k, b in enumerate(all_barriers)}
    unnoticed = [f"\n    {b.file}:{b.line}: {b.call} in {b.function}" for b, how in noticed.items() if not how]
    if unnoticed:
        raise AssertionError(f"{body(kernel).__name__}: deleted, and nothing noticed:{''.join(unnoticed)}")
    return noticed


def _noticed(run: Callable[[Any], Any], kernel: Any) -> str:
    try:
        result = run(kernel)
    except KernelError as error:
        return type(error).__name__
    except AssertionError:
        return "wrong result"
    return "wrong result" if result is not None and not result else ""


def _parse(function: FunctionType) -> ast.FunctionDef:
    lines, first = inspect.getsourcelines(function)
    tree = ast.parse(textwrap.dedent("".join(lines)))
    definition = tree.body[0]
    if not isinstance(definition, ast.FunctionDef):
        raise TypeError(f"{function.__name__} is not defined by a def statement")
    ast.increment_lineno(tree, first - 1)
    definition.decorator_list = []
    return definition


def _calls(tree: ast.AST) -> list[ast.Call]:
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and _name(n.func) in BARRIERS]
    return sorted(found, key=lambda n: (n.lineno, n.col_offset))


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


class _Delete(ast.NodeTransformer):
    def __init__(self, barrier: ast.Call):
        self.barrier = barrier

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if node is not self.barrier:
            return self.generic_visit(node)
        if _name(node.func) in ("syncthreads", "syncwarp"):
            return ast.copy_location(ast.Constant(None), node)
        vote = ast.IfExp(node.args[0], ast.Constant(1), ast.Constant(0))
        return ast.copy_location(vote, node)


def _compiled(function: FunctionType, tree: ast.FunctionDef) -> FunctionType:
    """A function from its changed source, with the globals, captured values and lines of the original."""
    code = function.__code__
    arguments = ast.arguments(
        posonlyargs=[], args=[ast.arg(n) for n in code.co_freevars], kwonlyargs=[], kw_defaults=[], defaults=[]
    )
    outer = ast.FunctionDef(
        name="captured", args=arguments, body=[tree, ast.Return(ast.Name(tree.name, ast.Load()))], decorator_list=[]
    )
    outer.type_params = []  # type: ignore[attr-defined]
    module = ast.fix_missing_locations(ast.Module([ast.copy_location(outer, tree)], []))
    compiled = compile(module, code.co_filename, "exec")
    outer_code = next(c for c in compiled.co_consts if isinstance(c, CodeType))
    inner = next(c for c in outer_code.co_consts if isinstance(c, CodeType) and c.co_name == tree.name)
    cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
    mutant = FunctionType(
        inner,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        tuple(cells[n] for n in inner.co_freevars),
    )
    mutant.__kwdefaults__, mutant.__module__ = function.__kwdefaults__, function.__module__
    return mutant
