"""Weights that follow from names and shapes alone."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture(scope="session")
def rule_tensor():
    """The rule by which the stored outputs' weights were made."""
    spec = importlib.util.spec_from_file_location("rule", DATA / "rule_weights.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.rule_tensor


@pytest.fixture(scope="session")
def relative_error():
    """How far a tensor is from stored numbers, as a share of these."""

    def error(got, stored):
        return np.linalg.norm(got.numpy() - stored) / np.linalg.norm(stored)

    return error


@pytest.fixture(scope="session")
def golden_resnet38(rule_tensor):
    """The published classifier, its 105 million weights made once; the numbers."""
    torch = pytest.importorskip("torch")
    from napari_histossl.models import create_model

    stored = np.load(DATA / "resnet38.npz")
    shapes = json.loads(bytes(stored["shapes"]))
    with torch.device("meta"):
        model = create_model("resnet38").eval()
    state = {
        k: torch.from_numpy(rule_tensor(k, tuple(s), 0)) for k, s in shapes.items()
    }
    model.load_state_dict(state, strict=True, assign=True)
    return model, stored
