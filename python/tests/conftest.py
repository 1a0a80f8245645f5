"""Common to all tests: reproducible hypotheses."""

from hypothesis import settings

settings.register_profile("ci", derandomize=True, print_blob=True)
settings.load_profile("ci")
