"""One batch through the sample model: what is shown, and what the plain way costs."""

import pytest

from napari_histossl.models import create_model

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

WAYS = ["class_attention", "forward_with_class_attention", "forward_with_attention"]


@pytest.mark.parametrize("way", WAYS)
def test_one_batch(benchmark, way):
    torch.manual_seed(0)
    model = create_model("vit_sample_patch8").eval()
    images = torch.randn(8, 3, 128, 128)
    with torch.inference_mode():
        benchmark(getattr(model, way), images)
