"""Settings of the tools that the tests use."""

from hypothesis import settings

# The same commit gives the same result: no random seed, no stored examples, and no time
# limit that a busy machine could miss.
settings.register_profile("mesoguide", derandomize=True, database=None, deadline=None)
settings.load_profile("mesoguide")
