"""All that must be known about an accelerator, by one command within a given time."""
