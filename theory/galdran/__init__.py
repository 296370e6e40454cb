"""Claims of Galdran et al. 2022 (combinations of cross-entropy and Dice losses)."""

SOURCE = "Galdran 2022"
