"""How many examples hypothesis draws: few by default, HYPOTHESIS_PROFILE=full for a run that takes its time."""

import os

from hypothesis import settings

# Derandomised: a failure is the same one again, on every machine. No data base: nothing is written beside the tests.
for profile, examples in (("fast", 25), ("full", 250)):
    settings.register_profile(profile, max_examples=examples, derandomize=True, deadline=None, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))
