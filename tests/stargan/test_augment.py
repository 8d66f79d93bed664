import pytest
import torch

from lianpu.stargan.augment import Varied, draw_variation


def _varied(kinds: tuple[str, ...], shift: tuple[int, int] = (0, 0), hole: tuple[float, float] = (0.5, 0.5)) -> Varied:
    return Varied(torch.tensor([shift]), torch.tensor([hole]), torch.full((1, 1, 1, 1), 0.1), kinds)  # type: ignore[arg-type]


def test_a_face_is_moved_by_whole_pixels_and_its_border_repeated() -> None:
    face = torch.arange(16.0).view(1, 1, 4, 4).expand(1, 3, 4, 4)
    moved = _varied(("translation",), shift=(1, -2))(face)
    assert moved[0, 0].tolist() == [[2, 3, 3, 3], [2, 3, 3, 3], [6, 7, 7, 7], [10, 11, 11, 11]]


def test_the_hole_covers_three_eighths_of_the_side() -> None:
    seen = _varied(("cutout",))(torch.ones(1, 3, 32, 32))
    assert (seen[0, 0] == 0).any(dim=1).sum() == 12 - 1  # the pixels strictly nearer than 6 to the middle
    assert seen[0, 0, 0, 0] == 1


def test_light_is_added_to_all_channels_alike() -> None:
    assert torch.allclose(_varied(("light",))(torch.zeros(1, 3, 2, 2)), torch.tensor(0.1))


def test_gradients_pass_and_nothing_happens_without_kinds() -> None:
    face = (torch.rand(2, 3, 16, 16) * 2 - 1).requires_grad_(True)
    variation = draw_variation(2, 16, ("translation", "cutout", "light"), torch.Generator().manual_seed(0), face.device)
    variation(face).sum().backward()
    assert face.grad is not None and face.grad.abs().sum() > 0
    nothing = Varied(variation.shift, variation.hole, variation.light, ())
    assert nothing(face) is face


def test_the_same_chance_varies_alike_also_in_parts() -> None:
    draws = [draw_variation(4, 64, ("translation",), torch.Generator().manual_seed(5), torch.device("cpu")) for _ in range(2)]
    faces = torch.rand(4, 3, 64, 64)
    assert torch.equal(draws[0](faces), draws[1](faces))
    assert torch.equal(draws[0].part(slice(2, 4))(faces[2:]), draws[1](faces)[2:])
    assert draws[0].shift.abs().max() <= 8


@pytest.mark.parametrize("kinds", [("translation",), ("light",)])
def test_faces_of_a_batch_are_varied_each_in_its_own_way(kinds: tuple[str, ...]) -> None:
    variation = draw_variation(8, 64, kinds, torch.Generator().manual_seed(0), torch.device("cpu"))  # type: ignore[arg-type]
    faces = torch.rand(1, 3, 64, 64).expand(8, 3, 64, 64)
    assert len({tuple(face[0, 30, :3].tolist()) for face in variation(faces)}) > 4
