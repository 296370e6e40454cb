"""What the studies share: data, jobs, a queue that survives being killed, reports."""
