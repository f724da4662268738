"""PyTorch's checkpoints, read from their bytes: equal to what PyTorch reads."""

import pickle

import pytest

from napari_histossl.errors import WeightsError
from napari_histossl.models._checkpoint import VALUE_BYTES
from napari_histossl.models._reading import read_tensors

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def _state():
    generator = torch.Generator().manual_seed(0)
    whole = torch.randint(0, 2, (6, 8), generator=generator)
    state = {name: whole.to(getattr(torch, name)) for name, _ in VALUE_BYTES.values()}
    state |= {
        "transposed": state["float32"].T,
        "part": state["float32"][1:3, ::2],
        "number": torch.tensor(7),
        "empty": torch.empty(0, 3),
        "parameter": torch.nn.Parameter(torch.ones(3)),
        "buffer": torch.nn.Buffer(torch.zeros(2, 2)),
    }
    return state


@pytest.mark.parametrize("zipped", [True, False])
def test_every_kind_of_tensor(tmp_path, zipped):
    state, path = _state(), tmp_path / "a.pt"
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    found = read_tensors(path, state)
    assert found.keys() == state.keys()
    for key, value in torch.load(path, weights_only=True).items():
        assert found[key].dtype == value.dtype
        assert found[key].shape == value.shape
        assert torch.equal(found[key], value)


@pytest.mark.parametrize("zipped", [True, False])
def test_any_part_of_a_file_is_refused(tmp_path, zipped):
    state, path = _state(), tmp_path / "a.pt"
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    for share in range(0, 100, 7):
        path.write_bytes(whole[: len(whole) * share // 100])
        with pytest.raises(WeightsError, match="or only a part of one"):
            read_tensors(path, state)


def test_a_flipped_byte_is_found(tmp_path):
    path, value = tmp_path / "a.pt", torch.full((100,), 3.25)
    torch.save({"a": value}, path)
    whole = path.read_bytes()
    place = whole.index(value.numpy().tobytes())
    path.write_bytes(whole[:place] + b"\x17" + whole[place + 1 :])
    with pytest.raises(WeightsError, match="Bad CRC"):
        read_tensors(path, ["a"])


class _Claim:
    """A tensor that says it is larger than its bytes, or is not one at all."""

    def __init__(self, *arguments):
        self.arguments = arguments

    def __reduce__(self):
        return torch._utils._rebuild_tensor_v2, self.arguments


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [(0, (999,), (1,)), (3, (4,), (1,)), (-1, (2,), (1,)), (0, (2, 2), (-1, 1))],
)
def test_tensors_outside_of_their_bytes(tmp_path, offset, size, stride):
    path, storage = tmp_path / "a.pt", torch.ones(5)._typed_storage()
    claim = _Claim(storage, offset, size, stride, False, None)
    torch.save({"a": claim}, path)
    with pytest.raises(WeightsError, match="or only a part of one"):
        read_tensors(path, ["a"])


def test_pickles_without_sense(tmp_path):
    path = tmp_path / "a.pt"
    for content in (b"", b"\x80\x02.", b"cbuiltins\nset\nb.", b"(lp0\nI1\nb.", b"\x00"):
        path.write_bytes(content)
        with pytest.raises(WeightsError, match=str(path)):
            read_tensors(path, ["a"])
    path.write_bytes(pickle.dumps({"a": _Claim(1, 2, 3, 4)}))
    with pytest.raises(
        WeightsError, match=r"asks for torch\.\_utils|a tensor without a storage"
    ):
        read_tensors(path, ["a"])
