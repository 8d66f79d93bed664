import torch

from lianpu.stargan.networks import Discriminator, Generator, count_parameters


def test_published_sizes_have_the_published_parameter_counts() -> None:
    assert count_parameters(Generator(64, 5, 6)) == 8_430_528
    assert count_parameters(Discriminator(256, 64, 5, 6)) == 44_884_928


def test_generator_keeps_the_size_and_stays_in_range() -> None:
    generator = Generator(8, 3, 2)
    edited = generator(torch.rand(2, 3, 36, 36) * 2 - 1, torch.eye(3)[:2])
    assert edited.shape == (2, 3, 36, 36)
    assert edited.abs().max() <= 1


def test_discriminator_gives_a_map_of_scores_and_one_logit_per_attribute() -> None:
    scores, logits = Discriminator(64, 8, 5, 5)(torch.zeros(3, 3, 64, 64))
    assert scores.shape == (3, 1, 2, 2)
    assert logits.shape == (3, 5)


def test_train_mode_and_eval_mode_give_the_same_edit() -> None:
    torch.manual_seed(0)
    generator = Generator(8, 2, 2)
    faces, labels = torch.rand(2, 3, 32, 32), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert torch.equal(generator.train()(faces, labels), generator.eval()(faces, labels))


def test_a_face_is_edited_alike_alone_and_in_a_batch() -> None:
    torch.manual_seed(0)
    generator = Generator(8, 2, 2)
    faces, labels = torch.rand(3, 3, 32, 32), torch.rand(3, 2).round()
    torch.testing.assert_close(generator(faces, labels)[:1], generator(faces[:1], labels[:1]))
