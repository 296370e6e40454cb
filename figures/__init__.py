"""Pictures: arrays or stored rows in, a matplotlib Figure out."""
