"""The compiled loops of `channels`."""

from __future__ import annotations

from typing import Any

from scratchnet.kernels.conv.patch_loops import fill_patch
from scratchnet.kernels.jit import jit

M = V = L = WIDTH = T = 1           # of the tile, and the tile: `tile.specialised` puts them in
tile: Any = None
transposed: Any = None


@jit
def transpose(source, source_row, rows, target, target_row, columns):
    """target[c·target_row + r] = source[r·source_row + c] for r < rows, c < columns"""
    whole_rows, whole_columns = rows // T * T, columns // T * T
    for r in range(0, whole_rows, T):
        for c in range(0, whole_columns, T):
            transposed(T, source[r * source_row + c:], source_row, target[c * target_row + r:], target_row)
        for m in range(r, r + T):
            for c in range(whole_columns, columns):
                target[c * target_row + m] = source[m * source_row + c]
    for r in range(whole_rows, rows):
        for c in range(columns):
            target[c * target_row + r] = source[r * source_row + c]


@jit
def pack_weights_loop(start, stop, w, w_steps, w_group, w_row, plan, packed):
    """packed [G, panels, K, WIDTH]: the weights of WIDTH filters side by side.  (Lanes without a filter hold anything.)

    Where the reduction runs through the weight as it lies in memory, "in order", `forward_loop` packs what it needs by itself.
    """
    for job in range(start, stop):
        group, panel = job // plan.panels, job % plan.panels
        target = packed[job * plan.reduction * WIDTH:(job + 1) * plan.reduction * WIDTH]
        filters = min(WIDTH, plan.results - panel * WIDTH)
        rows = w[group * w_group + panel * WIDTH * w_row:]
        for k in range(plan.reduction):
            row, column = target[k * WIDTH:k * WIDTH + filters], rows[w_steps[k]:]
            for o in range(filters):
                row[o] = column[o * w_row]


@jit
def forward_loop(start, stop, source, w, in_order, w_group, w_row, depths, taps, pixels, bias, result, steps, spread, first,
                 output, layout, plan, panel_jobs, scratch):
    """source [N, G, C, D, H, W]; result [N, G, O, D', H', W']; a job is an (images, group, depth, block) and a share of panels

    w holds the weights in order, of which as many as are used at once are packed, in the cache; or all of them, packed.
    """
    groups = source.shape[1]
    block_of_weights = scratch[plan.images * plan.patch:]
    sums = block_of_weights[plan.taps * WIDTH:]
    filled = -1
    for job in range(start, stop):
        part, share = job // panel_jobs, job % panel_jobs
        block, rest = part % plan.blocks, part // plan.blocks
        od, rest = rest % output[0], rest // output[0]
        group, first_image = rest % groups, rest // groups * plan.images
        images = min(plan.images, len(source) - first_image)
        i0 = block * plan.rows
        rows = min(plan.rows, output[1] - i0)
        count = images * rows * output[2]       # a block of fewer rows is of one image
        if filled != part:
            for b in range(images):
                fill_patch(source[first_image + b, group], depths, od * steps[0], i0 * steps[1], (1, 1), layout,
                           scratch[b * plan.patch:(b + 1) * plan.patch])
            filled = part
        for panel in range(share, plan.panels, panel_jobs):
            o0, filters = panel * WIDTH, min(WIDTH, plan.results - panel * WIDTH)
            for k in range(0, plan.reduction, plan.taps):
                some = min(plan.taps, plan.reduction - k)
                if in_order:
                    transpose(w[group * w_group + o0 * w_row + k:], w_row, filters, block_of_weights, WIDTH, some)
                    weights = block_of_weights
                else:
                    weights = w[((group * plan.panels + panel) * plan.reduction + k) * WIDTH:]
                for q in range(0, count, M):
                    tile(M, V, L, scratch, pixels[q:], taps[k:], weights, WIDTH, some, sums[q * WIDTH:], WIDTH, k == 0)
            for b in range(images):
                store_block(sums[b * rows * output[2] * WIDTH:], filters, bias[group, o0:], od, i0, rows, spread, first, output,
                            result[first_image + b, group, o0:])


