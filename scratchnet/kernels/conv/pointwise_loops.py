"""The compiled loops of `pointwise`."""

from __future__ import annotations

from scratchnet.kernels.conv.channels_loops import transpose
from scratchnet.kernels.jit import jit
from scratchnet.kernels.matrix_tile import multiply_add_wide
from scratchnet.kernels.vector_loops import copy, fill

WIDTH = 1                           # of the tile: `tile.specialised` puts it in


@jit
def _gather(x, group, first, plan, panel):
    """panel [K, WIDTH]: the pixels from the first on, of one image after another.  (Lanes without a pixel hold anything.)"""
    lane = 0
    while lane < WIDTH and first + lane < plan.images * plan.pixels:
        image, pixel = (first + lane) // plan.pixels, (first + lane) % plan.pixels
        run = min(WIDTH - lane, plan.pixels - pixel)
        source = x[(image * plan.groups + group) * plan.inner * plan.pixels + pixel:]
        for k in range(plan.inner):
            copy(panel[k * WIDTH + lane:k * WIDTH + lane + run], source[k * plan.pixels:])
        lane += run


@jit
def _scatter(sums, group, top, rows, first, plan, out):
    """The other way for results [rows, WIDTH], of rows of out from the top on."""
    lane = 0
    while lane < WIDTH and first + lane < plan.images * plan.pixels:
        image, pixel = (first + lane) // plan.pixels, (first + lane) % plan.pixels
        run = min(WIDTH - lane, plan.pixels - pixel)
        target = out[((image * plan.groups + group) * plan.rows + top) * plan.pixels + pixel:]
        for m in range(rows):
            copy(target[m * plan.pixels:m * plan.pixels + run], sums[m * WIDTH + lane:])
        lane += run


@jit
def products_loop(start, stop, w, w_row, w_column, x, bias, out, plan, scratch):
    """out [N, G, O, pixels] = w [G, O, K] · x [N, G, K, pixels] + bias [G, O], all flat; a bias of no numbers is none.

    A job is a (group, block of rows, panel of pixels).  The images stand side by side: a panel that reaches into the next one
    is laid out, and so are its sums; others are read and written where they lie.
    """
    panel, sums = scratch[:plan.inner * WIDTH], scratch[plan.inner * WIDTH:]
    for job in range(start, stop):
        part, first = job // plan.panels, job % plan.panels * WIDTH
        group, top = part // plan.blocks, part % plan.blocks * plan.height
        rows = min(plan.height, plan.rows - top)
        image, pixel = first // plan.pixels, first % plan.pixels
        inside, place = pixel + WIDTH <= plan.pixels, image * plan.groups + group
        source, source_row, target, target_row = panel, WIDTH, sums, WIDTH
        if inside:
            source, source_row = x[place * plan.inner * plan.pixels + pixel:], plan.pixels
            target, target_row = out[(place * plan.rows + top) * plan.pixels + pixel:], plan.pixels
        else:
            _gather(x, group, first, plan, panel)
        for m in range(len(bias) and rows):
            fill(target[m * target_row:m * target_row + WIDTH], bias[group * plan.rows + top + m])
        multiply_add_wide(w[group * plan.rows * plan.inner + top * w_row:], w_row, w_column, source, source_row,
                          target, target_row, rows, plan.inner, len(bias) == 0)  # fmt: skip
        if not inside:
            _scatter(sums, group, top, rows, first, plan, out)


@jit
def outer_products_loop(start, stop, g, x, out, plan, scratch):
    """out [parts, G, O, C] = Σ_images g [N, G, O, pixels] · xᵀ, of x [N, G, C, pixels]; all flat, a part sums some of the images.

    A job is a (part, group, block of rows, panel of channels), whose pixels are turned over some at a time.
    """
    panel, sums = scratch[:plan.depth * WIDTH], scratch[plan.depth * WIDTH:]
    for job in range(start, stop):
        rest, first = job // plan.panels, job % plan.panels * WIDTH
        rest, top = rest // plan.blocks, rest % plan.blocks * plan.height
        part, group = rest // plan.groups, rest % plan.groups
        rows, width = min(plan.height, plan.rows - top), min(WIDTH, plan.inner - first)
        target, target_row = sums, WIDTH                        # lanes without a channel hold anything
        result = out[(rest * plan.rows + top) * plan.inner + first:]
        if width == WIDTH:
            target, target_row = result, plan.inner
        for image in range(part * plan.part, min((part + 1) * plan.part, plan.images)):
            place = image * plan.groups + group
            for pixel in range(0, plan.pixels, plan.depth):
                some = min(plan.depth, plan.pixels - pixel)
                transpose(x[(place * plan.inner + first) * plan.pixels + pixel:], plan.pixels, width, panel, WIDTH, some)
                multiply_add_wide(g[(place * plan.rows + top) * plan.pixels + pixel:], plan.pixels, 1, panel, WIDTH,
                                  target, target_row, rows, some, image == part * plan.part and pixel == 0)  # fmt: skip
        if width < WIDTH:
            for m in range(rows):
                copy(result[m * plan.inner:m * plan.inner + width], sums[m * WIDTH:])
