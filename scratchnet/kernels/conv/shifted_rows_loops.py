"""The compiled loops of convolution: sums of shifted rows, four by four.

A zero-padded image whose rows are laid end to end turns each tap (c, a, b) of a kernel into a constant
distance: output pixel p reads input pixel p + offset[tap].  A convolution is then a sum of shifted copies of
long rows, which compilers vectorise well and which needs no column matrix.  A stride splits the image into
sh·sw *phases*, its pixels of equal row modulo sh and equal column modulo sw, each laid out like an image;
then pixel p + 1 again reads its neighbours' neighbours. Pixels whose window would wrap around the end of a
row are computed and dropped.

A *patch* holds a group of channels for a block of output rows of one image, or for several small images:
[C, sh, sw, images, patch_rows, width], and zeros to read beyond its end and for absent taps.  Loops
take its ``shape`` = (images, rows, patch_rows, width, pixels, step): output rows an image, patch rows an
image and phase, length of a row, length of all rows (rounded up), and the distance of rows that are written
side by side. """

from __future__ import annotations

import numpy as np

from scratchnet.kernels.geometry import inside
from scratchnet.kernels.jit import copy, fill, jit

FILTERS = 32        # filters a job treats
CHANNELS = 16       # input channels a job treats in grad_input
PIXELS = 1024       # pixels of a row treated at once: four rows of results stay in the first-level cache


@jit(reassociate=True)
def add_4x4(y, at, step, x, k0, k1, k2, k3, w, n):
    """y[at + m·step + p] += w[m, 0]·x[k0 + p] + … + w[m, 3]·x[k3 + p]: 16 products for 12 loads and
    stores."""
    y0, y1 = y[at:at + n], y[at + step:at + step + n]
    y2, y3 = y[at + 2 * step:at + 2 * step + n], y[at + 3 * step:at + 3 * step + n]
    x0, x1, x2, x3 = x[k0:k0 + n], x[k1:k1 + n], x[k2:k2 + n], x[k3:k3 + n]
    w00, w01, w02, w03 = w[0, 0], w[0, 1], w[0, 2], w[0, 3]
    w10, w11, w12, w13 = w[1, 0], w[1, 1], w[1, 2], w[1, 3]
    w20, w21, w22, w23 = w[2, 0], w[2, 1], w[2, 2], w[2, 3]
    w30, w31, w32, w33 = w[3, 0], w[3, 1], w[3, 2], w[3, 3]
    for p in range(n):
        s, t, u, v = x0[p], x1[p], x2[p], x3[p]
        y0[p] += w00 * s + w01 * t + w02 * u + w03 * v
        y1[p] += w10 * s + w11 * t + w12 * u + w13 * v
        y2[p] += w20 * s + w21 * t + w22 * u + w23 * v
        y3[p] += w30 * s + w31 * t + w32 * u + w33 * v


@jit(reassociate=True)
def add_1x4(y, at, x, k0, k1, k2, k3, w, n):
    """y[at + p] += w[0, 0]·x[k0 + p] + … + w[0, 3]·x[k3 + p]."""
    y0, x0, x1, x2, x3 = y[at:at + n], x[k0:k0 + n], x[k1:k1 + n], x[k2:k2 + n], x[k3:k3 + n]
    w0, w1, w2, w3 = w[0, 0], w[0, 1], w[0, 2], w[0, 3]
    for p in range(n):
        y0[p] += w0 * x0[p] + w1 * x1[p] + w2 * x2[p] + w3 * x3[p]


@jit(reassociate=True)
def dot_4x4(out, y, at, step, x, k0, k1, k2, k3, n):
    """out[m, t] = sum over p of y[at + m·step + p]·x[k_t + p]."""
    y0, y1 = y[at:at + n], y[at + step:at + step + n]
    y2, y3 = y[at + 2 * step:at + 2 * step + n], y[at + 3 * step:at + 3 * step + n]
    x0, x1, x2, x3 = x[k0:k0 + n], x[k1:k1 + n], x[k2:k2 + n], x[k3:k3 + n]
    a00 = a01 = a02 = a03 = a10 = a11 = a12 = a13 = out.dtype.type(0)
    a20 = a21 = a22 = a23 = a30 = a31 = a32 = a33 = out.dtype.type(0)
    for p in range(n):
        s, t, u, v = x0[p], x1[p], x2[p], x3[p]
        b, c, d, e = y0[p], y1[p], y2[p], y3[p]
        a00, a01, a02, a03 = a00 + b * s, a01 + b * t, a02 + b * u, a03 + b * v
        a10, a11, a12, a13 = a10 + c * s, a11 + c * t, a12 + c * u, a13 + c * v
        a20, a21, a22, a23 = a20 + d * s, a21 + d * t, a22 + d * u, a23 + d * v
        a30, a31, a32, a33 = a30 + e * s, a31 + e * t, a32 + e * u, a33 + e * v
    out[0, 0], out[0, 1], out[0, 2], out[0, 3] = a00, a01, a02, a03
    out[1, 0], out[1, 1], out[1, 2], out[1, 3] = a10, a11, a12, a13
    out[2, 0], out[2, 1], out[2, 2], out[2, 3] = a20, a21, a22, a23
    out[3, 0], out[3, 1], out[3, 2], out[3, 3] = a30, a31, a32, a33


