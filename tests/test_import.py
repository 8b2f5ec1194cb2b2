"""What `import scratchnet` loads: nothing that its user may not need."""

import subprocess
import sys

import pytest

LATER = ("scratchnet.nn", "scratchnet.kernels", "scratchnet.autograd.gradient_check", "scratchnet.autograd.functional",
         "numba", "scipy", "torch", "rich", "matplotlib", "PIL", "safetensors")  # fmt: skip


def in_a_fresh_process(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_import_loads_the_engine_and_the_operations_alone():
    loaded = in_a_fresh_process("import sys, scratchnet; print(*sys.modules)")
    assert "scratchnet.ops" in loaded
    assert not set(LATER) & set(loaded)


@pytest.mark.parametrize("call", ["x.relu()", "x.softmax(0)", "x.log_softmax(0)", "x.relu_()", "s.relu(x)",
                                  "s.Tensor.relu(x)", "s.nn.functional.relu(x)"])  # fmt: skip
def test_what_is_loaded_later_is_there_when_it_is_used(call):
    first, second = in_a_fresh_process(
        f"import scratchnet as s; x = s.tensor([0.0, 0.0]); print(type({call}).__name__, len({call}))"
    )
    assert (first, second) == ("Tensor", "2")


def test_gradcheck_is_the_function_however_it_is_reached():
    assert in_a_fresh_process(
        "import scratchnet.testing, scratchnet as s; from scratchnet.autograd import gradcheck, functional;"
        "print(gradcheck is s.autograd.gradcheck, callable(gradcheck), functional.hessian.__name__)"
    ) == ["True", "True", "hessian"]


def test_torchs_own_functions_of_layers_are_here():
    """By torch's names, and the same objects as in nn.functional, whose tests compare them with torch."""
    import torch

    import scratchnet

    for name in scratchnet._LAYERS:
        assert callable(getattr(torch, name))
        assert getattr(scratchnet, name) is getattr(scratchnet.nn.functional, name)
    for name in scratchnet._RECURRENT:
        assert callable(getattr(torch, name)) and callable(getattr(scratchnet, name))
    for name in scratchnet._METHODS:
        assert callable(getattr(torch.Tensor, name))
