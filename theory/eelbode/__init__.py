"""Claims of Eelbode et al. 2020, "Optimization for Medical Image Segmentation"."""

SOURCE = "Eelbode 2020"
