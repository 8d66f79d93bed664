"""Distances by hand, against torch-fidelity itself, and the loading of Inception."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_fidelity.feature_extractor_base import FeatureExtractorBase

from lianpu.errors import WeightsError
from lianpu.metrics.features import Features
from lianpu.metrics.fidelity import (
    InceptionFeatures,
    frechet_distance,
    frechet_infinity,
    inception_score,
    kernel_distance,
    kernel_interval,
    load_inception,
)
from lianpu.metrics.intervals import Interval


def features_of(values: np.ndarray, logits: np.ndarray | None = None) -> Features:
    as_tensor = torch.as_tensor(values, dtype=torch.float32)
    return Features(as_tensor, as_tensor if logits is None else torch.as_tensor(logits, dtype=torch.float32))


def random_features(seed: int, count: int, size: int) -> Features:
    return features_of(np.random.default_rng(seed).random((count, size)) ** 2)


@pytest.mark.parametrize("count", [30, 200])
def test_frechet_distance_of_a_set_with_itself_is_zero(count: int) -> None:
    """Both ways: fewer pictures than features (small matrix), and more (torch-fidelity)."""
    some = random_features(0, count, 64)
    assert frechet_distance(some, some) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_frechet_distance_of_two_gaussians_is_the_one_worked_out_by_hand(scale: float) -> None:
    """Means 3 and 4 apart give 25; standard deviations s and 1 in each of 2 dimensions add 2 (s - 1)^2."""
    corners = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]) * np.sqrt(3 / 4)  # covariance: the identity
    real, fake = features_of(corners), features_of(corners * scale + [3, 4])
    assert frechet_distance(real, fake) == pytest.approx(25 + 2 * (scale - 1) ** 2, rel=1e-5)


def test_frechet_distance_of_few_pictures_is_the_number_that_torch_fidelity_gives() -> None:
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    real, fake = random_features(1, 80, 128), random_features(2, 25, 128)
    statistics = [fid_features_to_statistics(part.features) for part in (real, fake)]
    theirs = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(real, fake) == pytest.approx(theirs, rel=1e-5)


def test_frechet_distance_of_one_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="needs 2 pictures, got 5 and 1"):
        frechet_distance(random_features(0, 5, 4), random_features(0, 1, 4))


def test_kernel_distance_of_two_pairs_is_the_one_worked_out_by_hand() -> None:
    """Kernel (x y / 1 + 1)^3 on real {0, 1}, fake {0, 2}: the pairs give 1, 1 and (1 + 1 + 1 + 27) / 4."""
    real, fake = features_of(np.array([[0.0], [1.0]])), features_of(np.array([[0.0], [2.0]]))
    result = kernel_distance(real, fake)
    assert result.mean == pytest.approx(1 + 1 - 2 * (1 + 1 + 1 + 27) / 4)
    assert result.std == pytest.approx(0)
    assert result.settings == "polynomial kernel of degree 3, 100 subsets of 2"


def test_kernel_distance_of_one_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="needs 2 pictures, got 1 and 5"):
        kernel_distance(random_features(0, 1, 4), random_features(0, 5, 4))


def test_inception_score_of_pictures_that_all_look_alike_is_one() -> None:
    result = inception_score(features_of(np.zeros((20, 3)), np.zeros((20, 10))))
    assert result.mean == pytest.approx(1.0)
    assert result.settings == "1 split of 20"


def test_inception_score_of_pictures_that_are_each_surely_another_class_is_the_count_of_classes() -> None:
    assert inception_score(features_of(np.zeros((7, 3)), 100 * np.eye(7))).mean == pytest.approx(7.0)


def test_inception_score_uses_ten_splits_once_each_has_500_pictures() -> None:
    assert inception_score(random_features(0, 4999, 2)).settings == "1 split of 4999"
    assert inception_score(random_features(0, 5000, 2)).settings == "10 splits of 500"


def test_inception_score_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a picture"):
        inception_score(features_of(np.zeros((0, 3))))


class TinyNetwork(FeatureExtractorBase):
    """A random projection, registered with torch-fidelity so that both sides look at the same features."""

    def __init__(self, name: str, features_list: list[str], **_: object) -> None:
        super().__init__(name, features_list)
        self.register_buffer("weight", torch.randn(3 * 8 * 8, 24, generator=torch.Generator().manual_seed(0)))

    @staticmethod
    def get_provided_features_list() -> tuple[str, ...]:
        return ("pool", "logits")

    @staticmethod
    def get_default_feature_layer_for_metric(metric: str) -> str:
        return "logits" if metric == "isc" else "pool"

    @staticmethod
    def can_be_compiled() -> bool:
        return False

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        pool = (batch.float() / 255).flatten(1) @ self.weight
        return tuple({"pool": pool, "logits": pool * 0.5}[name] for name in self.features_list)


class Pictures(torch.utils.data.Dataset):
    def __init__(self, batch: torch.Tensor) -> None:
        self.batch = batch

    def __len__(self) -> int:
        return len(self.batch)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.batch[index]


@pytest.mark.parametrize("counts", [(60, 40), (60, 20)])
def test_all_figures_equal_those_of_calculate_metrics_on_the_same_pictures(
    counts: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch_fidelity
    from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

    monkeypatch.setitem(FEATURE_EXTRACTORS_REGISTRY, "tiny", TinyNetwork)
    chance = torch.Generator().manual_seed(1)
    sets = [torch.randint(0, 256, (count, 3, 8, 8), dtype=torch.uint8, generator=chance) for count in counts]
    theirs = torch_fidelity.calculate_metrics(
        input1=Pictures(sets[1]),
        input2=Pictures(sets[0]),
        feature_extractor="tiny",
        fid=True,
        kid=True,
        isc=True,
        kid_subset_size=min(counts),
        isc_splits=1,
        cuda=False,
        save_cpu_ram=True,
        verbose=False,
    )
    network = TinyNetwork("tiny", ["pool", "logits"])
    real, fake = (Features(*network(batch)) for batch in sets)
    assert frechet_distance(real, fake) == pytest.approx(theirs["frechet_inception_distance"], rel=1e-5)
    assert kernel_distance(fake, real).mean == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-9)
    assert kernel_distance(fake, real).std == pytest.approx(theirs["kernel_inception_distance_std"], rel=1e-9)
    assert inception_score(fake).mean == pytest.approx(theirs["inception_score_mean"], rel=1e-9)


@pytest.fixture(scope="module")
def random_inception_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of the form of the published one: the state dict of the same architecture, initialised at random."""
    from torch_fidelity import feature_extractor_inceptionv3 as theirs

    file = tmp_path_factory.mktemp("inception") / "weights.pth"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(theirs, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(theirs.FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        torch.manual_seed(0)
        with warnings.catch_warnings():
            network = theirs.FeatureExtractorInceptionV3("inception-v3-compat", ["2048"])
    torch.save(network.state_dict(), file)
    return file


def test_inception_gives_2048_features_and_1008_logits_of_faces_of_any_size(random_inception_file: Path) -> None:
    network = InceptionFeatures(random_inception_file)
    features, logits = network.extract(np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8))
    assert features.shape == (2, 2048) and logits.shape == (2, 1008)
    assert features.std() > 0


def test_a_file_that_is_no_inception_is_refused_with_its_name(tmp_path: Path) -> None:
    file = tmp_path / "other.pth"
    torch.save({"weight": torch.zeros(3)}, file)
    with pytest.raises(WeightsError, match=r"other\.pth holds no Inception weights.*Missing key"):
        InceptionFeatures(file)


def test_a_given_file_of_other_weights_cannot_pass_for_inception(random_inception_file: Path) -> None:
    """A figure called FID comes from the published weights, so the hash is checked, not only the form."""
    with pytest.raises(WeightsError, match=r"weights\.pth is not inception-v3-fid.*--features efficientnet-lite0"):
        load_inception(random_inception_file)


def test_without_weights_and_network_the_message_says_what_to_put_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIANPU_OFFLINE", "1")
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    with pytest.raises(WeightsError) as problem:
        load_inception()
    words = str(problem.value)
    assert "pt_inception-2015-12-05-6726825d.pth" in words and str(tmp_path / "models") in words
    assert "LIANPU_OFFLINE" in words and "--features efficientnet-lite0" in words


def _cloud(count: int, seed: int, shift: float = 0.0, size: int = 24) -> Features:
    values = torch.randn(count, size, generator=torch.Generator().manual_seed(seed))
    values[:, 0] += shift
    return Features(values, values[:, :4])


def test_the_kernel_distance_of_all_pictures_is_the_unbiased_one_with_an_interval_around_it() -> None:
    real, fake = _cloud(60, 1), _cloud(50, 2, 1.0)
    x, y = real.features.double().numpy(), fake.features.double().numpy()

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.asarray((a @ b.T / 24 + 1) ** 3)

    within = [(kernel(z, z).sum() - np.trace(kernel(z, z))) / (len(z) * (len(z) - 1)) for z in (x, y)]
    interval = kernel_interval(real, fake, seed=0)
    assert interval.value == pytest.approx(sum(within) - 2 * kernel(x, y).mean(), rel=1e-4)
    assert 0 < interval.low < interval.value < interval.high
    assert kernel_interval(real, fake, seed=0) == interval
    same = kernel_interval(_cloud(200, 3), _cloud(200, 4), seed=0)
    assert same.low < 0 < same.high


def test_edits_of_the_same_faces_are_compared_by_the_difference_of_their_distances() -> None:
    real, near, far = _cloud(120, 1), _cloud(100, 2, 0.3), _cloud(100, 2, 1.5)
    assert kernel_interval(real, near, 0, near) == Interval(0.0, 0.0, 0.0)
    worse = kernel_interval(real, near, 0, far)
    assert 0 < worse.low < worse.value < worse.high
    better = kernel_interval(real, far, 0, near)
    assert better.value == pytest.approx(-worse.value)
    with pytest.raises(ValueError, match="as many other edits"):
        kernel_interval(real, near, 0, real)


def test_the_distance_of_endless_sets_is_near_the_true_one_where_the_measured_one_is_too_large() -> None:
    truth, far = 0.6**2, []
    for seed in range(4):
        real, fake = _cloud(300, 10 + seed), _cloud(150, 20 + seed, 0.6)
        endless = frechet_infinity(real, fake, seed)
        assert endless.low < truth < endless.high < frechet_distance(real, fake) + 0.5
        assert frechet_infinity(real, fake, seed) == endless
        far.append((abs(endless.value - truth), frechet_distance(real, fake) - truth))
    assert np.mean([after for after, _ in far]) < 0.5 * np.mean([before for _, before in far])
    with pytest.raises(ValueError, match="needs 16 pictures"):
        frechet_infinity(_cloud(12, 1), _cloud(100, 1), 0)
