"""Every kind of picture file becomes uint8 RGB, upright; a broken one is named in one line."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from lianpu.errors import LianpuError, PictureError
from lianpu.imaging.picture import center_crop, check_picture, from_array, grid, resize, to_array, to_batch, to_pictures
from lianpu.photo.reading import picture_facts, read_image
from lianpu.photo.writing import write_image

QUARTERS = np.zeros((24, 16, 3), dtype=np.uint8)
QUARTERS[:12, :8] = (255, 0, 0)
QUARTERS[:12, 8:] = (0, 255, 0)
QUARTERS[12:, :8] = (0, 0, 255)
QUARTERS[12:, 8:] = (255, 255, 0)
"""Red and green above blue and yellow: shows every turn and every exchange of channels."""


def _png(values: np.ndarray, bits: int, color_type: int) -> bytes:
    """A PNG file written by hand, for what Pillow cannot write; values (H, W, channels)."""
    rows = b"".join(b"\0" + row.astype(">u2" if bits == 16 else "u1").tobytes() for row in values)
    height, width = values.shape[:2]

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("ending", [".png", ".bmp", ".tif", ".tiff", ".PNG"])
def test_lossless_pictures_come_back_as_they_were_written(tmp_path: Path, ending: str) -> None:
    read = read_image(write_image(tmp_path / f"a{ending}", QUARTERS))
    assert read.dtype == np.uint8 and read.flags.writeable and (read == QUARTERS).all()


@pytest.mark.parametrize("ending", [".jpg", ".jpeg", ".webp"])
def test_lossy_pictures_come_back_nearly(tmp_path: Path, ending: str) -> None:
    read = read_image(write_image(tmp_path / f"a{ending}", QUARTERS)).astype(int)
    assert abs(read[2:10, 2:6] - QUARTERS[2:10, 2:6]).max() < 12


def test_a_cmyk_jpeg_has_its_colours(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    Image.fromarray(QUARTERS).convert("CMYK").save(file, quality=95)
    assert picture_facts(file).mode == "CMYK"
    assert abs(read_image(file).astype(int)[4, 4] - (255, 0, 0)).max() < 12


def test_a_16_bit_grey_png_keeps_its_brightness_also_when_it_is_dark(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    values = np.array([[0, 257, 32768, 65535]], dtype=np.uint16)
    Image.fromarray(values).save(file)
    assert picture_facts(file).mode == "I;16"
    assert read_image(file)[0, :, 0].tolist() == [0, 1, 128, 255]
    Image.fromarray(np.array([[0, 100, 255]], dtype=np.uint16)).save(file)
    assert read_image(file)[0, :, 0].tolist() == [0, 0, 1]  # not stretched: 255 of 65535 is nearly black


def test_a_16_bit_rgb_png_becomes_8_bit_and_is_known_as_such(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    values = np.array([[[65535, 0, 32896], [257, 514, 771]]])
    file.write_bytes(_png(values, 16, 2))
    assert picture_facts(file).mode == "RGB;16"
    assert read_image(file).tolist() == [[[255, 0, 128], [1, 2, 3]]]


def test_a_big_endian_16_bit_tiff_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.tif"
    Image.frombytes("I;16B", (2, 1), np.array([0x8080, 0xFFFF], dtype=">u2").tobytes()).save(file)
    assert read_image(file)[0, :, 0].tolist() == [128, 255]


@pytest.mark.parametrize(("values", "expected"), [([0.0, 0.5, 1.0], [0, 128, 255]), ([0.0, 100.0, 255.0], [0, 100, 255])])
def test_a_float_tiff_is_read_by_its_range(tmp_path: Path, values: list[float], expected: list[int]) -> None:
    file = tmp_path / "a.tif"
    Image.fromarray(np.array([values], dtype=np.float32)).save(file)
    assert read_image(file)[0, :, 1].tolist() == expected


def test_a_palette_picture_has_its_colours(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    Image.fromarray(QUARTERS).quantize(8).save(file)
    assert picture_facts(file).mode == "P"
    assert (read_image(file) == QUARTERS).all()


@pytest.mark.parametrize("transparency", [1, bytes([255, 0])])
def test_a_transparent_colour_of_a_palette_is_laid_on_white(tmp_path: Path, transparency: int | bytes) -> None:
    file = tmp_path / "a.png"
    image = Image.fromarray(np.array([[0, 1]], dtype=np.uint8)).convert("P")
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.save(file, transparency=transparency)
    assert picture_facts(file).transparent
    assert read_image(file).tolist() == [[[10, 20, 30], [255, 255, 255]]]


def test_grey_and_black_and_white_become_three_channels(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    Image.fromarray(np.array([[0, 7, 255]], dtype=np.uint8)).save(file)
    assert read_image(file).tolist() == [[[0] * 3, [7] * 3, [255] * 3]]
    Image.fromarray(np.array([[True, False]])).save(file)
    assert read_image(file).tolist() == [[[255] * 3, [0] * 3]]


def test_alpha_is_laid_on_white(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    Image.fromarray(np.array([[[0, 255], [0, 0], [100, 128]]], dtype=np.uint8), "LA").save(file)
    assert read_image(file)[0, :, 0].tolist() == [0, 255, 177]  # 100 * 128/255 + 255 * 127/255
    Image.fromarray(np.array([[[255, 0, 0, 255], [255, 0, 0, 0]]], dtype=np.uint8)).save(file)
    assert read_image(file).tolist() == [[[255, 0, 0], [255, 255, 255]]]


@pytest.mark.parametrize("ending", [".jpg", ".png"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_is_set_upright(tmp_path: Path, orientation: int, ending: str) -> None:
    stored = {  # how a camera stores an upright picture under each orientation (EXIF 2.32, 4.6.4 A)
        1: QUARTERS,
        2: QUARTERS[:, ::-1],
        3: QUARTERS[::-1, ::-1],
        4: QUARTERS[::-1],
        5: QUARTERS.transpose(1, 0, 2),
        6: np.rot90(QUARTERS, 1),
        7: QUARTERS[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(QUARTERS, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = tmp_path / f"a{ending}"
    options: dict[str, Any] = {"quality": 95, "subsampling": 0} if ending == ".jpg" else {}
    Image.fromarray(np.ascontiguousarray(stored)).save(file, exif=exif, **options)
    read = read_image(file)
    assert read.shape == QUARTERS.shape and abs(read.astype(int) - QUARTERS).max() < 12
    facts = picture_facts(file)
    assert facts.orientation == orientation and (facts.height, facts.width) == stored.shape[:2]


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_is_none_is_taken_for_upright(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(QUARTERS).save(tmp_path / "a.png", exif=exif)
    assert (read_image(tmp_path / "a.png") == QUARTERS).all() and picture_facts(tmp_path / "a.png").orientation == 1


def test_a_damaged_exif_block_does_not_spoil_a_good_picture(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    Image.fromarray(QUARTERS).save(file, quality=95, exif=b"Exif\0\0" + b"no TIFF at all" * 4)
    assert read_image(file).shape == QUARTERS.shape


def _refusal(file: Path) -> str:
    with pytest.raises(PictureError) as caught:
        read_image(file)
    message = str(caught.value)
    assert str(file) in message and "\n" not in message
    return message


@pytest.mark.parametrize("ending", [".jpg", ".png", ".bmp", ".webp"])
def test_a_truncated_picture_is_refused(tmp_path: Path, ending: str) -> None:
    file = write_image(tmp_path / f"a{ending}", np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    message = _refusal(file)
    assert ("broken or cut off" in message or "not a picture" in message) and "remove it from the data" in message


def test_a_text_file_named_jpg_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("404 Not Found")
    assert "is not a picture that can be read" in _refusal(tmp_path / "a.jpg")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    assert "is empty (0 bytes)" in _refusal(tmp_path / "a.jpg")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "is not there" in _refusal(tmp_path / "a.jpg")
    assert "is a folder" in _refusal(tmp_path)
    with pytest.raises(PictureError, match="is not there"):
        picture_facts(tmp_path / "a.jpg")


@pytest.mark.parametrize("side", [10_000, 60_000])
def test_a_decompression_bomb_is_refused_before_it_unfolds(tmp_path: Path, side: int) -> None:
    file = tmp_path / "a.png"
    head = _png(np.zeros((1, 1, 1)), 8, 0)
    dimensions = struct.pack(">II", side, side)
    ihdr = b"IHDR" + dimensions + head[24:29]
    file.write_bytes(head[:12] + ihdr + struct.pack(">I", zlib.crc32(ihdr)) + head[33:])
    assert "is too large" in _refusal(file)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of some damage that it can live with
def test_what_is_broken_in_any_byte_is_a_picture_or_a_picture_error(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    for ending in (".jpg", ".png", ".bmp", ".webp"):
        exif = Image.Exif()
        exif[0x0112], exif[0x010E] = 6, "a description"
        file = tmp_path / f"a{ending}"
        Image.fromarray(QUARTERS).save(file, exif=exif)
        whole = file.read_bytes()
        for _ in range(80):
            broken = np.frombuffer(whole, dtype=np.uint8).copy()
            places = chance.integers(0, len(broken), chance.integers(1, 8))
            broken[places] = chance.integers(0, 256, len(places), dtype=np.uint8)
            file.write_bytes(broken.tobytes()[: chance.integers(1, len(broken) + 1)])
            try:
                check_picture(read_image(file))
            except PictureError as problem:
                assert str(file) in str(problem)


def test_an_ending_that_names_no_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"a\.gifx: photos are written as \.jpg.*Give another ending"):
        write_image(tmp_path / "a.gifx", QUARTERS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", [".jpg", ".png"])
def test_a_full_disk_leaves_the_old_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    file = write_image(tmp_path / f"a{ending}", QUARTERS)
    before = file.read_bytes()

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lianpu.files.os.fsync", full_disk)
    with pytest.raises(LianpuError, match="The disk is full"):
        write_image(file, QUARTERS[:4])
    assert file.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("wrong", [np.zeros((4, 4)), np.zeros((4, 4, 3)), np.zeros((4, 4, 4), dtype=np.uint8)])
def test_what_is_no_picture_is_refused_with_its_shape(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"a picture is uint8 RGB \(H, W, 3\), got"):
        check_picture(wrong)


def test_batches_run_from_minus_1_to_1_and_back_without_loss() -> None:
    every_value = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    batch = to_batch(every_value)
    assert tuple(batch.shape) == (1, 3, 16, 16) and batch.dtype == torch.float32 and batch.is_contiguous()
    assert batch.min() == -1.0 and batch.max() == 1.0
    assert (to_pictures(batch) == every_value).all()


def test_a_batch_has_the_bits_that_torch_would_give() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (3, 20, 24, 3), dtype=np.uint8)
    expected = torch.from_numpy(pictures).permute(0, 3, 1, 2).to(torch.float32).div(127.5).sub(1.0)
    assert torch.equal(to_batch(pictures), expected)


def test_pictures_of_different_sizes_make_no_batch() -> None:
    with pytest.raises(ValueError, match="same shape"):
        to_batch([QUARTERS, QUARTERS[:1, :1]])
    with pytest.raises(ValueError, match="at least one array"):
        to_batch([])


def test_channels_stay_in_their_order() -> None:
    batch = to_batch([QUARTERS[:16]])
    assert batch[0, :, 0, 0].tolist() == [1.0, -1.0, -1.0]  # red, above on the left
    assert batch[0, :, 0, 15].tolist() == [-1.0, 1.0, -1.0]  # green, above on the right


def test_what_lies_outside_is_clipped() -> None:
    values = torch.tensor([-3.0, -1.0, 0.0, 1.0, 3.0, 0.999]).reshape(1, 1, 1, 6).expand(1, 3, 1, 6)
    assert to_pictures(values)[0, 0, :, 0].tolist() == [0, 0, 128, 255, 255, 255]
    assert to_pictures(values.to(torch.bfloat16)).dtype == np.uint8


@pytest.mark.parametrize(
    ("shape", "size_px", "expected"), [((218, 178), 178, (178, 178)), ((10, 20), 178, (10, 10)), ((7, 7), 4, (4, 4))]
)
def test_the_crop_is_the_middle(shape: tuple[int, int], size_px: int, expected: tuple[int, int]) -> None:
    picture = np.zeros((*shape, 3), dtype=np.uint8)
    picture[..., 0], picture[..., 1] = np.arange(shape[0])[:, None], np.arange(shape[1])[None]
    crop = center_crop(picture, size_px)
    assert crop.shape[:2] == expected
    assert crop[0, 0, 0] == (shape[0] - expected[0]) // 2 and crop[0, 0, 1] == (shape[1] - expected[1]) // 2


def test_shrinking_averages_instead_of_skipping() -> None:
    stripes = np.zeros((64, 64, 3), dtype=np.uint8)
    stripes[:, ::2] = 254
    small = resize(stripes, 8)
    assert small.shape == (8, 8, 3) and abs(small.astype(int) - 127).max() <= 6  # skipping would give 0 or 254


def test_a_grid_has_white_gaps_and_may_be_ragged() -> None:
    black = np.zeros((4, 4, 3), dtype=np.uint8)
    canvas = grid([[black, black], [black]], gap_px=2)
    assert canvas.shape == (10, 10, 3)
    assert (canvas[:4, :4] == 0).all() and (canvas[4:6] == 255).all() and (canvas[6:, 6:] == 255).all()


def test_arrays_become_pictures_as_batches_do() -> None:
    pictures = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    assert np.array_equal(from_array(to_array(pictures)), pictures)
    wide = np.array([-1.5, -1.0, 0.0, 1.0, 1.5], dtype=np.float32).reshape(1, 1, 1, 5).repeat(3, axis=1)
    assert from_array(wide)[0, 0, :, 0].tolist() == [0, 0, 128, 255, 255]
    assert np.array_equal(from_array(wide), to_pictures(torch.from_numpy(wide)))
