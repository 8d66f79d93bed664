import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lianpu.dataset.drawn import draw_face
from lianpu.errors import DataError, ModelError, SettingsError, WeightsError
from lianpu.face_parsing.runtime import FaceParser
from lianpu.faces import dlib_models
from lianpu.faces.alignment import TEMPLATES, align, window_of
from lianpu.faces.analyzer import (
    AnalyzerSettings,
    FaceAnalyzer,
    choose,
    describe_faces,
    face_numbers,
    load_landmarks,
    open_analyzer,
    open_models,
)
from lianpu.faces.detection import find_faces
from lianpu.faces.mesh import MeshReader, five_points, head_pose, outline, points_68
from lianpu.faces.results import Face
from lianpu.models.store import locate
from lianpu.photo.reading import read_image
from tests.support.own_models import write_mesh_network, write_predictor
from tests.support.shared import PHOTOS, YUNET, needs, real_model, real_photo
from tests.support.subjects import face_at, subject_at


class Sized:
    """Finds one face that takes a tenth of the picture's width, and remembers how large the pictures were."""

    name = "test"
    multiscale = False
    second_search_score = 0.0

    def __init__(self, share: float) -> None:
        self.share, self.widths = share, []  # type: ignore[var-annotated]

    def detect(self, picture: np.ndarray) -> tuple[Face, ...]:
        height, width = picture.shape[:2]
        self.widths.append(width)
        face: Face = face_at(width * 0.5, height * 0.4, width * self.share / 2)
        return (face,)


def test_faces_are_chosen_by_word_and_by_number() -> None:
    photo = np.full((300, 400, 3), 120, dtype=np.uint8)
    subjects = [subject_at(photo, x, 150, eyes) for x, eyes in ((80, 20), (200, 30), (320, 25))]
    assert choose(subjects, "all") == tuple(subjects)
    assert choose(subjects, "largest") == (subjects[1],)
    assert choose(subjects, "2, 0,2") == (subjects[2], subjects[0])
    assert choose((), "0") == () and choose((), "largest") == ()
    with pytest.raises(DataError, match=r"There is no face 3: faces 0 to 2 can be chosen here"):
        choose(subjects, "3")
    for wrong in ("second", "", "1,", "-1", "0;1"):
        with pytest.raises(SettingsError, match="write all, largest, or numbers"):
            face_numbers(wrong)


def test_a_large_photo_is_searched_small_and_its_face_lies_where_it_is() -> None:
    photo = np.full((3000, 4000, 3), 120, dtype=np.uint8)
    detector = Sized(0.2)
    (face,) = find_faces(photo, detector)
    assert max(detector.widths) == 1280
    assert np.allclose(face.points, face_at(2000, 1200, 400).points, atol=2.5)
    assert face.box_xyxy[0] == pytest.approx(1600, abs=3)


def test_where_a_face_is_small_the_whole_photo_is_searched() -> None:
    detector = Sized(0.03)
    find_faces(np.full((3000, 4000, 3), 120, dtype=np.uint8), detector)
    assert list(dict.fromkeys(detector.widths)) == [640, 1280, 4000]
    filling = Sized(0.5)
    find_faces(np.full((3000, 4000, 3), 120, dtype=np.uint8), filling)
    assert filling.widths == [640, 1280]  # the second is the first with a border
    small = Sized(0.2)
    find_faces(np.full((600, 800, 3), 120, dtype=np.uint8), small)
    assert set(small.widths) == {800}


@needs(PHOTOS)
def test_an_analyzer_gives_points_and_parts_of_every_face_largest_first(analyzer: FaceAnalyzer) -> None:
    photo = read_image(PHOTOS / "p05_group.jpg")
    subjects = analyzer.analyze(photo)
    assert len(subjects) == 2 and subjects[0].face.area >= subjects[1].face.area
    for subject, other in zip(subjects, subjects[::-1], strict=True):
        assert subject.others == ((*other.face.points.mean(axis=0).tolist(), other.face.unit_px),)
    for subject in subjects:
        left, top, right, bottom = subject.face.box_xyxy
        inside = (subject.landmarks.points > (left - 30, top - 30)) & (subject.landmarks.points < (right + 30, bottom + 40))
        assert inside.all() and subject.parts.share("skin") > 0.03


