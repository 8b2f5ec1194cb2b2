"""Differentiable functions of Tensors, one family a file. Importing them attaches the methods to Tensor."""

import warnings as _warnings

from scratchnet.ops.arithmetic import *  # noqa: F403
from scratchnet.ops.broadcasting import *  # noqa: F403
from scratchnet.ops.comparison import *  # noqa: F403
from scratchnet.ops.conversion import *  # noqa: F403
from scratchnet.ops.counting import *  # noqa: F403
from scratchnet.ops.creation import *  # noqa: F403
from scratchnet.ops.cumulative import *  # noqa: F403
from scratchnet.ops.diagonals import *  # noqa: F403
from scratchnet.ops.division import *  # noqa: F403
from scratchnet.ops.einsum import *  # noqa: F403
from scratchnet.ops.elementary import *  # noqa: F403
from scratchnet.ops.extrema import *  # noqa: F403
from scratchnet.ops.fill import *  # noqa: F403
from scratchnet.ops.gathering import *  # noqa: F403
from scratchnet.ops.indexing import *  # noqa: F403
from scratchnet.ops.joining import *  # noqa: F403
from scratchnet.ops.layout import *  # noqa: F403
from scratchnet.ops.logical import *  # noqa: F403
from scratchnet.ops.matmul import *  # noqa: F403
from scratchnet.ops.matrices import *  # noqa: F403
from scratchnet.ops.norm import *  # noqa: F403
from scratchnet.ops.numpy_protocol import *  # noqa: F403
from scratchnet.ops.permuting import *  # noqa: F403
from scratchnet.ops.power import *  # noqa: F403
from scratchnet.ops.printing import *  # noqa: F403
from scratchnet.ops.putting import *  # noqa: F403
from scratchnet.ops.quantiles import *  # noqa: F403
from scratchnet.ops.ranges import *  # noqa: F403
from scratchnet.ops.rearranging import *  # noqa: F403
from scratchnet.ops.reduction import *  # noqa: F403
from scratchnet.ops.reshaping_in_place import *  # noqa: F403
from scratchnet.ops.rounding import *  # noqa: F403
from scratchnet.ops.sampling import *  # noqa: F403
from scratchnet.ops.scaled_products import *  # noqa: F403
from scratchnet.ops.scattering import *  # noqa: F403
from scratchnet.ops.selection import *  # noqa: F403
from scratchnet.ops.shape import *  # noqa: F403
from scratchnet.ops.slicing import *  # noqa: F403
from scratchnet.ops.sorting import *  # noqa: F403
from scratchnet.ops.special import *  # noqa: F403
from scratchnet.ops.statistics import *  # noqa: F403
from scratchnet.ops.ternary import *  # noqa: F403
from scratchnet.ops.trigonometric import *  # noqa: F403
from scratchnet.ops.windows import *  # noqa: F403

# 1 / 0 is inf and log(-1) is NaN, silently, as in torch; autograd.detect_anomaly finds where they come from.
# (np.errstate would do it too, at a microsecond for each operation.)
_warnings.filterwarnings("ignore", ".* encountered in", RuntimeWarning, r"scratchnet\.")
