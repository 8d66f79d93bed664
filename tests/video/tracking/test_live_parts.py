"""Parts of a live face between two runs of the parser: moved, averaged, and whether a mouth is to be seen."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from lianpu.effects.catalogue import EFFECTS
from lianpu.face_parsing.shares import SharesParser
from lianpu.faces.analyzer import FaceAnalyzer
from lianpu.faces.live import around_matrix
from lianpu.faces.mesh import MeshReader
from lianpu.faces.parts import load_parser
from lianpu.imaging.picture import Picture
from lianpu.models.store.conversion import require_onnx
from lianpu.part_names import PARTS, part_index
from lianpu.photo.reading import read_image
from lianpu.video.tracking.live_parts import crop_matrix, mouth_visible, update_live_parts, with_hair_around
from lianpu.video.tracking.live_tracker import LiveModels, LiveSettings, LiveState, TrackedScene, track_live
from tests.support.live_faces import mesh_of
from tests.support.portraits import portrait, portrait_face
from tests.support.shared import real_photo

LIPS = np.array([(40.0, 60.0), (80.0, 60.0), (80.0, 80.0), (40.0, 80.0)])


def _shares(**filled: float) -> np.ndarray:
    """Shares (19, 128, 128): a part's probability over all of the crop, by its name."""
    shares = np.zeros((len(PARTS), 128, 128), dtype=np.uint8)
    for name, share in filled.items():
        shares[part_index(name)] = round(255 * share)
    return shares


def test_a_mouth_is_visible_where_the_parser_sees_lips_inside_those_of_the_mesh() -> None:
    assert mouth_visible(_shares(u_lip=0.5, l_lip=0.5), LIPS) == 1
    assert mouth_visible(_shares(skin=1.0), LIPS) == 0
    assert mouth_visible(_shares(l_lip=0.3, mouth=0.15), LIPS) == pytest.approx(0.5, abs=0.02)
    assert mouth_visible(_shares(u_lip=1.0), LIPS / 40) is None, "four pixels say nothing"


@pytest.fixture
def models(mediapipe_models: Path, analyzer: FaceAnalyzer) -> LiveModels:
    return LiveModels(analyzer, MeshReader(require_onnx("face-mesh"), 1), SharesParser(load_parser(threads=1)))


def _track(frames: list[Picture], models: LiveModels) -> list[TrackedScene]:
    state, tracked = LiveState(), []
    for number, frame in enumerate(frames):
        state, scene = track_live(state, frame, number, number / 30, models, LiveSettings(parse_every=4, detect_px=1280))
        tracked.append(scene)
    return tracked


def _masked(picture: Picture) -> Picture:
    """The portrait with a light blue cloth from the nose to the chin."""
    points = portrait_face(side_px=picture.shape[0]).points
    unit = float(np.linalg.norm(points[1] - points[0]))
    mouth = (points[3] + points[4]) / 2
    across, down = np.array([1.15 * unit, 0.0]), np.array([0.0, unit])
    corners = np.array(
        [
            mouth - across - 0.45 * down,
            mouth + across - 0.45 * down,
            mouth + 0.8 * across + 0.75 * down,
            mouth - 0.8 * across + 0.75 * down,
        ]
    )
    return np.asarray(cv2.fillPoly(picture.copy(), [np.rint(corners).astype(np.int32)], (150, 190, 225)), dtype=np.uint8)


def test_a_drawn_mouth_that_is_covered_gets_no_lipstick_until_it_is_uncovered(models: LiveModels) -> None:
    bare = portrait(side_px=320).picture
    covered = _masked(bare)
    tracked = _track([bare] * 3 + [covered] * 11 + [bare] * 16, models)
    visible = [one.scene.faces[0].mouth_visible for one in tracked]
    assert visible[0] > 0.7 and visible[13] < 0.2 and visible[-1] > 0.7
    assert max(np.abs(np.diff(visible))) < 0.5, "it fades"
    for frame, one, least, most in ((covered, tracked[13], 0, 25), (bare, tracked[-1], 40, 255)):
        painted = frame.copy()
        EFFECTS["lipstick"].apply_live(painted, one.scene, 1.0, color="#2030c0")
        assert least <= np.abs(painted.astype(int) - frame).max() <= most