@jit
def store_block(sums, filters, bias, od, i0, rows, spread, first, output, result):
    """Write sums [pixels, WIDTH] of a block of rows into result [filters, D, H, W]."""
    depth, height, width = result.shape[1:]
    if spread[0] * spread[1] * spread[2] == 1 and width == output[2]:
        flat, pixels = result.reshape(-1)[(od * height + i0) * width:], rows * width
        transpose(sums, WIDTH, pixels, flat, depth * height * width, filters)
        for o in range(filters):
            add = bias[o]
            if add != 0:
                line = flat[o * depth * height * width:o * depth * height * width + pixels]
                for q in range(len(line)):
                    line[q] += add
        return
    for o in range(filters):
        for i in range(rows):
            line = sums[i * output[2] * WIDTH + o:]
            out = result[o, first[0] + od * spread[0], first[1] + (i0 + i) * spread[1]]
            for j in range(output[2]):
                out[first[2] + j * spread[2]] = line[j * WIDTH] + bias[o]


@jit
def grad_weight_loop(start, stop, source, g, depths, taps, pixels, sums, steps, layout, plan, scratch):
    """sums [parts, G, panels, chunks, chunk_rows, WIDTH]; a job is one (part, group, panel, chunk)"""
    _, groups, filters, depth, height, width = g.shape
    packed = scratch[plan.images * plan.patch:]
    for job in range(start, stop):
        chunk, rest = job % plan.chunks, job // plan.chunks
        panel, rest = rest % plan.panels, rest // plan.panels
        group, part = rest % groups, rest // groups
        target, fresh = sums[part, group, panel, chunk].reshape(-1), True
        c0 = chunk * plan.chunk
        c1 = min(c0 + plan.chunk, source.shape[2])
        o0 = panel * WIDTH
        for image_block in range(part * plan.part, min((part + 1) * plan.part, plan.image_blocks)):
            n0 = image_block * plan.images
            images = min(plan.images, len(source) - n0)
            for od in range(depth):
                for i0 in range(0, height, plan.rows):
                    rows = min(plan.rows, height - i0)
                    for b in range(images):
                        fill_patch(source[n0 + b, group, c0:c1], depths, od * steps[0], i0 * steps[1], (1, 1), layout,
                                   scratch[b * plan.patch:(b + 1) * plan.patch])
                        flat = g[n0 + b, group].reshape(-1)[(o0 * depth + od) * height * width + i0 * width:]
                        transpose(flat, depth * height * width, min(WIDTH, filters - o0), packed[b * rows * width * WIDTH:],
                                  WIDTH, rows * width)
                    for t in range(0, (c1 - c0) * plan.area, M):
                        tile(M, V, L, scratch, taps[t:], pixels, packed, WIDTH, images * rows * width, target[t * WIDTH:], WIDTH,
                             fresh)
                    fresh = False


@jit
def gather_sums_loop(start, stop, sums, gw, plan):
    """gw [G, O, K]: the partial sums added up, in the order of the weight; a job is one (group, panel, chunk)."""
    parts, groups, panels, chunks, _, width = sums.shape
    for job in range(start, stop):
        chunk, rest = job % chunks, job // chunks
        panel, group = rest % panels, rest // panels
        k0 = chunk * plan.chunk * plan.area
        taps = min(plan.chunk * plan.area, plan.reduction - k0)
        total = sums[0, group, panel, chunk].reshape(-1)[:taps * width]
        for part in range(1, parts):
            other = sums[part, group, panel, chunk].reshape(-1)[:taps * width]
            for i in range(len(total)):
                total[i] += other[i]
        o0 = panel * width
        transpose(total, width, taps, gw[group, o0:].reshape(-1)[k0:], plan.reduction, min(width, plan.results - o0))
