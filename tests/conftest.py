"""For all tests: hypothesis judges results, not how long an example takes on a busy machine."""

from hypothesis import settings

settings.register_profile("ringbench", deadline=None)
settings.load_profile("ringbench")
