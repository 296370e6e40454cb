"""Studies: protocol to rows to statistics to a report."""