def test_effects_do_without_torch(tmp_path: Path) -> None:
    """It takes a second to load, and 480 MB."""
    program = (
        "import sys, numpy as np\n"
        "from lianpu.effects.catalogue import EFFECTS\n"
        "from lianpu.faces.analyzer import AnalyzerSettings, open_analyzer\n"
        "from lianpu import draw_face\n"
        "from lianpu.faces.analyzer import describe_faces\n"
        "from lianpu.faces.dlib_models import five_of_68\n"
        "from lianpu.faces.results import Face\n"
        "drawn = draw_face(3, 1, 256)\n"
        "analyzer = open_analyzer(AnalyzerSettings('dlib'), threads=1)\n"
        "analyzer.analyze(drawn.picture)\n"
        "face = Face((60, 60, 200, 220), 0.9, five_of_68(drawn.points), 'drawn')\n"
        "(subject,) = describe_faces(drawn.picture, [face], analyzer.parser, analyzer.landmarks)\n"
        "changed = [(effect.apply(drawn.picture, [subject]) != drawn.picture).any() for effect in EFFECTS.values()]\n"
        "print(sum(changed), 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    changed, loaded = done.stdout.split()
    assert int(changed) > 8 and loaded == "False"


def test_the_bundled_editor_edits_a_photo_without_torch(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from lianpu import draw_face\n"
        "from lianpu.editors.loading import load_editor\n"
        "from lianpu.editing.attributes import edit_photo\n"
        "from lianpu.faces.analyzer import AnalyzerSettings, open_analyzer\n"
        "photo = draw_face(3, 1, 512).picture\n"
        "edited = edit_photo(photo, load_editor('lite', threads=1), {'Male': True}, analyzer=open_analyzer(AnalyzerSettings('dlib'), threads=1))\n"
        "print((edited != photo).any(), 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", "False"]


@pytest.fixture
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A predictor of 68 points that anybody may use: trained on two drawn faces, in a second."""
    return write_predictor(tmp_path_factory.mktemp("predictor") / "own.dat")


def test_all_that_is_missing_under_commercial_safe_is_said_in_one_line_with_what_to_give_instead(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LIANPU_COMMERCIAL_SAFE", "1")
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path))
    with pytest.raises(WeightsError) as raised:
        open_analyzer(AnalyzerSettings(detector="buffalo_l"))
    words = str(raised.value)
    assert "\n" not in words and words.count("--commercial-safe") == 1
    assert "--detector buffalo_l: det_10g.onnx" in words and "Give --detector blazeface." in words
    assert "--landmarks auto: face_landmark_with_attention.tflite" in words and "not on this machine" in words
    assert "Or give --landmarks FILE (train it: lianpu landmarks train)." in words
    assert "--parser" not in words, "the face mesh gives parts"
    with pytest.raises(WeightsError) as raised:
        open_analyzer(AnalyzerSettings(detector="buffalo_l", landmarks="dlib"))
    words = str(raised.value)
    assert "--parser auto: face-parser-small.onnx" in words and "--parser RUN" in words
    assert "--landmarks dlib: shape_predictor_68_face_landmarks.dat" in words and "Give --landmarks mesh, or FILE" in words
    assert "dlib-landmarks-5" not in words, "five points do not do what effects need"


def test_without_a_network_the_points_are_dlibs() -> None:
    assert not isinstance(load_landmarks(), MeshReader)
    with pytest.raises(WeightsError, match="not on this machine"):
        load_landmarks("mesh")


@pytest.mark.usefixtures("mediapipe_models")
def test_where_the_mesh_is_it_gives_points_and_a_mesh_of_every_face() -> None:
    photo = read_image(real_photo("p05_group.jpg"))
    analyzer = open_analyzer(AnalyzerSettings(str(real_model(YUNET))), threads=1)
    subjects = analyzer.analyze(photo)
    assert len(subjects) == 2 and isinstance(analyzer.landmarks, MeshReader)
    for subject in subjects:
        assert subject.mesh is not None and subject.mesh.presence > 0.99
        assert np.array_equal(subject.landmarks.points, points_68(subject.mesh))
        assert abs(head_pose(subject.mesh).roll) < 20
        lips = outline(subject.mesh, "lips_outer").mean(axis=0) - (subject.window[1].start, subject.window[0].start)
        parsed = np.argwhere(subject.parts.where("u_lip", "l_lip", "mouth"))[:, ::-1].mean(axis=0)
        assert np.linalg.norm(lips - parsed) < 0.1 * subject.face.unit_px
        half = subject.scaled((0.5, 0.5), (photo.shape[1] // 2, photo.shape[0] // 2))
        assert half.mesh is not None and np.allclose(points_68(half.mesh), half.landmarks.points, atol=1e-3)


@pytest.mark.usefixtures("mediapipe_models")
def test_the_mesh_of_a_face_does_not_depend_on_how_it_lies() -> None:
    """The four turned copies of one portrait, each upright in its own way."""
    upright = read_image(real_photo("p08_portrait_upright.jpg"))
    analyzer = open_analyzer(AnalyzerSettings(str(real_model(YUNET)), parser="none", upright=True), threads=1)
    (subject,) = analyzer.analyze(upright)
    assert subject.mesh is not None
    for turn, name in ((1, "p11_rotated_270.jpg"), (2, "p10_rotated_180.jpg"), (3, "p09_rotated_90.jpg")):
        photo = np.ascontiguousarray(np.rot90(upright, turn))
        (turned,) = analyzer.analyze(photo)
        assert turned.mesh is not None, name
        roll = (head_pose(turned.mesh).roll - head_pose(subject.mesh).roll + 90 * turn + 180) % 360 - 180
        assert abs(roll) < 3
        assert abs(head_pose(turned.mesh).yaw - head_pose(subject.mesh).yaw) < 3


@pytest.mark.usefixtures("mediapipe_models")
def test_without_a_parser_the_parts_come_from_the_mesh(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = read_image(real_photo("p03_group.jpg"))
    monkeypatch.setenv("LIANPU_COMMERCIAL_SAFE", "1")
    analyzer = open_analyzer(AnalyzerSettings(str(real_model(YUNET))), threads=1)
    assert analyzer.parser is None
    for subject in analyzer.analyze(photo):
        assert subject.parts.parser == "mesh" and subject.parts.share("skin") > 0.05
        for part in ("l_eye", "r_eye", "l_brow", "u_lip", "l_lip", "nose"):
            assert subject.parts.where(part).any(), part
    monkeypatch.delenv("LIANPU_COMMERCIAL_SAFE")
    assert open_analyzer(AnalyzerSettings(str(YUNET), parser="none"), threads=1).parser is None
    with pytest.raises(SettingsError, match=r"--parser none.*Give --landmarks mesh"):
        open_analyzer(AnalyzerSettings(str(YUNET), landmarks="dlib", parser="none"), threads=1)


def test_faces_without_a_believed_mesh_have_no_parts(tmp_path: Path) -> None:
    """But they stay: anonymising must cover them."""
    photo = np.full((300, 400, 3), 120, dtype=np.uint8)
    unsure = MeshReader(write_mesh_network(tmp_path / "mesh.onnx", np.full((478, 3), 96.0, np.float32), -9.0), threads=1)
    (subject,) = describe_faces(photo, [face_at(200, 150, 30)], None, unsure)
    assert subject.mesh is None and not subject.parts.mask.any()


def test_files_that_are_not_there_are_named_together(tmp_path: Path) -> None:
    settings = AnalyzerSettings("dlib", landmarks=str(tmp_path / "no.dat"), parser=str(tmp_path / "no.onnx"))
    with pytest.raises(ModelError) as raised:
        open_analyzer(settings)
    words = str(raised.value)
    assert "--parser " in words and "--landmarks " in words and "commercial" not in words
    assert words.count("no.dat is not there") == 1, "dlib's detector needs the same file: it is named once"


def test_own_points_serve_the_detector_too_also_under_commercial_safe(monkeypatch: pytest.MonkeyPatch, trained: Path) -> None:
    monkeypatch.setenv("LIANPU_COMMERCIAL_SAFE", "1")
    detector, landmarks = open_models(AnalyzerSettings("dlib", landmarks=str(trained)), "detector", "landmarks")
    (face,) = detector.detect(draw_face(3, 1, 256).picture)
    assert landmarks.of_face(draw_face(3, 1, 256).picture, face).shape == (68, 2)


@pytest.mark.parametrize("own", [False, True])
def test_the_file_of_68_points_is_opened_and_hashed_once_per_process(
    monkeypatch: pytest.MonkeyPatch, trained: Path, tmp_path: Path, own: bool
) -> None:
    """The published file is linked under another name, so that no other test has opened it there."""
    published = locate.find_model_file("dlib-landmarks-68")
    if not own and published is None:
        pytest.skip("dlib's published predictor is not here")
    elif published is not None:
        (tmp_path / published.name).symlink_to(published)
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path))
    opened: list[Path] = []
    hashed: list[Path] = []
    open_file, hash_file = dlib_models.open_dlib_file, locate.sha256_of
    monkeypatch.setattr(
        dlib_models,
        "open_dlib_file",
        lambda file, *others: opened.append(file) or open_file(file, *others),  # type: ignore[func-returns-value]
    )
    monkeypatch.setattr(locate, "sha256_of", lambda file: hashed.append(file) or hash_file(file))  # type: ignore[func-returns-value]
    settings = AnalyzerSettings("dlib", landmarks=str(trained) if own else "auto")
    for _ in range(2):
        analyzer = open_analyzer(settings, threads=1)
        assert analyzer.analyze(np.full((64, 64, 3), 120, dtype=np.uint8)) == ()
    points = [file for file in opened if file.suffix == ".dat"]
    assert len(points) == 1
    assert [file.name for file in hashed if "shape_predictor" in file.name] == ([] if own else [points[0].name])


def test_a_dog_is_no_face_unless_nobody_may_be_missed(mediapipe_models: Path) -> None:
    settings = AnalyzerSettings(detector=str(real_model(YUNET)))
    analyzer = open_analyzer(settings, threads=1)
    dog = read_image(real_photo("p27_animal"))
    assert len(find_faces(dog, analyzer.detector)) == 1
    assert analyzer.analyze(dog, wide=False) == ()
    assert len(analyzer.analyze(dog, wide=False, doubtful=True)) >= 1


def test_a_face_that_was_found_upside_down_with_wrong_points_is_looked_at_turned(mediapipe_models: Path) -> None:
    analyzer = open_analyzer(AnalyzerSettings(detector=str(real_model(YUNET))), threads=1)
    (subject,) = analyzer.analyze(read_image(real_photo("p10_rotated_180")), wide=False)
    assert subject.mesh is not None and subject.face.turned == 180
    assert np.array_equal(subject.face.points, five_points(subject.mesh))
    assert subject.face.points[0, 1] > subject.face.points[3, 1] + 20  # the eyes lie below the mouth
    assert subject.face.points[0, 0] > subject.face.points[1, 0] + 20


def test_a_profile_is_parsed_in_the_crop_of_its_mesh_so_that_its_hair_is_followed(mediapipe_models: Path) -> None:
    analyzer = open_analyzer(AnalyzerSettings(detector=str(real_model(YUNET))), threads=1)
    photo = read_image(real_photo("p12_profile"))
    (subject,) = analyzer.analyze(photo)
    crop = align(photo, subject.face, TEMPLATES["celebamask-hq"], 64)
    assert window_of(crop, photo.shape[1], photo.shape[0]) == subject.window
    assert subject.wide_parts is not None


class _Counting:
    """A parser that counts the crops of each call."""

    def __init__(self, parser: FaceParser) -> None:
        self.name, self.file, self.licence, self.size_px = parser.name, parser.file, parser.licence, parser.size_px
        self.crops: list[int] = []
        self._parser = parser

    def parse_crops(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        self.crops.append(len(crops))
        return self._parser.parse_crops(crops)


def test_beside_a_profile_only_the_profile_is_parsed_again(mediapipe_models: Path) -> None:
    analyzer = open_analyzer(AnalyzerSettings(detector=str(real_model(YUNET))), threads=1)
    profile, portrait = read_image(real_photo("p12_profile")), read_image(real_photo("p17_portrait.png"))
    height = max(profile.shape[0], portrait.shape[0])
    both = np.hstack([np.pad(photo, ((0, height - len(photo)), (0, 0), (0, 0)), "edge") for photo in (profile, portrait)])
    assert analyzer.parser is not None
    counting = _Counting(analyzer.parser)
    assert len(replace(analyzer, parser=counting).analyze(both, wide=False)) == 2
    assert counting.crops == [2, 1]


def test_a_fresh_machine_finds_every_face_of_a_group_and_meshes_them(mediapipe_models: Path) -> None:
    analyzer = open_analyzer(threads=1)
    subjects = analyzer.analyze(read_image(real_photo("p07_group_small_faces")), wide=False)
    assert analyzer.detector.name == "blazeface" and len(subjects) == 8


@pytest.mark.usefixtures("mediapipe_models")
def test_the_small_mesh_has_no_irises_and_serves_everything_else() -> None:
    photo = read_image(real_photo("p17_portrait.png"))
    large, small = (
        open_analyzer(AnalyzerSettings(str(real_model(YUNET)), landmarks=name, parser="none"), threads=1).analyze(photo)[0]
        for name in ("mesh", "mesh-468")
    )
    assert large.mesh is not None and small.mesh is not None
    assert (len(large.mesh.points), len(small.mesh.points)) == (478, 468)
    apart = np.linalg.norm(large.landmarks.points - small.landmarks.points, axis=1)
    assert apart.mean() < 0.06 * large.face.unit_px
    assert small.parts.where("l_lip").any()
