"""Differentiable functions of Tensors, one family a file. Importing them attaches the methods to Tensor."""

from scratchnet.ops.arithmetic import *  # noqa: F403
from scratchnet.ops.broadcasting import *  # noqa: F403
from scratchnet.ops.comparison import *  # noqa: F403
from scratchnet.ops.conversion import *  # noqa: F403
from scratchnet.ops.creation import *  # noqa: F403
from scratchnet.ops.division import *  # noqa: F403
from scratchnet.ops.elementary import *  # noqa: F403
from scratchnet.ops.extrema import *  # noqa: F403
from scratchnet.ops.fill import *  # noqa: F403
from scratchnet.ops.indexing import *  # noqa: F403
from scratchnet.ops.joining import *  # noqa: F403
from scratchnet.ops.layout import *  # noqa: F403
from scratchnet.ops.logical import *  # noqa: F403
from scratchnet.ops.matmul import *  # noqa: F403
from scratchnet.ops.power import *  # noqa: F403
from scratchnet.ops.printing import *  # noqa: F403
from scratchnet.ops.reduction import *  # noqa: F403
from scratchnet.ops.rounding import *  # noqa: F403
from scratchnet.ops.sampling import *  # noqa: F403
from scratchnet.ops.selection import *  # noqa: F403
from scratchnet.ops.shape import *  # noqa: F403
from scratchnet.ops.slicing import *  # noqa: F403
from scratchnet.ops.statistics import *  # noqa: F403
from scratchnet.ops.trigonometric import *  # noqa: F403
