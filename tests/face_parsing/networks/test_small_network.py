import torch

from lianpu.face_parsing.networks.small_network import SmallParser


def test_logits_have_half_the_size_and_training_adds_coarse_ones():
    network = SmallParser()
    batch = torch.randn(2, 3, 64, 96)

    assert [tuple(logits.shape) for logits in network.train()(batch)] == [(2, 19, 32, 48), (2, 19, 8, 12)]
    assert [tuple(logits.shape) for logits in network.eval()(batch)] == [(2, 19, 32, 48)]


def test_it_has_1_55_million_parameters():
    assert 1_500_000 < sum(parameter.numel() for parameter in SmallParser().parameters()) < 1_600_000


def test_the_imagenet_start_differs_from_a_random_one_in_the_encoder_alone():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        started = SmallParser(from_imagenet=True)
    names = {name for name, _ in started.named_parameters()}

    assert all(parameter.requires_grad for parameter in started.parameters())
    # ImageNet's first convolution has strong edges, a random one has not
    first = "encoder.stem.0.weight"
    assert started.state_dict()[first].abs().max() > 0.5 > SmallParser().state_dict()[first].abs().max()
    assert {name.split(".")[0] for name in names} == {"encoder", "decoder", "classify", "classify_coarse"}
