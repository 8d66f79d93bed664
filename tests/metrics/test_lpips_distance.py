"""LPIPS with a file of AlexNet's form, and what is said when there is none."""

from pathlib import Path

import pytest
import torch
import torchvision

from lianpu.errors import ScoreError, WeightsError
from lianpu.metrics.lpips_distance import LpipsDistance, load_lpips


@pytest.fixture(scope="module")
def alexnet() -> torchvision.models.AlexNet:
    torch.manual_seed(0)
    return torchvision.models.alexnet(weights=None).eval()


@pytest.fixture(scope="module")
def file(alexnet: torch.nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Only the convolutions are read; without the 230 MB of dense layers the file is small."""
    path = tmp_path_factory.mktemp("alexnet") / "alexnet.pth"
    torch.save({name: tensor for name, tensor in alexnet.state_dict().items() if name.startswith("features.")}, path)
    return path


@pytest.fixture(scope="module")
def distance(file: Path) -> LpipsDistance:
    return LpipsDistance(file)


def some_batch(seed: int, side_px: int = 64) -> torch.Tensor:
    return torch.rand(2, 3, side_px, side_px, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_equal_pictures_have_distance_zero_and_others_more(distance: LpipsDistance) -> None:
    first, second = some_batch(0), some_batch(1)
    assert distance.distances(first, first).tolist() == [0.0, 0.0]
    assert (distance.distances(first, second) > 0).all()


def test_the_distance_is_the_papers_formula_on_these_weights_and_lpips_own_heads(
    distance: LpipsDistance, alexnet: torchvision.models.AlexNet
) -> None:
    """Unit-length features after each ReLU, squared differences, weighted by the heads, averaged over places, summed over layers."""
    import lpips

    heads = torch.load(Path(lpips.__file__).parent / "weights/v0.1/alex.pth", map_location="cpu", weights_only=True)
    shift = torch.tensor([-0.030, -0.088, -0.188])[None, :, None, None]
    scale = torch.tensor([0.458, 0.448, 0.450])[None, :, None, None]

    def layers(batch: torch.Tensor) -> list[torch.Tensor]:
        x, kept = (batch - shift) / scale, []
        for index, layer in enumerate(alexnet.features):
            x = layer(x)
            if index in (1, 4, 7, 9, 11):
                kept.append(x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return kept

    first, second = some_batch(0), some_batch(1)
    with torch.no_grad():
        expected = sum(
            ((one - other).square() * heads[f"lin{index}.model.1.weight"]).sum(1).mean(dim=(1, 2))
            for index, (one, other) in enumerate(zip(layers(first), layers(second), strict=True))
        )
    assert torch.allclose(distance.distances(first, second), torch.as_tensor(expected), rtol=1e-4)


def test_pictures_too_small_for_alexnet_are_refused_with_their_size(distance: LpipsDistance) -> None:
    assert distance.distances(some_batch(0, 32), some_batch(1, 32)).shape == (2,)
    with pytest.raises(ScoreError, match="32 px or more, got 16 px"):
        distance.distances(some_batch(0, 16), some_batch(1, 16))


def test_a_file_of_another_network_is_refused_with_its_name(tmp_path: Path) -> None:
    other = tmp_path / "other.pth"
    torch.save({"weight": torch.zeros(3)}, other)
    with pytest.raises(WeightsError, match=r"other\.pth holds no AlexNet weights"):
        LpipsDistance(other)


def test_a_given_file_with_another_hash_is_refused(file: Path) -> None:
    with pytest.raises(WeightsError, match=r"alexnet\.pth is not alexnet-imagenet"):
        load_lpips(file)


def test_without_the_file_and_network_the_message_says_what_to_put_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIANPU_OFFLINE", "1")
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(WeightsError, match=r"alexnet-owt-7be5be79\.pth.*put it at"):
        load_lpips()
