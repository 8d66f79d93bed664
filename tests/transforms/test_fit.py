"""Fitting on drawn faces whose meshes are known: the directions that were put in come out; what is missing is one clear line."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lianpu.dataset.drawn import draw_face
from lianpu.errors import DataError
from lianpu.faces.analyzer import FaceAnalyzer
from lianpu.faces.parts import load_parser
from lianpu.faces.results import Face, Mesh, Subject
from lianpu.transforms.fit import LEAST_FACES, fit_transform, labelled_faces
from lianpu.transforms.model import load_transform, save_transform
from tests.support.colour_parser import write_colour_parser
from tests.support.live_faces import mesh_of

COUNT, SIDE = 4 * LEAST_FACES + 8, 64
HELD_OUT = 8


def _no_models() -> tuple:
    raise AssertionError("everything is in the folder")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn faces in pairs of a kind; men's chins are lower, old faces are wider, both by a few hundredths."""
    root = tmp_path_factory.mktemp("transform")
    for name in ("images", "masks"):
        (root / name).mkdir()
    meshes, labels, ages, names = {}, [], [], []
    drawn = [draw_face(5, number, SIDE, {"Eyeglasses": False, "Wearing_Hat": False}) for number in range(12)]
    base = [mesh_of(face.points).points for face in drawn]
    for number in range(COUNT):
        face, mesh = drawn[number % 12], base[number % 12].copy()
        male, old = number % 2 == 1, (number // 2) % 2 == 1
        middle = mesh.mean(axis=0)
        low = mesh[:, 1] > middle[1]
        mesh[low, 1] += 0.06 * male * (mesh[low, 1] - middle[1])
        mesh[:, 0] += 0.05 * old * (mesh[:, 0] - middle[0])
        name = f"{number:06d}"
        Image.fromarray(face.picture).save(root / "images" / f"{name}.png")
        Image.fromarray(face.mask).save(root / "masks" / f"{name}.png")
        meshes[name] = mesh
        labels.append(f"{name}.png {1 if male else -1} {-1 if old else 1}")
        ages.append((f"{name}.png", 62.0 if old else 24.0))
        names.append(f"{name}.png")
    np.savez(root / "mesh478.npz", **meshes)  # type: ignore[arg-type]
    (root / "list_attr.txt").write_text("\n".join([str(COUNT), "Male Young", *labels]) + "\n", encoding="utf-8")
    (root / "train.txt").write_text("\n".join(names[HELD_OUT:]) + "\n", encoding="utf-8")
    (root / "val.txt").write_text("\n".join(names[:HELD_OUT]) + "\n", encoding="utf-8")
    (root / "licence.txt").write_text("drawn by a program, free for any use", encoding="utf-8")
    with (root / "age_gender.csv").open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([("file", "age"), *ages])
    return root


def test_the_directions_that_were_put_in_come_out(folder: Path, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    faces, tables = labelled_faces([folder], _no_models, lambda *step: steps.append(step))
    assert len(faces) == COUNT - HELD_OUT == steps[-1][0] and {face.male for face in faces} == {-0.5, 0.5}
    model = load_transform(save_transform(fit_transform(faces, tables, ["drawn"]), tmp_path / "model.npz"))
    assert model.commercial_use and model.licence == "drawn by a program, free for any use"
    assert model.about["trained_on"] == [{"name": "drawn", "faces": len(faces), "men": len(faces) // 2}]
    assert model.about["figures"]["sex_right"] > 0.9
    male, age, canonical = model.shape["male"], model.shape["age"], model.canonical
    assert male[152, 1] - male[10, 1] > 2, "men's chins are lower"
    assert age[454, 0] - age[234, 0] > 2, "old faces are wider"
    wide = canonical[454, 0] - canonical[234, 0]
    assert abs(male[454, 0] - male[234, 0]) < 0.05 * wide, "less than the age's, though a longer face is placed smaller"
    np.testing.assert_allclose(male[model.mirror] * (-1, 1, 1), male, atol=0.05)


def test_a_folder_without_ages_or_labels_of_sex_is_refused(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in ("images", "masks", "mesh478.npz", "train.txt", "val.txt"):
        (other / name).symlink_to(folder / name)
    text = (folder / "list_attr.txt").read_text(encoding="utf-8")
    (other / "list_attr.txt").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"has no age_gender\.csv: transforms need an age for each face"):
        labelled_faces([other], _no_models)
    (other / "age_gender.csv").write_text("file,age\n000009.png,old\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"age_gender\.csv, line 2: the age 'old' is not a number of years"):
        labelled_faces([other], _no_models)
    for wrong in ("nan", "inf", "-3", "121"):
        (other / "age_gender.csv").write_text(f"file,age\n000008.png,30\n000009.png,{wrong}\n", encoding="utf-8")
        with pytest.raises(DataError, match=rf"age_gender\.csv, line 3: the age '{wrong}' is not from 0 to 120 years") as problem:
            labelled_faces([other], _no_models)
        assert "\n" not in str(problem.value)
    (other / "age_gender.csv").write_text("name,years\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"has no columns file and age"):
        labelled_faces([other], _no_models)
    (other / "age_gender.csv").write_text((folder / "age_gender.csv").read_text(encoding="utf-8"), encoding="utf-8")
    (other / "list_attr.txt").write_text(text.replace("Male Young", "Tall Young"), encoding="utf-8")
    with pytest.raises(DataError, match=r"has no labels of Male"):
        labelled_faces([other], _no_models)


def test_one_side_alone_is_refused_with_its_count(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in ("images", "masks", "mesh478.npz", "age_gender.csv", "val.txt", "train.txt"):
        (other / name).symlink_to(folder / name)
    lines = (folder / "list_attr.txt").read_text(encoding="utf-8").splitlines()
    women = [" ".join([line.split()[0], "-1", line.split()[2]]) for line in lines[2:]]
    (other / "list_attr.txt").write_text("\n".join([*lines[:2], *women]) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=rf"0 men among {COUNT - HELD_OUT} training faces; each side needs {LEAST_FACES}"):
        labelled_faces([other], _no_models)


def _copy(folder: Path, other: Path, *changed: str) -> Path:
    """Another folder with the same files, without those to be changed."""
    other.mkdir()
    for file in folder.iterdir():
        if file.name not in changed:
            (other / file.name).symlink_to(file)
    return other


def test_masks_of_half_the_pictures_size_fit_and_of_other_proportions_are_refused(folder: Path, tmp_path: Path) -> None:
    other = _copy(folder, tmp_path / "other", "masks")
    (other / "masks").mkdir()
    for file in (folder / "masks").iterdir():
        with Image.open(file) as mask:
            mask.resize((SIDE // 2, SIDE // 2), Image.Resampling.NEAREST).save(other / "masks" / file.name)
    faces, _ = labelled_faces([other], _no_models)
    whole, _ = labelled_faces([folder], _no_models)
    for face, same in zip(faces, whole, strict=True):
        assert face.subject.window == same.subject.window and (face.subject.parts.mask == same.subject.parts.mask).mean() > 0.9
    Image.new("L", (SIDE, SIDE // 2)).save(other / "masks" / f"{HELD_OUT:06d}.png")
    with pytest.raises(DataError, match=rf"is {SIDE}x{SIDE} pixels, its mask .* is {SIDE}x{SIDE // 2}\.") as problem:
        labelled_faces([other], _no_models)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize("content", [b"PK\x03\x04 cut off", b"words", b""])
def test_a_damaged_file_of_meshes_is_one_line(folder: Path, tmp_path: Path, content: bytes) -> None:
    other = _copy(folder, tmp_path / "other", "mesh478.npz")
    (other / "mesh478.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"mesh478\.npz cannot be read \(.*\)\. Remove it") as problem:
        labelled_faces([other], _no_models)
    assert "\n" not in str(problem.value)


def test_a_mesh_that_is_not_finite_counts_as_missing(folder: Path, tmp_path: Path) -> None:
    other = _copy(folder, tmp_path / "other", "mesh478.npz")
    with np.load(folder / "mesh478.npz") as stored:
        meshes = {name: stored[name] for name in stored.files}
    meshes[f"{HELD_OUT:06d}"][7, 1] = np.nan
    np.savez(other / "mesh478.npz", **meshes)
    with pytest.raises(AssertionError, match="everything is in the folder"):
        labelled_faces([other], _no_models)


class _KnownFace:
    """Finds the drawn face that is known to be in the picture: detector, points and mesh in one."""

    name, second_search_score, multiscale = "known", 0.0, True

    def __init__(self, known: Subject) -> None:
        self.known = known

    def detect(self, picture: np.ndarray) -> tuple[Face, ...]:
        return (self.known.face,)

    def of_face(self, picture: np.ndarray, face: Face) -> np.ndarray:
        return self.known.landmarks.points

    def mesh_of_face(self, picture: np.ndarray, face: Face) -> Mesh | None:
        return self.known.mesh


def test_the_terms_of_a_parser_that_found_parts_hold_too(folder: Path, tmp_path: Path) -> None:
    known, _ = labelled_faces([folder], _no_models)
    other = _copy(folder, tmp_path / "other", "masks")
    (other / "masks").mkdir()
    for file in (folder / "masks").iterdir():
        if file.stem != known[0].file.stem:
            (other / "masks" / file.name).symlink_to(file)
    parser = load_parser(write_colour_parser(tmp_path / "own.onnx", 64, licence="for research only"))
    finder: Any = _KnownFace(known[0].subject)
    faces, tables = labelled_faces([other], lambda: (FaceAnalyzer(finder, parser, finder), finder))
    bound = {"name": parser.name, "licence": "for research only"}
    assert faces[0].parser == bound and all(face.parser is None for face in faces[1:])
    model = fit_transform(faces, tables, ["drawn"])
    assert model.about["parsers"] == [bound] and not model.commercial_use
    assert model.licence == f"drawn by a program, free for any use; for research only (parts by {parser.name})"


def test_a_side_of_which_too_few_can_be_used_is_refused_in_one_line(folder: Path) -> None:
    faces, tables = labelled_faces([folder], _no_models)
    covered = [replace(face, glasses=face.male < 0) for face in faces]
    with pytest.raises(DataError, match=r"drawn: 0 women among \d+ faces that show their skin, without glasses") as problem:
        fit_transform(covered, tables, ["drawn"])
    assert "\n" not in str(problem.value)
    hidden = [face if face.male > 0 else replace(face, subject=_beside(face.subject)) for face in faces]
    with pytest.raises(DataError, match=r"too few|0 women among \d+ faces that could be read"):
        fit_transform(hidden, tables, ["drawn"])


def _beside(subject: Subject) -> Subject:
    """The subject with its mesh beside the picture."""
    assert subject.mesh is not None
    return replace(subject, mesh=Mesh(np.add(subject.mesh.points, (5000, 0, 0)).astype(np.float32), 1.0))
