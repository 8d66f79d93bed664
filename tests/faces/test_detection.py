"""Finding faces with borders and turns: worked out with a detector that sees painted squares, then on real photos."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from lianpu.faces.detection import (
    add_border,
    face_before,
    find_faces,
    may_fill,
    merged,
    overlap,
    roll_degrees,
    sureness,
    turned_back,
)
from lianpu.faces.detectors import YuNetDetector
from lianpu.faces.insightface_models import ScrfdDetector
from lianpu.faces.results import Face
from lianpu.imaging.picture import Picture
from lianpu.photo.reading import read_image

FIVE = np.array([[10, 20], [30, 20], [20, 30], [12, 40], [28, 40]], dtype=np.float32)


def face_at(box: tuple[float, float, float, float], score: float = 0.9) -> Face:
    x1, y1, x2, y2 = box
    share = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
    points = share * (x2 - x1, y2 - y1) + (x1, y1)
    return Face(box, score, points.astype(np.float32), "drawn")


@dataclass
class RedSquare:
    """Sees one pure red rectangle whose upper left corner is blue (so only the right way up), not when it touches the edge."""

    name: str = "red square"
    multiscale: bool = False
    second_search_score: float = 0.0
    score: float = 0.9

    def detect(self, picture: Picture) -> tuple[Face, ...]:
        seen = (picture[:, :, 0] > 200) | (picture[:, :, 2] > 200)
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        if not len(rows) or rows[0] == 0 or columns[0] == 0 or picture[rows[0] + 1, columns[0] + 1, 2] < 200:
            return ()
        return (face_at((float(columns[0]), float(rows[0]), float(columns[-1]), float(rows[-1])), self.score),)


def blend(height: int, width: int, box: tuple[int, int, int, int]) -> Picture:
    picture = np.zeros((height, width, 3), dtype=np.uint8)
    x1, y1, x2, y2 = box
    picture[y1 : y2 + 1, x1 : x2 + 1] = (255, 0, 0)
    picture[y1 : y1 + 12, x1 : x1 + 12] = (0, 0, 255)
    return picture


def test_nothing_is_found_where_nothing_is() -> None:
    assert find_faces(np.zeros((50, 60, 3), dtype=np.uint8), RedSquare(), upright=True) == ()


def test_a_face_that_fills_the_picture_is_found_by_a_border_and_given_in_the_picture_s_pixels() -> None:
    (found,) = find_faces(blend(100, 80, (0, 0, 79, 99)), RedSquare())
    assert found.box_xyxy == pytest.approx((0, 0, 79, 99), abs=0.01)
    assert found.points[0] == pytest.approx((0.3 * 79, 0.4 * 99), abs=0.01)


def test_a_large_picture_is_scaled_before_it_gets_a_border() -> None:
    bordered, scale, border = add_border(blend(3000, 2000, (0, 0, 1999, 2999)))
    assert border == 640 and scale == pytest.approx((853 / 2000, 1280 / 3000))
    assert bordered.shape == (1280 + 2 * 640, 853 + 2 * 640, 3)
    (found,) = find_faces(blend(3000, 2000, (0, 0, 1999, 2999)), RedSquare())
    assert found.box_xyxy == pytest.approx((0, 0, 1999, 2999), abs=4)


@pytest.mark.parametrize("turn", [90, 180, 270])
@pytest.mark.parametrize(("height", "width"), [(200, 300), (300, 200)])
def test_a_turned_face_is_found_upright_and_lies_where_it_lies(turn: int, height: int, width: int) -> None:
    upright = blend(height, width, (40, 60, 120, 170))
    lying = np.ascontiguousarray(np.rot90(upright, -turn // 90))
    assert find_faces(lying, RedSquare(), again=False) == ()
    (found,) = find_faces(lying, RedSquare(), upright=True)
    (again,) = find_faces(lying, RedSquare())
    assert (again.box_xyxy, again.turned) == (found.box_xyxy, found.turned)
    x1, y1, x2, y2 = (round(value) for value in found.box_xyxy)
    assert found.turned == turn
    assert (lying[y1 : y2 + 1, x1 : x2 + 1].max(axis=2) == 255).all()
    assert (x2 - x1 + 1) * (y2 - y1 + 1) == np.count_nonzero(lying.max(axis=2))


def test_points_turn_back_with_the_box() -> None:
    """In a picture 300 wide and 200 high, turned by 90 degrees counter-clockwise, pixel (x, y) is at (y, 299 - x)."""
    face = Face((20, 209, 60, 289), 0.9, np.array([[30, 279], [50, 279], [40, 259], [32, 219], [48, 219]]), "drawn")
    back = turned_back(face, 90, 300, 200)
    assert back.points[0].tolist() == [299 - 279, 30]
    assert back.box_xyxy == (10, 20, 90, 60)


def test_a_face_of_a_shifted_copy_is_taken_back_with_half_pixel_centres() -> None:
    """Pixels 100 and 101 of a copy twice as large show pixel 50: its centre is at 100.5 there."""
    found = face_at((110.5, 70.5, 310.5, 270.5))
    back = face_before(found, scale=2.0, left=10, top=20)
    assert back.box_xyxy == (50, 25, 150, 125)
    assert back.points[2] == pytest.approx((found.points[2] - (10, 20) + 0.5) / 2 - 0.5)


def test_a_face_found_twice_counts_once_and_the_surer_finding_stays() -> None:
    low, high, other = face_at((0, 0, 100, 100), 0.6), face_at((5, 5, 105, 105), 0.8), face_at((300, 0, 400, 100), 0.7)
    assert overlap(low, high) == pytest.approx(95 * 95 / (2 * 100 * 100 - 95 * 95))
    assert merged([low, high, other]) == (high, other)


def test_a_face_that_lies_where_it_was_found_gives_way_to_the_same_face_upright() -> None:
    upright = face_at((50, 50, 150, 150), 0.76)
    lying = replace(upright, score=0.78, turned=90)  # its points stand upright in the picture, so they lay when it was turned
    assert roll_degrees(upright) == 0 and roll_degrees(lying) == -90
    assert sureness(lying) == pytest.approx(0.78 * 0.75)
    assert merged([lying, upright]) == (upright,)
    upside_down = turned_back(upright, 180, 300, 200)
    assert roll_degrees(upside_down) == 0 and sureness(upside_down) == pytest.approx(0.76)


def test_the_same_face_seen_smaller_at_another_turn_counts_once() -> None:
    whole, within = face_at((50, 50, 150, 150), 0.9), face_at((70, 70, 120, 120), 0.8)
    assert merged([whole, replace(within, turned=90)]) == (whole,)
    assert merged([whole, within]) == (whole, within)


def test_faces_come_largest_first_and_low_scores_can_be_left_out() -> None:
    @dataclass
    class Two:
        name: str = "two"
        multiscale: bool = False
        second_search_score: float = 0.0

        def detect(self, picture: Picture) -> tuple[Face, ...]:
            return face_at((20, 20, 40, 40), 0.9), face_at((50, 50, 90, 90), 0.6)

    picture = np.zeros((200, 200, 3), dtype=np.uint8)
    assert [face.score for face in find_faces(picture, Two())] == [0.6, 0.9]
    assert [face.score for face in find_faces(picture, Two(), min_score=0.8)] == [0.9]


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((40, 40, 60, 60), False),
        ((0, 40, 20, 60), True),
        ((40, 40, 99, 60), True),
        ((20, 20, 85, 50), True),
        ((20, 15, 45, 80), True),
    ],
)
def test_a_face_may_fill_the_picture_when_it_touches_the_edge_or_is_large(box: tuple[float, ...], expected: bool) -> None:
    assert may_fill(face_at(box), 100, 100) is expected  # type: ignore[arg-type]


def test_find_faces_wants_a_picture() -> None:
    with pytest.raises(ValueError, match="a picture is uint8 RGB"):
        find_faces(np.zeros((10, 10, 3), dtype=np.float32), RedSquare())


def test_a_close_portrait_is_found_by_scrfd_only_with_a_border(photos: Path, scrfd: ScrfdDetector) -> None:
    picture = read_image(photos / "p17_portrait.png")
    assert scrfd.detect(picture) == ()
    (found,) = find_faces(picture, scrfd)
    x1, y1, x2, y2 = found.box_xyxy
    assert 0 < (x1 + x2) / 2 < picture.shape[1] and 0 < (y1 + y2) / 2 < picture.shape[0]


@pytest.mark.parametrize(("photo", "turn"), [("p09_rotated_90", 90), ("p10_rotated_180", 180), ("p11_rotated_270", 270)])
def test_a_turned_portrait_is_found_in_the_same_place_as_the_upright_one(
    photos: Path, yunet: YuNetDetector, photo: str, turn: int
) -> None:
    upright = find_faces(read_image(photos / "p08_portrait_upright.jpg"), yunet)
    picture = read_image(photos / f"{photo}.jpg")
    (found,) = find_faces(picture, yunet, upright=True)
    assert found.turned == turn
    expected = turned_back(upright[0], turn, picture.shape[1], picture.shape[0])
    assert overlap(found, expected) > 0.85
    assert np.abs(found.points - expected.points).max() < 0.1 * upright[0].width_px


def test_a_face_that_looks_up_is_not_taken_for_a_lying_one(photos: Path, scrfd: ScrfdDetector) -> None:
    (found,) = find_faces(read_image(photos / "p14_looking_up.jpg"), scrfd, upright=True)
    assert found.turned == 0 and abs(roll_degrees(found)) < 20


def test_exif_orientation_is_obeyed(photos: Path, scrfd: ScrfdDetector) -> None:
    (found,) = find_faces(read_image(photos / "p24_EXIF_orientation_8.jpg"), scrfd)
    assert found.turned == 0
    assert found.points[0, 0] < found.points[1, 0] and found.points[0, 1] < found.points[3, 1]
