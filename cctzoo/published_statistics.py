"""Pixel statistics that the authors of CCT trained with: for data sets, and for their weights."""

# Name in TFDS: (mean, std) of pixels in [0, 1], one number per channel each.
PUBLISHED_STATISTICS = {
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "cifar100": ((0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)),
    "oxford_flowers102": ((0.4353, 0.3773, 0.2872), (0.2966, 0.2455, 0.2698)),
    "imagenet2012": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
