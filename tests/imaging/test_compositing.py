import numpy as np
import pytest

from lianpu.imaging.compositing import View, add_change, bands, blend, upsample, upsample_at, view_of


def test_a_view_is_never_larger_than_its_window_and_as_large_as_is_cheap() -> None:
    photo = np.zeros((300, 900, 3), np.uint8)
    assert view_of(photo, (slice(10, 110), slice(20, 220))).shape == (100, 200)
    view = view_of(photo, (slice(0, 300), slice(0, 900)), 300)
    assert view.shape == (100, 300) and view.scale == pytest.approx(1 / 3)
    assert view.to_view(np.array([[0.0, 0.0], [899.0, 299.0]])) == pytest.approx(
        np.array([[-1 / 3, -1 / 3], [299 + 1 / 3, 99 + 1 / 3]]), abs=1e-6
    )


@pytest.mark.parametrize("columns", [slice(5, 65), slice(20, 31)])
def test_a_slope_stays_a_slope_when_it_is_enlarged_band_by_band(columns: slice) -> None:
    window = (slice(3, 43), slice(5, 65))
    y, x = np.mgrid[:10, :15].astype(np.float32)
    field = np.dstack([x + 2 * y, x])
    got = np.concatenate([upsample(field, window, rows, columns) for rows in (slice(3, 20), slice(20, 43))])
    at_y = np.clip((np.arange(40) + 0.5) / 4 - 0.5, 0, 9)[:, None]
    at_x = np.clip((np.arange(columns.start, columns.stop) - 5 + 0.5) / 4 - 0.5, 0, 14)[None]
    assert got[..., 0] == pytest.approx(at_x + 2 * at_y, abs=1e-4)
    assert got[..., 1] == pytest.approx(np.broadcast_to(at_x, got.shape[:2]), abs=1e-4)


def test_paint_comes_where_the_weight_is_and_only_there() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (64, 80, 3), dtype=np.uint8)
    view = View((slice(8, 56), slice(10, 74)), np.zeros((12, 16, 3), np.float32))
    weight = np.zeros((12, 16), np.float32)
    weight[4:8, 5:9] = 1
    after = blend(photo, view, weight, lambda pixels, rows, columns: 0 * pixels + 1)
    assert (after[26:38, 34:44] == 255).all()
    changed = (after != photo).any(axis=2)
    changed[8 + 4 * 4 - 4 : 8 + 8 * 4 + 4, 10 + 5 * 4 - 4 : 10 + 9 * 4 + 4] = False
    assert not changed.any()


def test_a_change_is_added_and_cut_off_at_black_and_white() -> None:
    photo = np.full((20, 20, 3), 250, np.uint8)
    photo[:, :10] = 100
    view = view_of(photo, (slice(0, 20), slice(0, 20)))
    after = add_change(photo, view, np.full((20, 20, 3), 10 / 255, np.float32))
    assert (after[:, :10] == 110).all() and (after[:, 10:] == 255).all()


def test_bands_cover_every_row_once() -> None:
    rows = [row for band in bands((slice(7, 1000), slice(0, 5000))) for row in range(band.start, band.stop)]
    assert rows == list(range(7, 1000))


@pytest.mark.parametrize("seed", range(30))
def test_a_ramp_of_a_view_is_the_same_ramp_in_the_photo(seed: int) -> None:
    """Half-pixel centres at any sizes: a linear function of the photo's coordinates comes back, but for the rim outside the centres."""
    random = np.random.default_rng(seed)
    top, left, height, width = (int(value) for value in random.integers((0, 0, 2, 2), (50, 50, 400, 400)))
    window = (slice(top, top + height), slice(left, left + width))
    small = tuple(int(value) for value in random.integers(2, (min(60, height) + 1, min(60, width) + 1)))
    view = View(window, np.zeros((*small, 3), np.float32))
    y, x = view.pixel_centres()
    ramp = (3 * y[:, None] - 2 * x[None]).astype(np.float32)
    columns = slice(left, left + width) if seed % 2 else slice(left + width // 3, left + width // 2 + 1)
    large = upsample(ramp, window, window[0], columns)
    at_y = np.clip(np.arange(top, top + height), y[0], y[-1])[:, None]
    at_x = np.clip(np.arange(columns.start, columns.stop), x[0], x[-1])[None]
    assert large == pytest.approx(3 * at_y - 2 * at_x, abs=2e-3)


@pytest.mark.parametrize("seed", range(10))
def test_points_of_the_photo_and_pixels_of_the_view_agree(seed: int) -> None:
    random = np.random.default_rng(seed)
    view = View((slice(7, 7 + 90), slice(11, 11 + 70)), np.zeros((*random.integers(2, 60, 2), 3), np.float32))
    y, x = view.pixel_centres()
    assert view.to_view(np.column_stack([x, np.full_like(x, y[0])])) == pytest.approx(np.column_stack([np.arange(len(x)), 0 * x]))
    assert view.to_view(np.array([(10.5, 6.5), (80.5, 96.5)])) == pytest.approx(
        np.array([(-0.5, -0.5), (view.shape[1] - 0.5, view.shape[0] - 0.5)])
    )


def test_single_pixels_are_upsampled_as_all_are() -> None:
    field = np.random.default_rng(2).random((7, 9, 3), dtype=np.float32)
    window, rows, columns = (slice(10, 73), slice(5, 130)), slice(20, 41), slice(5, 60)
    whole = upsample(field, window, rows, columns)
    some = np.random.default_rng(3).permutation(whole.shape[0] * whole.shape[1])[:50]
    assert np.allclose(upsample_at(field, window, rows, columns, some), whole.reshape(-1, 3)[some], atol=1e-6)
    assert upsample_at(field, window, rows, columns, some[:0]).shape == (0, 3)
