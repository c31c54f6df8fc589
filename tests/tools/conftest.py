"""Fixtures of the tests of mixing."""

import pytest

from support.mixing import mixer, write_plan


@pytest.fixture
def plan(taxonomy):
    """A plan of LAB's three phases beside the taxonomy."""
    return write_plan(taxonomy)


@pytest.fixture
def mixed(tax, taxonomy, plan):
    """Mix in the taxonomy's folder: mixed("run", ...) -> mix.json and a function from a file's name to its rows."""
    return mixer(tax, taxonomy)
