"""What holds for all tests."""

from hypothesis import settings

# A machine that is busy makes any test slow; what must be fast is measured by bench/.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
