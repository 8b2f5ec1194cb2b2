"""What all tests share: Hypothesis profiles, and one core for each pytest-xdist worker."""

import gc
import os

# NumPy and torch read these on import: two workers of two threads each would fight for two cores.
# Numba keeps its threads, so that parallel kernels are tested as such; idle ones sleep instead of spinning.
if "PYTEST_XDIST_WORKER" in os.environ:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest
from hypothesis import HealthCheck, settings

import scratchnet

EXAMPLES = {"dev": 12, "ci": 12, "thorough": 300}

# No deadline and no complaint about slow draws: the first call of a compiled kernel may take seconds.
settings.register_profile(
    "dev", max_examples=EXAMPLES["dev"], deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "ci", settings.get_profile("dev"), max_examples=EXAMPLES["ci"], derandomize=True, print_blob=True
)
settings.register_profile("thorough", settings.get_profile("dev"), max_examples=EXAMPLES["thorough"])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def pytest_collection_finish():
    """What is loaded now stays: the collections of garbage that some tests ask for need not look through it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def same_random_numbers():
    """Each test draws the same numbers, whichever ran before it."""
    scratchnet.manual_seed(0)
