"""Parts of a live face between two runs of the parser: moved, averaged, and whether a mouth is to be seen."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from lianpu.effects.catalogue import EFFECTS
from lianpu.face_parsing.runtime import OnnxParser
from lianpu.face_parsing.shares import SharesParser
from lianpu.faces.analyzer import FaceAnalyzer
from lianpu.faces.mesh import MeshReader
from lianpu.faces.parts import load_parser
from lianpu.imaging.geometry import scaling
from lianpu.imaging.picture import Picture
from lianpu.models.store.conversion import require_onnx
from lianpu.part_names import PART_COLORS, PARTS, part_index
from lianpu.photo.reading import read_image
from lianpu.video.tracking.live_parts import LiveParts, crop_matrix, mouth_visible, update_live_parts
from lianpu.video.tracking.live_tracker import LiveModels, LiveSettings, LiveState, TrackedScene, track_live
from tests.support.colour_parser import write_colour_parser
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
    assert mouth_visible(_shares(l_lip=0.3, mouth=0.2), LIPS) == pytest.approx(0.5, abs=0.02)
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
    assert visible[0] > 0.5 and visible[13] < 0.2 and visible[-1] > 0.5
    assert max(np.abs(np.diff(visible))) < 0.5, "it fades"
    for frame, one, least, most in ((covered, tracked[13], 0, 15), (bare, tracked[-1], 30, 255)):
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


def test_the_average_follows_slowly_at_an_edge_and_at_once_where_much_has_changed(tmp_path: Path) -> None:
    parser = SharesParser(OnnxParser(write_colour_parser(tmp_path / "colours.onnx", 256)))
    mesh, matrix = np.zeros((478, 3), np.float32), scaling(0.5)

    def next_parts(before: LiveParts | None, first_hair_row: int) -> LiveParts:
        picture = np.full((256, 256, 3), PART_COLORS[part_index("skin")], np.uint8)
        picture[first_hair_row:] = PART_COLORS[part_index("hair")]
        return update_live_parts(before, picture, mesh, matrix, parser, parse=True, seconds=1 / 30, time_constant_s=0.4)

    first = next_parts(None, 128)
    hair = first.names.index("hair")
    rate = 1 - np.exp(-1 / 30 / 0.4)
    edge = next_parts(first, 132).shares[hair]
    assert edge[64:66].mean() == pytest.approx(255 * (1 - rate), abs=3) and (edge[70:] == 255).all()
    gone = next_parts(first, 256).shares[hair]
    assert gone[80:].max() < 5
