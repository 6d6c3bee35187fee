"""What holds for all tests: laws have no deadline, for a busy machine is no wrong answer."""

from hypothesis import settings

settings.register_profile("meshscope", deadline=None)
settings.load_profile("meshscope")
