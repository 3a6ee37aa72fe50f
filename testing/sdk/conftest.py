"""Every module of tests has a region of its own; its log is shown when a test fails."""

import pathlib
import uuid

import pytest

from brume_region import Region


NOT_YET = pathlib.Path(__file__).with_name("not_yet.txt")


def pytest_collection_modifyitems(items):
    """Tests of what is not there yet must fail: one that passes has to leave the list, which only shrinks."""
    lines = NOT_YET.read_text().splitlines()
    listed = {line for line in lines if line and not line.startswith("# ")}
    for item in items:
        if f"{item.path.name}::{item.name}" in listed:
            item.add_marker(pytest.mark.xfail(strict=True, reason="not there yet"))


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    region = Region(tmp_path_factory.mktemp("region"))
    region.start()
    yield region
    ended = region.process.poll()
    panics = region.panics() if ended is None else None
    region.kill()
    assert ended is None, f"the region ended by itself with {ended}:\n{region.log()}"
    assert panics == 0, f"{panics} panics:\n{region.log()}"


@pytest.fixture
def name(request):
    """A name that no other test uses."""
    return f"{request.node.originalname.removeprefix('test_')[:30].replace('_', '-')}-{uuid.uuid4().hex[:8]}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    region = item.funcargs.get("region") if hasattr(item, "funcargs") else None
    if report.failed and region is not None:
        report.sections.append(("the region's log", region.log()))
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """One worker runs a whole module, so that there is one region per module."""
    from xdist.scheduler import LoadFileScheduling

    return LoadFileScheduling(config, log)
