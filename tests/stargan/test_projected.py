import torch

from lianpu.stargan.losses import critic_loss
from lianpu.stargan.projected import ProjectedDiscriminator


def test_it_scores_every_place_of_every_map() -> None:
    maps = [torch.rand(2, 4, 8, 8), torch.rand(2, 6, 3, 5)]
    assert [tuple(scores.shape) for scores in ProjectedDiscriminator((4, 6))(maps)] == [(2, 1, 8, 8), (2, 1, 3, 5)]


def test_it_learns_to_tell_two_kinds_of_features_apart_whatever_their_size() -> None:
    torch.manual_seed(0)
    discriminator = ProjectedDiscriminator((4,))
    optimizer = torch.optim.Adam(discriminator.parameters(), 0.01)
    real, fake = torch.tensor([1.0, 0.0, 1.0, 0.0]), torch.tensor([0.0, 1.0, 0.0, 1.0])

    def maps(count: int) -> torch.Tensor:
        kinds = torch.cat([real.expand(count, 4), fake.expand(count, 4)])
        sizes = 10 ** torch.empty(2 * count, 1).uniform_(-2, 2)  # nothing is told by how large a feature is
        return ((kinds + 0.3 * torch.randn(2 * count, 4)) * sizes)[:, :, None, None].expand(-1, -1, 3, 3)

    for _ in range(100):
        scores_of_real, scores_of_fake = discriminator([maps(8)])[0].chunk(2)
        loss = critic_loss(scores_of_real, scores_of_fake, "logistic")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scores = discriminator([maps(50)])[0].mean(dim=(1, 2, 3))
    assert scores[:50].min() > scores[50:].max()


def test_a_score_moves_no_further_than_its_features() -> None:
    """Spectral norm holds the slope of each of the three layers to about one."""
    torch.manual_seed(0)
    discriminator = ProjectedDiscriminator((4,))
    with torch.no_grad():
        for parameter in discriminator.parameters():
            parameter.mul_(50)
    for _ in range(20):
        discriminator([torch.rand(1, 4, 1, 1)])  # the norms are found by iteration
    discriminator.eval()
    one = torch.tensor([[1.0, 0, 0, 0]])[:, :, None, None]
    other = torch.tensor([[0.0, 1, 0, 0]])[:, :, None, None]
    moved = (discriminator([one])[0] - discriminator([other])[0]).abs().item()
    assert moved <= 2 * 2**0.5 * 1.1  # features are made 4 ** 0.5 long, so the two lie 2 * 2 ** 0.5 apart
