"""Another option of the same layer."""

from scratchnet.nn import functional as F
from tests.interop.causes.planting import CLASSES, MAPS, ROWS, SEQUENCE, Planted

OLD_MOMENTUM = "momentum 0.1 weighs the old running value, torch's weighs the new one"

PLANTED = [
    Planted("options.eps", "eps is 0.001, torch's is 1e-05", "LayerNorm", (6,), ROWS, wrong={"eps": 1e-3}),
    Planted("options.eps", "eps is 0.01, torch's is 1e-05", "GroupNorm", (2, 4), MAPS, wrong={"eps": 0.01}),
    Planted("options.eps", "eps is 0.001, torch's is None", "RMSNorm", (6,), ROWS, wrong={"eps": 1e-3}),
    Planted(
        "options.padding", "padding is (0, 0), torch's is (1, 1)", "Conv2d", (4, 2, 3), MAPS, {"padding": 1},
        wrong={"padding": 0},
    ),
    Planted(
        "options.padding", "padding is (2, 2), torch's is (1, 1)", "Conv2d", (4, 2, 3), MAPS, {"padding": 1},
        wrong={"padding": 2},
    ),
    Planted(
        "options.padding", "padding is 1, torch's is 0", "AvgPool2d", (3,), MAPS, wrong={"padding": 1},
    ),
    Planted(
        "options.padding_mode", "padding_mode is 'reflect', torch's is 'zeros'", "Conv2d", (4, 2, 3), MAPS,
        {"padding": 1}, wrong={"padding_mode": "reflect"},
    ),
    Planted(
        "options.stride", "stride is (1, 1), torch's is (2, 2)", "Conv2d", (4, 2, 3), MAPS, {"stride": 2},
        wrong={"stride": 1},
    ),
    Planted(
        "options.dilation", "dilation is (1, 1), torch's is (2, 2)", "Conv2d", (4, 2, 2), MAPS, {"dilation": 2},
        wrong={"dilation": 1},
    ),
    Planted(
        "options.ceil_mode", "ceil_mode is True, torch's is False", "MaxPool2d", (2,), MAPS, wrong={"ceil_mode": True}
    ),
    Planted(
        "options.count_include_pad", "count_include_pad is False, torch's is True", "AvgPool2d", (3,), MAPS,
        {"padding": 1}, wrong={"count_include_pad": False},
    ),
    Planted(
        "options.corners", "align_corners is True, torch's is None", "Upsample", (), MAPS,
        {"scale_factor": 2, "mode": "bilinear"}, wrong={"align_corners": True},
    ),
    Planted(
        "options.corners", "align_corners is False, torch's is True", "UpsamplingBilinear2d", (), MAPS,
        {"scale_factor": 2}, forward=lambda s, x: F.interpolate(x, scale_factor=2, mode="bilinear"),
    ),
    Planted(
        "options.resampling", "mode is 'nearest-exact', torch's is 'nearest'", "Upsample", (), MAPS, {"size": (3, 7)},
        wrong={"mode": "nearest-exact"},
    ),
    Planted(
        "options.approximate", "GELU is computed by the tanh approximation, torch's by the erf", "GELU", (), ROWS,
        wrong={"approximate": "tanh"},
    ),
    Planted(
        "options.approximate", "GELU is computed by the erf, torch's by the tanh approximation", "GELU", (), ROWS,
        {"approximate": "tanh"}, wrong={"approximate": "none"},
    ),
    Planted(
        "options.negative_slope", "negative_slope is 0.2, torch's is 0.01", "LeakyReLU", (), ROWS,
        wrong={"negative_slope": 0.2},
    ),
    Planted("options.alpha", "alpha is 0.5, torch's is 1", "ELU", (), ROWS, wrong={"alpha": 0.5}),
    Planted("options.beta", "beta is 2, torch's is 1", "Softplus", (), ROWS, wrong={"beta": 2.0}),
    Planted("options.dim", "the axis is 0, torch's is 1", "Softmax", (), ROWS, {"dim": 1}, wrong={"dim": 0}),
    Planted(
        "options.reduction", "reduction is 'sum', torch's is 'mean'", "MSELoss", (), (ROWS, ROWS + 1),
        wrong={"reduction": "sum"},
    ),
    Planted(
        "options.label_smoothing", "label_smoothing is 0, torch's is 0.1", "CrossEntropyLoss", (), (ROWS, CLASSES),
        {"label_smoothing": 0.1}, wrong={"label_smoothing": 0.0},
    ),
    Planted("options.width", "beta is 0.5, torch's is 1", "SmoothL1Loss", (), (ROWS, ROWS * 2), wrong={"beta": 0.5}),
    Planted(
        "options.momentum", OLD_MOMENTUM, "BatchNorm2d", (4,), MAPS, wrong={"momentum": 0.9}, what="running_mean",
    ),
    Planted(
        "options.other_momentum", "momentum is 0.01, torch's is 0.1", "BatchNorm2d", (4,), MAPS,
        wrong={"momentum": 0.01}, what="running_mean",
    ),
    Planted(
        "options.num_groups", "num_groups is 4, torch's is 2", "GroupNorm", (), MAPS,
        {"num_groups": 2, "num_channels": 4}, wrong={"num_groups": 4},
        also=("mean and variance are taken over axes 3, 4, torch takes them over 2, 3, 4",),
    ),
    Planted(
        "options.num_heads", "num_heads is 3, torch's is 2", "MultiheadAttention", (), (ROWS,) * 3,
        {"embed_dim": 6, "num_heads": 2}, wrong={"num_heads": 3}, what="output[0]",
    ),
    Planted(
        "options.batch_first", "batch_first is True, torch's is False", "LSTM", (3, 4), SEQUENCE,
        wrong={"batch_first": True}, what="output[0]",
    ),
    Planted(
        "options.nonlinearity", "nonlinearity is 'relu', torch's is 'tanh'", "RNN", (3, 4), SEQUENCE,
        wrong={"nonlinearity": "relu"}, what="output[0]",
    ),
]  # fmt: skip
