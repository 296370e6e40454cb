"""Eelbode 2020 tried again: which losses serve Dice and Jaccard, and when."""
