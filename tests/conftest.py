"""Shared fixtures: recorded vectors, and data that stands beside some checkouts."""

from __future__ import annotations

import gc
import json
import os
import signal
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# On a busy machine an example may take any time.
hypothesis.settings.register_profile("errata", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("errata")

# Models of tests are tiny: threads that wait for one another on a busy core cost more than they save. Set before torch
# is imported, and inherited by the commands that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell that starts pytest in the background lets it ignore Ctrl-C, and ignored signals stay ignored: tests send some.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

VECTORS = Path(__file__).parent / "vectors"
SHARED = Path(__file__).parents[2] / "shared"
NO_DATA = "needs the data folder beside the checkout"


@pytest.fixture(scope="session")
def vectors():
    """Load a file of inputs and outputs recorded from released reference code."""

    def load(name: str) -> Any:
        return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))

    return load


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Official benchmark files and annotated photos, which the project does not redistribute."""
    if not SHARED.is_dir():
        pytest.skip(NO_DATA)
    return SHARED / "data"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where there is no GPU, leave its tests out of every selection: a skip would look like a test that should run."""
    needing = [item for item in items if item.get_closest_marker("gpu")]
    if needing and not _has_gpu():
        config.hook.pytest_deselected(items=needing)
        items[:] = [item for item in items if item not in needing]


def pytest_collection_finish() -> None:
    """Let the collector pass over what imports made: accelerate collects after each training, a third of a tiny run."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """With ALL_TESTS set, as `.ci/run` sets it, a test that cannot run has failed: only the data may be absent."""
    report = yield
    if os.environ.get("ALL_TESTS") and report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if NO_DATA not in reason:
            report.outcome, report.longrepr = "failed", f"{item.nodeid} cannot run here: {reason}"
    return report


def _has_gpu() -> bool:
    import torch  # by now a test that needs a GPU has imported it

    return torch.cuda.is_available()
