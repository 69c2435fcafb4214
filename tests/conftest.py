"""Settings of the tools that the tests use."""

from importlib.util import find_spec

from hypothesis import settings

# Where the core is tried on other Pythons, NumPy is not there; what it computes is trained with Rasa.
collect_ignore = (
    [] if find_spec("numpy") else ["test_second_head.py", "test_single_precision.py", "test_whitening.py"]
)

# The same commit gives the same result: no random seed, no stored examples, and no time
# limit that a busy machine could miss.
settings.register_profile("mesoguide", derandomize=True, database=None, deadline=None)
settings.load_profile("mesoguide")
