"""What each loss of the catalog is like, found out by machine."""