@pytest.mark.parametrize(("name", "covered"), [("p15", True), ("p16", True), ("p03", False), ("p18", False), ("p22", False)])
def test_real_masks_hide_mouths_and_bare_faces_show_them(name: str, covered: bool, models: LiveModels) -> None:
    (tracked,) = _track([read_image(real_photo(name))], models)
    visible = [face.mouth_visible for face in tracked.scene.faces]
    assert visible and (float(np.median(visible)) < 0.1 if covered else min(visible) > 0.9)


def test_parts_are_moved_with_the_mesh_between_two_runs_of_the_parser(analyzer: FaceAnalyzer) -> None:
    drawn, face = portrait(side_px=320), portrait_face(side_px=320)
    parser = SharesParser(load_parser(threads=1))
    matrix, mesh = crop_matrix(face.points, parser), mesh_of(drawn.points).points
    first = update_live_parts(None, drawn.picture, mesh, matrix, parser, parse=True, seconds=1 / 30, time_constant_s=0.4)
    step_px = 4 / np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    shifted = mesh[:, :2] + (step_px, 0)
    moved = update_live_parts(first, drawn.picture, shifted, matrix, parser, parse=False, seconds=1 / 30, time_constant_s=0.4)
    lip = first.names.index("l_lip")
    rows = np.arange(128)[None, :]
    before, after = (float((parts.shares[lip] * rows).sum() / parts.shares[lip].sum()) for parts in (first, moved))
    assert after - before == pytest.approx(4, abs=0.8)
    assert first.as_shares().keys() == moved.as_shares().keys() and "background" not in first.names


def test_the_average_follows_at_once_where_much_has_changed(analyzer: FaceAnalyzer) -> None:
    drawn, face = portrait(side_px=320), portrait_face(side_px=320)
    parser = SharesParser(load_parser(threads=1))
    matrix, mesh = crop_matrix(face.points, parser), mesh_of(drawn.points).points
    arguments = {"parse": True, "seconds": 1 / 30, "time_constant_s": 0.4}
    first = update_live_parts(None, drawn.picture, mesh, matrix, parser, **arguments)  # type: ignore[arg-type]
    hidden = np.full_like(drawn.picture, 90)
    second = update_live_parts(first, hidden, mesh, matrix, parser, **arguments)  # type: ignore[arg-type]
    skin = first.names.index("skin"), second.names.index("skin")
    middle = (slice(50, 70), slice(50, 78))
    assert first.shares[skin[0]][middle].mean() > 150
    assert abs(second.shares[skin[1]][middle].mean() - second.parsed[skin[1]][middle].mean()) < 40


def test_hair_beyond_the_crop_is_found_in_a_wider_one_and_that_of_a_neighbour_is_not(analyzer: FaceAnalyzer) -> None:
    drawn, face = portrait(side_px=320), portrait_face(side_px=320)
    parser = SharesParser(load_parser(threads=1))
    picture = np.full((480, 900, 3), 200, dtype=np.uint8)
    picture[150:470, 100:420] = picture[150:470, 480:800] = drawn.picture
    five, mesh = face.points + np.array([100, 150]), mesh_of(drawn.points).points + np.array([100, 150, 0])
    matrix = crop_matrix(five, parser)
    parts = update_live_parts(None, picture, mesh, matrix, parser, parse=True, seconds=1 / 30, time_constant_s=0.4)
    assert parts.hair_around() is None
    first = with_hair_around(parts, picture, matrix, parser)
    wide = around_matrix(matrix, parser.side_px, parser.side_px)
    mask = np.zeros(picture.shape[:2], dtype=np.uint8)
    mask[150:470, 100:420] = np.where(drawn.mask == part_index("hair"), 255, 0)
    own = cv2.warpAffine(mask, wide, (parser.side_px, parser.side_px)) > 127
    found = np.asarray(first.hair_around()) > 127
    assert (found & own).sum() / (found | own).sum() > 0.6
    gone = with_hair_around(first, np.full_like(picture, 200), matrix, parser)
    assert gone.around is first.around
    next_one = update_live_parts(gone, picture, mesh, matrix, parser, parse=False, seconds=0.4, time_constant_s=0.4)
    assert first.around is not None and next_one.around is not None
    assert next_one.around[own].mean() == pytest.approx(np.exp(-1) * first.around[own].mean(), rel=0.15)  # follows in time
