"""Statements of the papers as executable claims, settled on jaxseg's own functions."""
