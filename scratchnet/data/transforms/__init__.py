"""Changes to images: torchvision's names, and whole batches at a time.

transform = Compose([RandomAffine(degrees=10, translate=(0.1, 0.1)), ToTensor(), Normalize(0.1307, 0.3081)])
transform(image)            # one image
transform.batch(images)     # a stack of images, in one go; what the datasets of this package call
"""

from scratchnet.data.transforms.affine import RandomAffine, warp
from scratchnet.data.transforms.basic import Compose, Lambda, Normalize, ToTensor, Transform
from scratchnet.data.transforms.geometry import CenterCrop, InterpolationMode, Resize

__all__ = [
    "CenterCrop",
    "Compose",
    "InterpolationMode",
    "Lambda",
    "Normalize",
    "RandomAffine",
    "Resize",
    "ToTensor",
    "Transform",
    "warp",
]
