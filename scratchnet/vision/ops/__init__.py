"""Operations for object detection, named as in torchvision."""

from scratchnet.nn.losses.focal import sigmoid_focal_loss
from scratchnet.vision.ops.boxes import (
    box_area,
    box_convert,
    clip_boxes_to_image,
    masks_to_boxes,
    remove_small_boxes,
)
from scratchnet.vision.ops.layers import PSRoIAlign, PSRoIPool, RoIAlign, RoIPool
from scratchnet.vision.ops.losses import complete_box_iou_loss, distance_box_iou_loss, generalized_box_iou_loss
from scratchnet.vision.ops.nms import batched_nms, matrix_nms, nms, soft_nms
from scratchnet.vision.ops.overlap import box_iou, complete_box_iou, distance_box_iou, generalized_box_iou
from scratchnet.vision.ops.repulsion import repulsion_box_loss, repulsion_gt_loss, smooth_ln
from scratchnet.vision.ops.roi import ps_roi_align, ps_roi_pool, roi_align, roi_pool

__all__ = [
    "PSRoIAlign", "PSRoIPool", "RoIAlign", "RoIPool", "batched_nms", "box_area", "box_convert", "box_iou",
    "clip_boxes_to_image", "complete_box_iou", "complete_box_iou_loss", "distance_box_iou", "distance_box_iou_loss",
    "generalized_box_iou", "generalized_box_iou_loss", "masks_to_boxes", "matrix_nms", "nms", "ps_roi_align",
    "ps_roi_pool", "remove_small_boxes", "repulsion_box_loss", "repulsion_gt_loss", "roi_align", "roi_pool",
    "sigmoid_focal_loss", "smooth_ln", "soft_nms",
]  # fmt: skip
