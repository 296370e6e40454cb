"""Statements proved in Coq for images of every size, and what checks them."""
