import cv2
import numpy as np
import pytest

from lianpu.effects.sticker_art import ART, LARGEST_PX, LAYERS, LayerCache, drawn_layer, shadow_of


@pytest.mark.parametrize("which", ART)
@pytest.mark.parametrize("px", [32, 64, 256])
def test_every_sticker_is_drawn_within_its_box_and_has_soft_edges(which: str, px: int) -> None:
    for index, layer in enumerate(ART[which]):
        pixels = drawn_layer(which, index, px)
        left, top, right, bottom = layer.box
        assert pixels.shape[:2] == pytest.approx(((bottom - top) * px, (right - left) * px), abs=1)
        alpha = pixels[..., 3]
        assert 0.2 < alpha.max() <= 1.0 + 1e-5 and (pixels[..., :3] <= alpha[..., None] + 2e-3).all()
        sides = np.concatenate([alpha[:, 0], alpha[:, -1]]) if layer.plane != "ring" else 0.0  # a ring ends behind the head
        border = max(float(np.max(edge)) for edge in (alpha[0], alpha[-1], sides))
        assert border < 0.5 if layer.plane.endswith("side") else border < 0.02  # nothing is cut off
        assert ((alpha > 0.05) & (alpha < 0.95)).any()


@pytest.mark.parametrize("which", ART)
def test_a_large_drawing_shows_what_a_small_one_does(which: str) -> None:
    for index in range(len(ART[which])):
        small, large = drawn_layer(which, index, 128), drawn_layer(which, index, 512)
        shrunk = cv2.resize(large, small.shape[1::-1], interpolation=cv2.INTER_AREA)
        assert np.abs(small - shrunk).mean() < 0.025


def test_drawings_are_kept_as_bytes_the_latest_used_up_to_a_size() -> None:
    cache, drawn = LayerCache(250), []

    def value(number: int) -> float:
        def draw() -> np.ndarray:
            drawn.append(number)
            return np.full((5, 5, 4), number / 10, dtype=np.float32)

        return float(cache.values(("a", number, 32, "layer"), draw).mean())

    assert [value(number) for number in (1, 2, 1, 3, 1, 2)] == pytest.approx([0.1, 0.2, 0.1, 0.3, 0.1, 0.2], abs=0.002)
    assert drawn == [1, 2, 3, 2]  # 1 was used after 2, and the third is one too many
    assert cache.size_bytes == 200


def test_a_drawing_larger_than_the_cache_is_given_and_not_kept() -> None:
    cache = LayerCache(10)
    assert cache.values(("a", 0, 32, "layer"), lambda: np.ones((5, 5, 4), np.float32)).sum() == 100
    assert cache.size_bytes == 0


def test_layers_and_shadows_are_kept_as_bytes() -> None:
    before, px = LAYERS.size_bytes, LARGEST_PX - 12  # no other test draws at this size
    layer = drawn_layer("hearts", 0, px)
    pixels, reach = shadow_of("clown_nose", 0, px)
    assert layer.dtype == pixels.dtype == np.float32 and pixels[..., :3].max() == 0 < reach
    assert LAYERS.size_bytes - before <= layer.size + drawn_layer("clown_nose", 0, px).size + pixels.size // 4
    assert LAYERS.size_bytes <= LAYERS.most_bytes <= 64 * 2**20
