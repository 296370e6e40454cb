"""The `jaxseg` command."""
