"""Weights that follow from names and shapes alone."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def rule_tensor():
    """The rule by which the stored outputs' weights were made."""
    path = Path(__file__).parent.parent / "data" / "rule_weights.py"
    spec = importlib.util.spec_from_file_location("rule", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.rule_tensor
