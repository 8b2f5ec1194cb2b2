"""Plain NumPy until the kernels land."""
import numpy as np
from scratchnet.kernels.geometry import window_counts
from scratchnet.kernels.im2col import im2col, col2im


def conv2d_forward(x, w, stride, padding, dilation, groups):
    n, o = len(x), len(w)
    kh, kw = w.shape[2:]
    oh, ow = window_counts("conv2d", x.shape[2:], (kh, kw), stride, padding, dilation)
    cols = im2col(x, (kh, kw), stride, padding, dilation).reshape(n, groups, -1, oh * ow)
    return np.matmul(w.reshape(groups, o // groups, -1), cols).reshape(n, o, oh, ow)


def conv2d_grad_input(g, w, input_shape, stride, padding, dilation, groups):
    n, o = g.shape[:2]
    k = w.reshape(groups, o // groups, -1).transpose(0, 2, 1)
    cols = np.matmul(k, g.reshape(n, groups, o // groups, -1)).reshape(n, -1, g.shape[2] * g.shape[3])
    return col2im(cols, input_shape[2:], w.shape[2:], stride, padding, dilation)


def conv2d_grad_weight(g, x, weight_shape, stride, padding, dilation, groups):
    n, o = g.shape[:2]
    cols = im2col(x, weight_shape[2:], stride, padding, dilation).reshape(n, groups, -1, g.shape[2] * g.shape[3])
    gw = np.matmul(g.reshape(n, groups, o // groups, -1), cols.transpose(0, 1, 3, 2)).sum(0)
    return gw.reshape(weight_shape)


def _windows(x, kernel, stride, padding, dilation, counts, fill):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw), (oh, ow) = kernel, stride, padding, dilation, counts
    H, W = x.shape[2:]
    eh = max(0, (oh - 1) * sh + (kh - 1) * dh + 1 - H - ph); ew = max(0, (ow - 1) * sw + (kw - 1) * dw + 1 - W - pw)
    p = np.pad(x, ((0, 0), (0, 0), (ph, eh), (pw, ew)), constant_values=fill)
    return np.stack([p[:, :, a * dh:a * dh + sh * (oh - 1) + 1:sh, b * dw:b * dw + sw * (ow - 1) + 1:sw] for a in range(kh) for b in range(kw)], -1)


def max_pool2d(x, kernel, stride, padding, dilation, ceil_mode):
    counts = window_counts("max_pool2d", x.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    fill = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    win = _windows(x, kernel, stride, padding, dilation, counts, fill)
    idx = np.arange(x.shape[2] * x.shape[3]).reshape(1, 1, *x.shape[2:])
    where = _windows(idx, kernel, stride, padding, dilation, counts, -1)
    win = np.where(where >= 0, win, fill)
    k = np.where(np.isnan(win).any(-1), np.isnan(win).argmax(-1), win.argmax(-1))[..., None]
    return np.take_along_axis(win, k, -1)[..., 0], np.take_along_axis(np.broadcast_to(where, win.shape), k, -1)[..., 0]


def scatter(g, indices, shape):
    y = np.zeros((g.shape[0] * g.shape[1], shape[2] * shape[3]), g.dtype)
    rows = np.arange(len(y))[:, None]
    np.add.at(y, (rows, indices.reshape(len(y), -1)), g.reshape(len(y), -1))
    return y.reshape(shape)


def gather(x, indices):
    n = x.shape[0] * x.shape[1]
    return np.take_along_axis(x.reshape(n, -1), indices.reshape(n, -1), 1).reshape(indices.shape)


def _divisors(size, kernel, stride, padding, counts, include, override):
    if override:
        return np.full(counts, override, np.float64)
    d = []
    for n, k, s, p, c in zip(size, kernel, stride, padding, counts):
        a = np.arange(c) * s - p
        b = np.minimum(a + k, n + p)
        d.append((b - a) if include else np.minimum(b, n) - np.maximum(a, 0))
    return np.outer(*d).astype(np.float64)


def avg_pool2d(x, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override):
    counts = window_counts("avg_pool2d", x.shape[2:], kernel, stride, padding, (1, 1), ceil_mode)
    win = _windows(x, kernel, stride, padding, (1, 1), counts, 0)
    return (win.sum(-1) / _divisors(x.shape[2:], kernel, stride, padding, counts, count_include_pad, divisor_override)).astype(x.dtype)


def avg_pool2d_backward(g, input_shape, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override):
    counts = g.shape[2:]
    (kh, kw), (sh, sw), (ph, pw), (oh, ow) = kernel, stride, padding, counts
    d = (g / _divisors(input_shape[2:], kernel, stride, padding, counts, count_include_pad, divisor_override)).astype(g.dtype)
    H, W = input_shape[2:]
    y = np.zeros((*g.shape[:2], max(H + 2 * ph, (oh - 1) * sh + kh), max(W + 2 * pw, (ow - 1) * sw + kw)), g.dtype)
    for a in range(kh):
        for b in range(kw):
            y[:, :, a:a + sh * (oh - 1) + 1:sh, b:b + sw * (ow - 1) + 1:sw] += d
    return y[:, :, ph:ph + H, pw:pw + W]


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True, initial=-np.inf))
    return e / e.sum(axis, keepdims=True)


def softmax_backward(g, y, axis):
    return y * (g - (g * y).sum(axis, keepdims=True))


def log_softmax(x, axis):
    s = x - x.max(axis, keepdims=True, initial=-np.inf)
    return s - np.log(np.exp(s).sum(axis, keepdims=True))


def log_softmax_backward(g, y, axis):
    return g - np.exp(y) * g.sum(axis, keepdims=True)


def batch_norm(x, w, b, eps):
    axes = (0, *range(2, x.ndim)); shape = (1, -1) + (1,) * (x.ndim - 2)
    mean, var = x.mean(axes), x.var(axes)
    y = (x - mean.reshape(shape)) / np.sqrt(var.reshape(shape) + eps)
    if w is not None: y = y * w.reshape(shape)
    if b is not None: y = y + b.reshape(shape)
    return y, mean, var


def batch_norm_backward(g, x, w, mean, var, eps):
    axes = (0, *range(2, x.ndim)); shape = (1, -1) + (1,) * (x.ndim - 2)
    rstd = 1 / np.sqrt(var.reshape(shape) + eps); xh = (x - mean.reshape(shape)) * rstd
    gw = (g * xh).sum(axes); gb = g.sum(axes); n = x.size // x.shape[1]
    gx = rstd * (1 if w is None else w.reshape(shape)) * (g - (gb.reshape(shape) + xh * gw.reshape(shape)) / n)
    return gx, gw, gb


