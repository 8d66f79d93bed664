"""Parts of a live face between two runs of the parser: moved, averaged, and whether a mouth is to be seen."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from lianpu.effects.catalogue import EFFECTS
from lianpu.face_parsing.runtime import OnnxParser
from lianpu.face_parsing.shares import SharesParser
from lianpu.faces.analyzer import FaceAnalyzer
from lianpu.faces.live import HairColor
from lianpu.faces.mesh import REGIONS, MeshReader
from lianpu.faces.parts import load_parser
from lianpu.imaging.geometry import inverse, map_points, scaling
from lianpu.imaging.picture import Picture
from lianpu.models.store.conversion import require_onnx
from lianpu.part_names import PART_COLORS, PARTS, part_index
from lianpu.photo.reading import read_image
from lianpu.video.tracking.live_parts import (
    LiveParts,
    brightness_at,
    change_since_parse,
    crop_matrix,
    mouth_visible,
    update_live_parts,
)
from lianpu.video.tracking.live_tracker import LiveModels, LiveSettings, LiveState, TrackedScene, track_live
from lianpu.video.tracking.motion import grey_frame
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
    light = np.full(60, 128, dtype=np.float32)

    def next_parts(before: LiveParts | None, points: np.ndarray) -> LiveParts:
        now = (drawn.picture, points, matrix, parser, light)
        return update_live_parts(before, *now, change=0.0, parse=before is None, seconds=1 / 30, time_constant_s=0.4)

    def place(parts: LiveParts) -> float:
        """The column of the frame about which the lower lip lies."""
        share = parts.as_shares()["l_lip"].astype(float)
        column = (share * np.arange(128)[None, :]).sum() / share.sum()
        row = (share * np.arange(128)[:, None]).sum() / share.sum()
        return float(map_points(inverse(parts.matrix), np.array([[column, row]]))[0, 0])

    first = next_parts(None, mesh)
    step_px = 4 / np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    shifted = mesh[:, :2] + (step_px, 0)
    moved = next_parts(first, shifted)
    assert place(moved) - place(first) == pytest.approx(step_px, rel=0.02)
    assert np.array_equal(first.shares, moved.shares), "what moves as one is not resampled"
    open_mouth = mesh.copy()
    lips = list({*REGIONS["lips_outer"], *REGIONS["lips_inner"]})
    open_mouth[lips, 0] += step_px
    talking = next_parts(first, open_mouth)
    assert 0.3 * step_px < place(talking) - place(first) < step_px, "a coarse flow; the mesh itself carries lips"
    assert first.as_shares().keys() == talking.as_shares().keys() and "background" not in first.names


def test_a_parse_is_stale_after_a_turn_of_the_face_and_another_light_but_not_after_a_shift() -> None:
    drawn, face = portrait(side_px=320), portrait_face(side_px=320)
    parser = SharesParser(load_parser(threads=1))
    matrix, mesh = crop_matrix(face.points, parser), mesh_of(drawn.points).points
    grey = grey_frame(drawn.picture)
    light = brightness_at(mesh, grey)
    parts = update_live_parts(
        None, drawn.picture, mesh, matrix, parser, light, change=0.0, parse=True, seconds=1 / 30, time_constant_s=0.4
    )
    assert change_since_parse(parts, mesh, light) == 0
    assert change_since_parse(parts, mesh * 1.1 + 5, light) == 0
    turned = mesh.copy()
    turned[:, 0] += 0.3 * mesh[:, 2]
    assert change_since_parse(parts, turned, light) == 1
    assert change_since_parse(parts, mesh, brightness_at(mesh, grey_frame(drawn.picture // 2))) == 1


def test_hair_takes_on_a_measured_colour_evenly_not_in_steps() -> None:
    dark, light = HairColor((10.0, 20.0, 30.0), (1.0, 2.0)), HairColor((50.0, 60.0, 70.0), (3.0, 4.0))
    nothing = np.zeros((0, 128, 128), dtype=np.float32)
    parts = LiveParts((), nothing, nothing, np.zeros((1, 2), dtype=np.float32), 1.0, 1.0).with_hair(dark, 0.1)
    assert parts.hair == dark
    middles = []
    for seen in (light, None, None):
        parts = parts.with_hair(seen, 0.1)
        assert parts.hair is not None
        middles.append(parts.hair.light[1])
    assert middles == pytest.approx([24.0, 27.6, 30.84])


def test_the_average_follows_slowly_at_an_edge_and_at_once_where_much_has_changed(tmp_path: Path) -> None:
    parser = SharesParser(OnnxParser(write_colour_parser(tmp_path / "colours.onnx", 256)))
    mesh, matrix = mesh_of(portrait(side_px=256).points).points, scaling(0.5)
    light = np.full(60, 128, dtype=np.float32)

    def next_parts(before: LiveParts | None, first_hair_row: int, change: float = 0.0) -> LiveParts:
        picture = np.full((256, 256, 3), PART_COLORS[part_index("skin")], np.uint8)
        picture[first_hair_row:] = PART_COLORS[part_index("hair")]
        now = (picture, mesh, matrix, parser, light)
        return update_live_parts(before, *now, change=change, parse=True, seconds=1 / 30, time_constant_s=0.4)

    first = next_parts(None, 128)
    hair = first.names.index("hair")
    rate = 1 - np.exp(-1 / 30 / 0.4)
    edge = next_parts(first, 132).shares[hair]
    assert edge[64:66].mean() == pytest.approx(255 * (1 - rate), abs=3) and (edge[70:] == 255).all()
    hurried = next_parts(first, 132, 1.0).shares[hair]
    assert hurried[64:66].mean() < edge[64:66].mean() - 30, "faster while the face changes"
    gone = next_parts(first, 256).shares[hair]
    assert gone[80:].max() < 5
