"""Calls of the kernels that resize and sample images, for `calls`."""

from scratchnet.kernels.interpolate_tables import table


def interpolation_calls(a):
    def tables(dtype, **modes):
        return tuple(table(*axis, dtype, **modes) for axis in (("linear", 9, 23), ("cubic", 7, 5)))

    dtype = a(1).dtype
    image, points, volume = a(2, 6, 5, 7), a(2, 20, 9, 2), a(2, 3, 3, 4, 5)
    smooth, depth = tables(dtype, antialias=True), table("nearest", 4, 6, dtype)
    return {
        "resample": (a(2, 3, 9, 7), tables(dtype)),
        "resample adjoint": (a(2, 3, 23, 5), tuple(t.adjoint for t in tables(dtype))),
        "resample antialiased": (a(1, 2, 9, 7), smooth),
        "resample volumes": (a(2, 2, 4, 9, 7), (depth, *tables(dtype))),
        "resample volumes back": (a(2, 2, 6, 23, 5), (depth.adjoint, *(t.adjoint for t in smooth))),
        "resample rows": (a(3, 9, 7), (table("area", 9, 4, dtype), table("linear", 7, 7, dtype))),
        "resample signals": (a(3, 5, 9), (table("area", 9, 4, dtype),)),
        "grid_sample": (image, points),
        "grid_sample bicubic": (image, points, "bicubic", "reflection"),
        "grid_sample volumes": (volume, a(2, 4, 5, 2, 3), "bilinear", "border", True),
        "grid_sample nearest": (image, points, "nearest"),
        "grid_sample derivative": (image, points, "bicubic", "zeros", True, (1, 2)),
        "grid_sample_adjoint": (a(2, 6, 20, 9), points, image.shape),
        "grid_sample_adjoint bicubic": (a(2, 6, 20, 9), points, image.shape, "bicubic", "border"),
        "grid_sample_adjoint volumes": (a(2, 3, 4, 5, 2), a(2, 4, 5, 2, 3), volume.shape, "bilinear", "reflection"),
        "grid_sample_slope": (a(2, 6, 20, 9), image, points),
        "grid_sample_slope bicubic": (a(2, 6, 20, 9), image, points, "bicubic", "reflection", True),
        "grid_sample_slope volumes": (a(2, 3, 4, 5, 2), volume, a(2, 4, 5, 2, 3), "bilinear", "zeros"),
        "grid_sample_slope nearest": (a(2, 6, 20, 9), image, points, "nearest"),
        "grid_sample_slope derivative": (a(2, 6, 20, 9), image, points, "bicubic", "zeros", False, (1, 0)),
    }
