"""Any patch, any size of picture: tokens, positions, and what is left over."""

import math

import pytest

from napari_histossl.models import create_model

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def _model(patch, grid=4):
    torch.manual_seed(patch)
    options = {"embed_dim": 12, "depth": 2, "num_heads": 3}
    model = create_model("vit", img_size=grid * patch, patch_size=patch, **options)
    return model.eval().double()


def _cubic(distance):
    """Keys' kernel with a = -0.75, as PyTorch's bicubic has it."""
    d, a = abs(distance), -0.75
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * (d**3 - 5 * d**2 + 8 * d - 4) if d < 2 else 0.0


def _line(length, source):
    """Weights (length, source) of DINO's resize: the scale has a tenth added."""
    scale, weights = (length + 0.1) / source, torch.zeros(length, source).double()
    for index in range(length):
        place = (index + 0.5) / scale - 0.5
        for tap in range(math.floor(place) - 1, math.floor(place) + 3):
            weights[index, min(max(tap, 0), source - 1)] += _cubic(place - tap)
    return weights


@pytest.mark.parametrize("patch", [8, 14, 16])
@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (9, 5), (1, 1)])
def test_positions_as_dino_makes_them(patch, shape):
    model = _model(patch)
    square = model.pos_embed[0, 1:].reshape(4, 4, 12)
    rows, columns = _line(shape[0], 4), _line(shape[1], 4)
    expected = torch.einsum("ri,cj,ijd->rcd", rows, columns, square)
    if shape == (4, 4):  # nothing is resized, the tenth included
        expected = square
    got = model.positions(*shape)
    torch.testing.assert_close(got[0, 1:], expected.reshape(-1, 12))
    torch.testing.assert_close(got[:, :1], model.pos_embed[:, :1])


@pytest.mark.parametrize("patch", [8, 14, 16])
@pytest.mark.parametrize("extra", [(0, 0), (5, 1), (0, 7)])
def test_pictures_of_odd_sizes(patch, extra):
    """What does not fill a patch at the lower and right edge is not looked at."""
    model = _model(patch)
    height, width = 3 * patch + extra[0], 5 * patch + extra[1]
    images = torch.randn(2, 3, height, width).double()
    whole = images[:, :, : 3 * patch, : 5 * patch]
    with torch.inference_mode():
        feature, row = model.features_and_attention(images)
        torch.testing.assert_close(feature, model(whole))
        patches = torch.nn.functional.unfold(whole, patch, stride=patch)
        weight = model.patch_embed.proj.weight.flatten(1)
        tokens = weight @ patches + model.patch_embed.proj.bias[:, None]
        torch.testing.assert_close(model.embed(images).flatten(2), tokens)
    assert row.shape == (2, 3, 1 + 15)


def test_a_batch_is_its_pictures():
    model = _model(14)
    images = torch.randn(3, 3, 56, 42).double()
    with torch.inference_mode():
        together = model.features_and_attention(images, 0, token=4)
        singly = [model.features_and_attention(i[None], 0, token=4) for i in images]
    for got, *alone in zip(together, *singly, strict=True):
        torch.testing.assert_close(got, torch.cat(alone))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", ["vit_sample_patch8", "vit_small_patch16"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_a_gpu_gives_the_same(name, dtype):
    torch.manual_seed(0)
    model = create_model(name).eval()
    images = torch.randn(4, 3, 128, 128)
    tolerance = {"float32": 2e-3, "float16": 1e-2, "bfloat16": 5e-2}[dtype]
    with torch.inference_mode():
        expected = model.features_and_attention(images)
        with torch.autocast("cuda", getattr(torch, dtype), dtype != "float32"):
            got = model.cuda().features_and_attention(images.cuda())
    for ours, theirs in zip(got, expected, strict=True):
        error = torch.linalg.norm(ours.float().cpu() - theirs)
        assert error / torch.linalg.norm(theirs) < tolerance
