"""Which findings are faces of people: by made parts, by drawn portraits with a false finding beside them, and on a dog's photo."""

from pathlib import Path

import numpy as np

from lianpu.faces.analyzer import AnalyzerSettings, open_analyzer, open_check
from lianpu.faces.detectors import load_detector
from lianpu.faces.face_check import FaceCheck, find_people, is_face, left_out_note, look_again_turned
from lianpu.faces.mesh import MeshReader, five_points, mesh_parts
from lianpu.faces.results import Face, FaceParts, Mesh
from lianpu.imaging.picture import Picture
from lianpu.part_names import part_index
from lianpu.photo.reading import read_image
from tests.faces.test_mesh import drawn_mesh
from tests.support.detectors import write_scrfd
from tests.support.own_models import write_mesh_network
from tests.support.portraits import portrait, portrait_face
from tests.support.shared import YUNET, real_model, real_photo


def face_of(mesh: Mesh) -> Face:
    return Face((150, 100, 250, 220), 0.9, five_points(mesh), "drawn")


def beside_noise() -> tuple[Picture, Face, Face]:
    """A drawn portrait with a wall of noise to its right, its face, and a false finding on the wall."""
    noise = np.random.default_rng(3).integers(90, 130, (512, 512, 3), dtype=np.uint8)
    face = portrait_face()
    x1, y1, x2, y2 = face.box_xyxy
    false = Face((x1 + 512, y1, x2 + 512, y2), 0.9, face.points + np.array([512, 0], dtype=np.float32), "drawn")
    return np.concatenate([portrait().picture, noise], axis=1), face, false


def test_a_dog_is_no_face_a_mask_is_one() -> None:
    """A parser sees no brows on a dog, and its lips elsewhere than the mesh; under a mask it sees neither nose nor lips."""
    mesh, window = Mesh(drawn_mesh(), 1.0), (slice(50, 250), slice(100, 300))
    face, seen = face_of(mesh), FaceParts(mesh_parts(mesh, window).mask, "test")
    assert is_face(face, mesh) and is_face(face, mesh, window, seen)

    def without(*names: str, moved: int = 0) -> FaceParts:
        mask = seen.mask.copy()
        mask[seen.where(*names)] = part_index("skin")
        if moved:
            mask[np.roll(seen.where("u_lip", "l_lip", "mouth"), moved, axis=0)] = part_index("l_lip")
        return FaceParts(mask, "test")

    brows, lips = ("l_brow", "r_brow"), ("u_lip", "l_lip", "mouth")
    assert is_face(face, mesh, window, without(*brows))  # under hair
    assert is_face(face, mesh, window, without(*lips))  # a lollipop
    assert is_face(face, mesh, window, without(*lips, "nose"))  # a mask
    assert not is_face(face, mesh, window, without(*brows, *lips, moved=-12))  # a dog
    assert not is_face(face, mesh, window, without(*brows, *lips, "nose", "l_eye", "r_eye"))  # a ball
    unsure = Mesh(mesh.points, 0.1)
    assert not is_face(face, unsure) and is_face(face, unsure, window, seen)
    small = Mesh(drawn_mesh(size=20.0), 1.0)
    none = FaceParts(np.zeros((200, 200), np.uint8), "test")
    assert is_face(face_of(small), small, window, none)  # too small for the parser


def test_findings_are_told_apart_by_mesh_and_parser(mediapipe_models: Path, tmp_path: Path) -> None:
    picture, face, false = beside_noise()
    detector = load_detector(str(write_scrfd(tmp_path / "two.onnx", [face, false], 1024, 512)), threads=1)
    assert len(find_people(picture, detector, None).people) == 2
    check = open_check(threads=1)
    assert check is not None and check.parser is not None
    for one in (check, FaceCheck(check.mesh, None)):
        found = find_people(picture, detector, one)
        assert [np.abs(person.points - face.points).max() < 8 for person in found.faces] == [True]
        assert len(found.others) == 1 and found.others[0].mesh is None
        (person,) = found.people
        assert person.mesh is not None and np.array_equal(person.with_mesh_points.points, five_points(person.mesh))


def test_the_analyzer_and_find_people_decide_alike(mediapipe_models: Path, tmp_path: Path) -> None:
    picture, face, false = beside_noise()
    file = write_scrfd(tmp_path / "two.onnx", [face, false], 1024, 512)
    analyzer = open_analyzer(AnalyzerSettings(detector=str(file)), threads=1)
    seen = analyzer.look(picture)
    assert (len(seen.subjects), seen.left_out) == (1, 1)
    assert seen.subjects[0].face.points[:, 0].max() < 512
    everybody = analyzer.look(picture, doubtful=True)
    assert (len(everybody.subjects), everybody.left_out) == (2, 0)


def test_small_faces_may_go_unasked(tmp_path: Path) -> None:
    """The network is sure that nothing is a face; narrower than the limit, nobody asks it."""
    picture, face, false = beside_noise()
    check = FaceCheck(MeshReader(write_mesh_network(tmp_path / "no.onnx", drawn_mesh() / 2, -9.0), threads=1), None)
    assert len(check.tell_apart(picture, [face, false]).others) == 2
    assert len(check.tell_apart(picture, [face, false], from_px=face.width_px + 1).people) == 2


def test_what_is_no_face_alone_is_looked_at_turned_and_counted_once() -> None:
    """A face found with its points the wrong way round is none; found right in the turned photo, it is not one left out as well."""
    upright = Face((100, 100, 200, 220), 0.9, five_points(Mesh(drawn_mesh(), 1.0)), "drawn")
    elsewhere = Face((400, 100, 500, 220), 0.9, upright.points + np.array([300, 0], dtype=np.float32), "drawn")
    asked: list[bool] = []

    def look(turned: bool) -> tuple[tuple[Face, ...], tuple[Face, ...]]:
        asked.append(turned)
        return ((upright,), ()) if turned else ((), (upright, elsewhere))

    assert look_again_turned(look, lambda face: face, upright=False) == ((upright,), (elsewhere,))
    assert asked == [False, True]
    assert str(left_out_note(1)) == "animal/other faces left out: 1" and left_out_note(0) is None


def test_a_dog_is_left_out_by_every_door(mediapipe_models: Path) -> None:
    dog, detector = read_image(real_photo("p27_animal")), load_detector(str(real_model(YUNET)), threads=1)
    assert len(find_people(dog, detector, None).faces) == 1
    found = find_people(dog, detector, open_check(threads=1))
    assert (len(found.people), len(found.others)) == (0, 1)
    assert open_check("dlib") is None
