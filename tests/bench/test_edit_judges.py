"""The judges of `lianpu bench edits` on drawn faces: which face is which, what is kept between runs, ruined faces, distances."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lianpu.bench.edit_judges import RealFaces, Seen, kind_of, open_real_faces
from lianpu.bench.edit_measures import NamedPicture
from lianpu.dataset.drawn import draw_face
from lianpu.errors import DataError
from lianpu.faces.analyzer import AnalyzerSettings, open_analyzer
from lianpu.faces.detection import find_faces
from lianpu.metrics.face_probe import JudgeAccuracy, fit_judge
from lianpu.metrics.patch_distance import ZONES
from lianpu.photo.reading import read_image
from lianpu.photo.writing import write_image

MALE, FEMALE = {"Male": True}, {"Male": False}


def drawn(folder: Path, seed: int, count: int = 2) -> list[NamedPicture]:
    """Labelled portraits 0.png, 1.png ..., women and men in turn."""
    return [
        NamedPicture(
            write_image(folder / f"{number}.png", draw_face(seed, number, 384, {"Male": bool(number % 2)}).picture),
            {"Male": number % 2},
        )
        for number in range(count)
    ]


def opened(training: Sequence[NamedPicture], kept: Path | None = None, held_out: Sequence[NamedPicture] = ()) -> RealFaces:
    analyzer = open_analyzer(AnalyzerSettings(), threads=1)
    real = open_real_faces(analyzer, held_out, training, [MALE, FEMALE], 150, 0, kept, lambda done, total: None)
    assert real is not None
    return real


def same(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> bool:
    return first.keys() == second.keys() and all(np.array_equal(first[key], second[key]) for key in first)


@pytest.mark.usefixtures("mediapipe_models")
def test_faces_of_one_name_in_two_folders_are_two_and_kept_ones_are_known_by_their_pictures(tmp_path: Path) -> None:
    one, two = drawn(tmp_path / "one", 1), drawn(tmp_path / "two", 2)
    kept = tmp_path / "kept.npz"
    both = opened([*one, *two])
    assert len(both.reference) == 4 and {*both.labels} == {picture.key() for picture in (*one, *two)}
    assert not np.array_equal(both.reference[one[0].key()], both.reference[two[0].key()])
    assert both.labels[two[1].key()] == {"Male": 1}
    first = opened(one, kept)
    second = opened(two, kept)
    assert same({**first.reference, **second.reference}, both.reference), "what was kept of `one` is not taken for `two`"
    stamp = dict(np.load(kept))
    assert len(stamp["sha256"]) == 4
    np.savez(kept, **{**stamp, "patches": stamp["patches"] + 1})
    assert same(opened(two, kept).reference, {key: value + 1 for key, value in second.reference.items()}), "the file is used"
    np.savez(kept, **{**stamp, "models": np.array("another mesh")})
    with pytest.raises(
        DataError, match=r"kept.npz holds what other models saw \(another mesh; now .*Delete it or name another file"
    ):
        opened(one, kept)


@pytest.mark.usefixtures("mediapipe_models")
@pytest.mark.parametrize("damage", [b"", b"no archive", b"PK\x03\x04 cut short", b"one array"])
def test_a_damaged_file_is_one_line(damage: bytes, tmp_path: Path) -> None:
    kept = tmp_path / "kept.npz"
    kept.write_bytes(damage)
    if damage == b"one array":
        with kept.open("wb") as stream:
            np.save(stream, np.zeros(3))
    with pytest.raises(DataError, match=r"kept.npz is no file that lianpu bench edits wrote, or is damaged. Delete it"):
        opened([], kept)


@pytest.mark.usefixtures("mediapipe_models")
def test_an_edit_that_ruins_a_face_is_seen_and_judged_as_failed(tmp_path: Path) -> None:
    (picture,) = drawn(tmp_path, 1, 1)
    real = opened([])
    chance = np.random.default_rng(0)
    photo = read_image(picture.file)
    (face,) = find_faces(photo, open_analyzer(AnalyzerSettings(), threads=1).detector)
    own = real.see(photo, face)
    assert own is not None and own.patches.shape[0] == len(ZONES)
    assert real.see(np.full_like(photo, 128), face) is None
    others = {f"{number}": own.vector + chance.normal(size=own.vector.shape) + (number % 2) for number in range(40)}
    labels = {name: {"Male": int(name) % 2 == 1} for name in others}
    judging = replace(real, second=fit_judge({**others, picture.key(): own.vector}, labels, ["Male"], 0))
    assert isinstance(judging.second.accuracy["Male"], JudgeAccuracy)
    answers = [judging.judged(picture.key(), own, wanted) for wanted in (MALE, FEMALE)]
    assert sorted(answer["Male"] for answer in answers) == [False, True]
    assert [judging.judged(picture.key(), None, wanted) for wanted in (MALE, FEMALE)] == [{"Male": False}] * 2
    assert judging.judged(picture.key(), own, {"Smiling": True}) == {}, "what it does not know it does not judge"


@pytest.mark.usefixtures("mediapipe_models")
def test_faces_of_the_wanted_kind_are_nearer_than_others_and_dirty_ones() -> None:
    chance = np.random.default_rng(0)

    def faces(count: int, middle: float, name: str) -> dict[str, Seen]:
        return {
            f"{name}{number}": Seen(np.zeros(1), chance.normal(middle, 1, (len(ZONES), 8)).astype(np.float32))
            for number in range(count)
        }

    men, women, held_out = faces(60, 1, "man"), faces(60, -1, "woman"), faces(20, 1, "held out")
    reference = {name: seen.patches for name, seen in {**men, **women}.items()}
    labels = {name: {"Male": int(not name.startswith("woman"))} for name in (*reference, *held_out)}
    real = replace(opened([]), reference=reference, labels=labels)
    clean, before, dirty = (list(faces(20, middle, "").values()) for middle in (1, -1, 4))
    good, bad = real.distances(MALE, clean, before, held_out, 0), real.distances(MALE, dirty, before, held_out, 0)
    assert good is not None and bad is not None and good.real is not None
    assert good.edited.all.value < 0.2 < good.unedited.all.value < bad.edited.all.value
    assert abs(good.real.all.value) < 0.2 and good.edited.reference == 60
    few = real.distances(FEMALE, before, clean, held_out, 0)
    assert few is not None and few.real is None, "no held-out woman is known"
    assert real.distances(MALE, clean[:9], before[:9], held_out, 0) is None
    assert real.distances({"Blond_Hair": True}, clean, before, held_out, 0) is None
    assert kind_of({"Blond_Hair": True, "Male": False}) == FEMALE


def test_without_a_mesh_there_is_no_judge(tmp_path: Path) -> None:
    analyzer = open_analyzer(AnalyzerSettings(detector="dlib", landmarks="dlib"), threads=1)
    assert open_real_faces(analyzer, [], drawn(tmp_path, 1), [MALE], 5, 0, None, lambda done, total: None) is None
