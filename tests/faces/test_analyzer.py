import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lianpu.errors import DataError, SettingsError
from lianpu.faces.analyzer import FaceAnalyzer, choose, face_numbers
from lianpu.faces.detection import find_faces_in_photo
from lianpu.faces.results import Face
from lianpu.photo.reading import read_image
from tests.support.shared import PHOTOS
from tests.support.subjects import face_at, subject_at


class Sized:
    """Finds one face that takes a tenth of the picture's width, and remembers how large the pictures were."""

    name = "test"
    second_look_score = 0.0

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
    (face,) = find_faces_in_photo(photo, detector)
    assert max(detector.widths) == 1280
    assert np.allclose(face.points, face_at(2000, 1200, 400).points, atol=2.5)
    assert face.box_xyxy[0] == pytest.approx(1600, abs=3)


def test_where_a_face_is_small_the_whole_photo_is_searched() -> None:
    detector = Sized(0.03)
    find_faces_in_photo(np.full((3000, 4000, 3), 120, dtype=np.uint8), detector)
    assert list(dict.fromkeys(detector.widths)) == [640, 1280, 4000]
    filling = Sized(0.5)
    find_faces_in_photo(np.full((3000, 4000, 3), 120, dtype=np.uint8), filling)
    assert filling.widths == [640, 1280]  # the second is the first with a border
    small = Sized(0.2)
    find_faces_in_photo(np.full((600, 800, 3), 120, dtype=np.uint8), small)
    assert set(small.widths) == {800}


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="needs the photos")
def test_a_studio_sees_points_and_parts_of_every_face_largest_first(analyzer: FaceAnalyzer) -> None:
    photo = read_image(PHOTOS / "p05_group.jpg")
    subjects = analyzer.analyze(photo)
    assert len(subjects) == 2 and subjects[0].face.area >= subjects[1].face.area
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
        "from lianpu.faces.subject import describe_faces\n"
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


def test_the_packages_editor_edits_a_photo_without_torch(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from lianpu import draw_face\n"
        "from lianpu.editors.loading import load_editor\n"
        "from lianpu.effects.attribute_edit import edit_photo\n"
        "from lianpu.faces.analyzer import AnalyzerSettings, open_analyzer\n"
        "photo = draw_face(3, 1, 512).picture\n"
        "edited = edit_photo(photo, load_editor('lite', threads=1), {'Male': True}, analyzer=open_analyzer(AnalyzerSettings('dlib'), threads=1))\n"
        "print((edited != photo).any(), 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", "False"]
