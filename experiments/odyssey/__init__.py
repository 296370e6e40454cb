"""Ma 2021 tried again: 27 losses under one protocol, on data of one's own."""
