"""Metrics of hard masks, each with its rule for empty ones."""
