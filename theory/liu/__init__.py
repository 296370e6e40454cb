"""Claims of Liu et al. 2022, "Do we really need dice?" (hidden region-size biases)."""

SOURCE = "Liu 2022"
