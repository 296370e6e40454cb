"""Liu 2022 tried again: the label-marginal bias of losses, on images of one's own."""
