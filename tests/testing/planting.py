"""Operations with planted bugs."""

from scratchnet.autograd import Function


def op(forward, backward):
    """An operation from two functions: forward(*arrays), backward(inputs, output, g)."""

    class Planted(Function):
        def forward(self, *arrays):
            return forward(*arrays)

        def backward(self, g):
            return backward(self.inputs, self.output, g)

    return lambda *inputs: Planted()(*inputs)
