"""Claims of Ma et al. 2021, Loss odyssey in medical image segmentation."""

SOURCE = "Ma 2021"
