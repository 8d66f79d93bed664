"""The gradient of the discriminator's score with respect to its input, without double backward.

The discriminator is convolutions and leaky ReLUs, so around any input it is a linear map: the gradient is the product of the transposed
convolutions with the slopes that the input chose. Written out as such it is an ordinary differentiable expression in the weights, and
its derivative is the one that `autograd.grad(create_graph=True)` gives. Autograd's double backward, though, also sends the zero second
derivative of the leaky ReLU back through every convolution; leaving that out saves a third of the penalty's work and its memory, needs
one plain backward, and so is safe under several processes and compilation.
"""

import torch
from torch import nn
from torch.nn import functional as F

from lianpu.stargan.networks import Discriminator


def mixed_faces(real: torch.Tensor, fake: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    """Faces on the line between real and fake ones, where the penalty is taken: two batches (B, 3, S, S) and alpha (B, 1, 1, 1) in [0, 1]."""
    return torch.lerp(fake, real, alpha)


def score_gradient(discriminator: Discriminator, faces: torch.Tensor) -> torch.Tensor:
    """d(sum of scores)/d(faces): batch (B, 3, S, S) to (B, 3, S, S), differentiable in the discriminator's weights (not in the faces)."""
    convolutions, slopes, sizes = _forward_slopes(discriminator, faces)
    last = discriminator.conv1
    ones = faces.new_ones((faces.shape[0], 1, *sizes[-1]))
    gradient = F.conv_transpose2d(ones, last.weight, stride=1, padding=1)
    for convolution, slope, size in zip(reversed(convolutions), reversed(slopes), reversed(sizes[:-1]), strict=True):
        gradient = _transposed(convolution, gradient * slope, size)
    return gradient


@torch.no_grad()
def _forward_slopes(
    discriminator: Discriminator, faces: torch.Tensor
) -> tuple[list[nn.Conv2d], list[torch.Tensor], list[tuple[int, int]]]:
    """The convolutions, the slope of each leaky ReLU at these faces, and the picture size before each convolution."""
    layers = list(discriminator.main)
    convolutions: list[nn.Conv2d] = []
    slopes: list[torch.Tensor] = []
    sizes: list[tuple[int, int]] = []
    features = faces
    for convolution, activation in zip(layers[::2], layers[1::2], strict=True):
        assert isinstance(convolution, nn.Conv2d) and isinstance(activation, nn.LeakyReLU)
        sizes.append((features.shape[2], features.shape[3]))
        before = convolution(features)
        slopes.append(torch.where(before > 0, 1.0, activation.negative_slope))
        features = before * slopes[-1]
        convolutions.append(convolution)
    sizes.append((features.shape[2], features.shape[3]))
    return convolutions, slopes, sizes


def _transposed(convolution: nn.Conv2d, gradient: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """The gradient before a 4x4, stride 2, padding 1 convolution, for an input of `size` (odd sizes lose their last line)."""
    extra = tuple(full - 2 * half for full, half in zip(size, gradient.shape[2:], strict=True))
    return F.conv_transpose2d(gradient, convolution.weight, stride=2, padding=1, output_padding=extra)
