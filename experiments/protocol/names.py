"""Names of what lies in a study's folder."""

PLAN = "plan.json"
JOBS = "jobs"
DONE = "done.json"
STOPPED = "stopped.json"
"""Why the last try of a job that is not done ended, where it was not killed."""