@jit(reassociate=True)
def dot_1x4(out, y, at, x, k0, k1, k2, k3, n):
    """out[0, t] = sum over p of y[at + p]·x[k_t + p]."""
    y0, x0, x1, x2, x3 = y[at:at + n], x[k0:k0 + n], x[k1:k1 + n], x[k2:k2 + n], x[k3:k3 + n]
    a0 = a1 = a2 = a3 = out.dtype.type(0)
    for p in range(n):
        y = y0[p]
        a0, a1, a2, a3 = a0 + y * x0[p], a1 + y * x1[p], a2 + y * x2[p], a3 + y * x3[p]
    out[0, 0], out[0, 1], out[0, 2], out[0, 3] = a0, a1, a2, a3


@jit
def fill_patch(patch, x, n, g, first, stride, padding, shape):
    """Copy images n, n + 1, … of group g of x [N, G, C, H, W] into a patch for output rows from ``first``."""
    (sh, sw), (ph, pw), images, patch_rows, width = stride, padding, shape[0], shape[2], shape[3]
    batch, groups, channels, height, columns = x.shape
    at = 0
    for c in range(channels):
        for a in range(sh):
            for b in range(sw):
                j0, j1 = inside(columns, width, sw, b - pw)
                for image in range(n, n + images):
                    for i in range(first, first + patch_rows):
                        h = i * sh + a - ph
                        target = patch[at:at + width]
                        at += width
                        if image >= batch or h < 0 or h >= height:
                            fill(target, 0)
                            continue
                        fill(target[:j0], 0)
                        fill(target[j1:], 0)
                        row = x[image, g, c, h]
                        if sw == 1:
                            copy(target[j0:j1], row[j0 - pw:j1 - pw])
                        else:
                            for j in range(j0, j1):
                                target[j] = row[j * sw + b - pw]


@jit
def fill_rows(rows_of_g, g, n, group, first_filter, filters, first, shape):
    """Lay rows of g [N, G, O, OH, OW] out like the pixels of a patch, zeros where a window would wrap
    around."""
    images, rows, patch_rows, width, pixels, step = shape
    batch, oh, ow = g.shape[0], g.shape[3], g.shape[4]
    fill(rows_of_g, 0)
    for o in range(filters):
        for image in range(min(images, batch - n)):
            for i in range(min(rows, oh - first)):
                at = o * pixels + (image * patch_rows + i) * width
                copy(rows_of_g[at:at + ow], g[n + image, group, first_filter + o, first + i])


