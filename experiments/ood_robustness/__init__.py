"""Galdran 2022 tried again: losses and images without a lesion."""