@jit
def forward_loop(start, stop, x, w, bias, offsets, y, stride, padding, shape):
    """Jobs (block of images, group, block of rows, block of filters).

    x [N, G, C, H, W], w [G, O, K], bias [G, O], y [N, G, O, OH, OW]; offsets [K rounded up to fours, one
    more]: the absent taps, and the last entry, point at the zeros behind the patch.
    """
    images, rows, patch_rows, width, pixels, step = shape
    groups, filters, taps = w.shape
    batch, oh, ow = y.shape[0], y.shape[3], y.shape[4]
    row_blocks, filter_blocks = -(-oh // rows), -(-filters // FILTERS)
    patch = np.zeros(offsets[-1] + pixels, x.dtype)
    acc = np.empty(4 * step, x.dtype)
    tile = np.zeros((4, 4), x.dtype)
    for job in range(start, stop):
        rest, o = job // filter_blocks, job % filter_blocks * FILTERS
        last = min(o + FILTERS, filters)
        rest, first = rest // row_blocks, rest % row_blocks * rows
        n, g = rest // groups * images, rest % groups
        fill_patch(patch, x, n, g, first, stride, padding, shape)
        while o < last:
            many = 4 if o + 3 < last else 1
            for m in range(many):
                fill(acc[m * step:m * step + pixels], bias[g, o + m])
            for k in range(0, taps, 4):
                for m in range(many):
                    for t in range(4):
                        tile[m, t] = w[g, o + m, k + t] if k + t < taps else 0
                k0, k1, k2, k3 = offsets[k], offsets[k + 1], offsets[k + 2], offsets[k + 3]
                if many == 4:
                    add_4x4(acc, 0, step, patch, k0, k1, k2, k3, tile, pixels)
                else:
                    add_1x4(acc, 0, patch, k0, k1, k2, k3, tile, pixels)
            for m in range(many):
                for image in range(min(images, batch - n)):
                    for i in range(min(rows, oh - first)):
                        at = m * step + (image * patch_rows + i) * width
                        copy(y[n + image, g, o + m, first + i], acc[at:at + ow])
            o += many


@jit
def grad_input_loop(start, stop, g, w, offsets, gx, stride, padding, shape):
    """Jobs (block of images, group, block of channels): every tap adds w·g onto the pixels it read.

    g [N, G, O, OH, OW], w [G, O, C·T], gx [N, G, C, H, W]; offsets [T + 1] of the taps of one channel, and
    last the distance of channels.  The blocks of rows in ``shape`` are whole images.
    """
    images, rows, patch_rows, width, pixels, step = shape
    groups, filters, channels, taps = w.shape[0], w.shape[1], gx.shape[2], len(offsets) - 1
    blocks, distance = -(-channels // CHANNELS), offsets[-1]
    rows_of_g = np.empty((filters + 1) * pixels, g.dtype)       # the last is zero, for absent filters
    patch = np.zeros(CHANNELS * distance + pixels, g.dtype)
    tile = np.zeros((4, 4), g.dtype)
    for job in range(start, stop):
        rest, c0 = job // blocks, job % blocks * CHANNELS
        n, group = rest // groups * images, rest % groups
        last = min(c0 + CHANNELS, channels)
        fill_rows(rows_of_g, g, n, group, 0, filters, 0, shape)
        fill(patch, 0)
        for p in range(0, pixels, PIXELS):
            c, count = c0, min(PIXELS, pixels - p)
            while c < last:
                many = 4 if c + 3 < last else 1
                for k in range(taps):
                    at = (c - c0) * distance + offsets[k] + p
                    for o in range(0, filters, 4):
                        for m in range(many):
                            for t in range(4):
                                tile[m, t] = w[group, o + t, (c + m) * taps + k] if o + t < filters else 0
                        k0, k1 = o * pixels + p, min(o + 1, filters) * pixels + p
                        k2, k3 = min(o + 2, filters) * pixels + p, min(o + 3, filters) * pixels + p
                        if many == 4:
                            add_4x4(patch, at, distance, rows_of_g, k0, k1, k2, k3, tile, count)
                        else:
                            add_1x4(patch, at, rows_of_g, k0, k1, k2, k3, tile, count)
                c += many
        for c in range(c0, last):
            read_patch(gx, patch, (c - c0) * distance, n, group, c, stride, padding, shape)


@jit
def read_patch(gx, patch, channel, n, group, c, stride, padding, shape):
    """Copy one channel of a patch back into images n, n + 1, … of gx: what fill_patch does, backwards."""
    (sh, sw), (ph, pw), images, patch_rows, width = stride, padding, shape[0], shape[2], shape[3]
    batch, height, columns = gx.shape[0], gx.shape[3], gx.shape[4]
    for image in range(min(images, batch - n)):
        for h in range(height):
            a, i, row = (h + ph) % sh, (h + ph) // sh, gx[n + image, group, c, h]
            fill(row, 0)
            if i >= patch_rows:
                continue
            for b in range(sw):
                j0, j1 = inside(columns, width, sw, b - pw)
                at = channel + (((a * sw + b) * images + image) * patch_rows + i) * width
                if sw == 1:
                    copy(row[j0 - pw:j1 - pw], patch[at + j0:at + j1])
                else:
                    for j in range(j0, j1):
                        row[j * sw + b - pw] = patch[at + j]


@jit
def grad_weight_loop(start, stop, g, x, offsets, gw, chunk, stride, padding, shape):
    """Jobs (chunk of images, group, block of filters): each adds g·x into its own part of gw.

    g [N, G, O, OH, OW], x [N, G, C, H, W], gw [chunks, G, O, K] zero; offsets as in forward_loop.
    """
    images, rows, patch_rows, width, pixels, step = shape
    groups, filters, taps = gw.shape[1:]
    batch, oh = g.shape[0], g.shape[3]
    blocks = -(-filters // FILTERS)
    patch = np.zeros(offsets[-1] + pixels, x.dtype)
    rows_of_g = np.zeros(min(FILTERS, filters) * pixels, x.dtype)
    tile = np.zeros((4, 4), x.dtype)
    for job in range(start, stop):
        rest, o0 = job // blocks, job % blocks * FILTERS
        part, group = rest // groups, rest % groups
        last = min(o0 + FILTERS, filters)
        for n in range(part * chunk, min(batch, (part + 1) * chunk), images):
            for first in range(0, oh, rows):
                fill_patch(patch, x, n, group, first, stride, padding, shape)
                fill_rows(rows_of_g, g, n, group, o0, last - o0, first, shape)
                o = o0
                while o < last:
                    many, at = 4 if o + 3 < last else 1, (o - o0) * pixels
                    for k in range(0, taps, 4):
                        k0, k1, k2, k3 = offsets[k], offsets[k + 1], offsets[k + 2], offsets[k + 3]
                        if many == 4:
                            dot_4x4(tile, rows_of_g, at, pixels, patch, k0, k1, k2, k3, pixels)
                        else:
                            dot_1x4(tile, rows_of_g, at, patch, k0, k1, k2, k3, pixels)
                        for m in range(many):
                            for t in range(min(4, taps - k)):
                                gw[part, group, o + m, k + t] += tile[m, t]
                    o += many


@jit(reassociate=True)
def grad_bias_loop(start, stop, g, gb):
    """gb[o] = the sum of g [N, O, L] over n and l."""
    for o in range(start, stop):
        total = 0.0
        for n in range(g.shape[0]):
            for i in range(g.shape[2]):
                total += g[n, o, i]
        gb[o] = total
