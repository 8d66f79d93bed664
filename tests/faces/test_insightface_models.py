"""The pack's networks give the package's numbers, all faces at once; the pack is found where people put it, and checked."""

import dataclasses
import hashlib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from insightface.app.common import Face as PackageFace
from insightface.model_zoo.arcface_onnx import ArcFaceONNX
from insightface.model_zoo.attribute import Attribute
from insightface.model_zoo.landmark import Landmark

from lianpu.bench.stand_ins import write_iresnet, write_landmark_network, write_sex_age_network
from lianpu.errors import ModelError, WeightsError
from lianpu.faces.detectors import best_detector, load_detector
from lianpu.faces.insightface_models import (
    PART_MODELS,
    ArcFaceEncoder,
    BuffaloL,
    Landmarks106,
    Part,
    SexAgeEstimator,
    open_buffalo,
)
from lianpu.faces.onnx_networks import run_faces
from lianpu.faces.results import Face
from lianpu.imaging.picture import Picture
from lianpu.models import table as weights
from lianpu.models.sessions import open_session
from tests.support import portraits
from tests.support.detectors import write_scrfd
from tests.support.shared import YUNET, real_model

LIKE_THE_PACKAGE = 2e-3


@pytest.fixture(scope="module")
def group() -> Picture:
    """Six drawn portraits, (512, 768, 3)."""
    return portraits.group()[0]


@pytest.fixture(scope="module")
def faces() -> tuple[Face, ...]:
    return portraits.group()[1]


@pytest.fixture(scope="module")
def scrfd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of SCRFD's form that finds the six."""
    return write_scrfd(tmp_path_factory.mktemp("scrfd") / "scrfd_500m_kps.onnx", portraits.group()[1], 768, 512)


def package_face(face: Face) -> PackageFace:
    return PackageFace(bbox=np.array(face.box_xyxy), kps=np.array(face.points), det_score=face.score)


@pytest.fixture(params=["any batch", "batch of 1 in the file", "batch of 1 inside"])
def networks_of_each_batch(request: pytest.FixtureRequest, tmp_path: Path, networks: dict[str, Path]) -> dict[str, Path]:
    if request.param == "any batch":
        return networks
    batch = 1 if "file" in request.param else None
    made = {
        "landmarks": write_landmark_network(tmp_path / "2d106det.onnx", width=8, batch=batch),
        "sex_age": write_sex_age_network(tmp_path / "genderage.onnx", batch=batch),
        "identity": write_iresnet(tmp_path / "w600k_r50.onnx", blocks=(1, 1, 1, 1), width=8, batch=batch),
    }
    if batch is None:
        for file in made.values():
            fix_inside(file)
    return made


def fix_inside(file: Path) -> None:
    """Turn `Flatten` into a reshape to one row: the file says any batch, but only a batch of 1 fits."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load_model(str(file))
    for node in model.graph.node:
        if node.op_type == "Flatten":
            node.op_type = "Reshape"
            node.input.append("one_row")
            length = model.graph.initializer[-2].dims[1]
            model.graph.initializer.append(numpy_helper.from_array(np.array([1, length]), "one_row"))
    onnx.save_model(model, str(file))


def test_landmarks_are_those_of_the_package(
    networks_of_each_batch: dict[str, Path], group: np.ndarray, faces: tuple[Face, ...]
) -> None:
    package = Landmark(str(networks_of_each_batch["landmarks"]))
    bgr = np.ascontiguousarray(group[:, :, ::-1])
    got = Landmarks106(networks_of_each_batch["landmarks"], threads=1).of(group, faces)
    assert len(got) == 6
    for marks, face in zip(got, faces, strict=True):
        expected = package.get(bgr, package_face(face))
        assert marks.scheme == "insightface-106"
        np.testing.assert_allclose(marks.points, expected, atol=LIKE_THE_PACKAGE * face.width_px)
    assert np.ptp(np.stack([marks.points for marks in got]), axis=0).max() > 100  # each in its own place


def test_sex_and_age_are_those_of_the_package(
    networks_of_each_batch: dict[str, Path], group: np.ndarray, faces: tuple[Face, ...]
) -> None:
    package = Attribute(str(networks_of_each_batch["sex_age"]))
    bgr = np.ascontiguousarray(group[:, :, ::-1])
    got = SexAgeEstimator(networks_of_each_batch["sex_age"], threads=1).of(group, faces)
    for ours, face in zip(got, faces, strict=True):
        sex, age = package.get(bgr, package_face(face))
        assert (ours.male_score > 0.5) == (sex == 1)
        assert ours.age == pytest.approx(age, abs=0.51)
        assert ours.source == "genderage"
    assert len({ours.age for ours in got}) == 6


@pytest.mark.filterwarnings("ignore:.*estimate.*is deprecated:FutureWarning")
def test_identities_are_those_of_the_package(
    networks_of_each_batch: dict[str, Path], group: np.ndarray, faces: tuple[Face, ...]
) -> None:
    package = ArcFaceONNX(str(networks_of_each_batch["identity"]))
    bgr = np.ascontiguousarray(group[:, :, ::-1])
    got = ArcFaceEncoder(networks_of_each_batch["identity"], threads=1).of(group, faces)
    for ours, face in zip(got, faces, strict=True):
        theirs = package_face(face)
        package.get(bgr, theirs)
        assert ours.vector.shape == (512,)
        assert float(ours.vector @ theirs.normed_embedding) > 0.9999
    assert got[0].cosine(got[1]) < 0.9999


def test_no_faces_give_no_results(networks: dict[str, Path], group: np.ndarray) -> None:
    for network in (Landmarks106, SexAgeEstimator, ArcFaceEncoder):
        file = networks[{Landmarks106: "landmarks", SexAgeEstimator: "sex_age", ArcFaceEncoder: "identity"}[network]]
        assert network(file, threads=1).of(group, ()) == ()


def test_a_crowd_goes_through_in_parts_with_the_same_numbers(
    networks: dict[str, Path], group: np.ndarray, faces: tuple[Face, ...]
) -> None:
    encoder = SexAgeEstimator(networks["sex_age"], threads=1)
    few, crowd = encoder.of(group, faces), encoder.of(group, faces * 7)
    assert [one.age for one in crowd] == pytest.approx([one.age for one in few] * 7, abs=1e-3)


def test_a_network_that_gives_no_numbers_is_called_damaged(tmp_path: Path, group: np.ndarray, faces: tuple[Face, ...]) -> None:
    import onnx
    from onnx import numpy_helper

    file = write_sex_age_network(tmp_path / "genderage.onnx")
    model = onnx.load_model(str(file))
    model.graph.initializer[-1].CopyFrom(
        numpy_helper.from_array(np.full(3, np.nan, np.float32), model.graph.initializer[-1].name)
    )
    onnx.save_model(model, str(file))
    with pytest.raises(ModelError, match=r"genderage\.onnx gives numbers that are not finite: it is damaged"):
        SexAgeEstimator(file, threads=1).of(group, faces)


def test_a_network_that_cannot_run_on_a_face_says_so(networks: dict[str, Path]) -> None:
    with pytest.raises(ModelError, match=r"the network with input data cannot run on one face \(1, 3, 90, 90\)"):
        run_faces(open_session(networks["landmarks"], 1), np.zeros((2, 3, 90, 90), dtype=np.float32))


# --- the pack ---


@pytest.fixture
def pack(tmp_path: Path, scrfd: Path, networks: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> dict[Part, Path]:
    """A complete pack of small networks, and a table that knows their sizes and hashes."""
    files: dict[Part, Path] = {part: tmp_path / "source" / weights.model_file(name).file for part, name in PART_MODELS.items()}
    (tmp_path / "source").mkdir()
    for part, file in files.items():
        source = scrfd if part == "detection" else networks[part]
        file.write_bytes(source.read_bytes())
    by_name = {PART_MODELS[part]: file for part, file in files.items()}
    table = tuple(
        dataclasses.replace(
            entry,
            size_bytes=by_name[entry.name].stat().st_size,
            sha256=hashlib.sha256(by_name[entry.name].read_bytes()).hexdigest(),
        )
        if entry.name in by_name
        else entry
        for entry in weights.MODEL_FILES
    )
    monkeypatch.setattr(weights, "MODEL_FILES", table)
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path / "store"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("LIANPU_COMMERCIAL_SAFE", raising=False)
    return files


def put(pack: dict[Part, Path], folder: Path) -> Path:
    folder.mkdir(parents=True)
    for file in pack.values():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def zipped(pack: dict[Part, Path], file: Path, inside: str = "") -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for member in pack.values():
            archive.write(member, inside + member.name)
    return file


@pytest.mark.parametrize(
    "way", ["folder", "folder one level too deep", "zip", "zip with a folder", "store", "insightface's place"]
)
def test_the_pack_is_found_where_people_put_it(pack: dict[Part, Path], tmp_path: Path, group: np.ndarray, way: str) -> None:
    path: Path | None = None
    if way.startswith("folder"):
        put(pack, tmp_path / "mine" / ("buffalo_l" if "deep" in way else "."))
        path = tmp_path / "mine"
    elif way.startswith("zip"):
        path = zipped(pack, tmp_path / "buffalo_l.zip", "buffalo_l/" if "folder" in way else "")
    else:
        put(pack, tmp_path / ("store" if way == "store" else "home/.insightface/models/buffalo_l"))
    buffalo = open_buffalo(path, threads=1)
    faces = buffalo.find(group)
    assert [len(faces), faces[0].detector] == [6, "buffalo_l"]
    assert len(buffalo.landmarks(group, faces)) == len(buffalo.sex_age(group, faces)) == len(buffalo.identity(group, faces)) == 6


def test_only_the_parts_that_are_asked_for_are_needed(pack: dict[Part, Path], tmp_path: Path, group: np.ndarray) -> None:
    folder = put(pack, tmp_path / "mine")
    (folder / "w600k_r50.onnx").unlink()
    buffalo = open_buffalo(folder, ("detection", "sex_age"), threads=1)
    assert len(buffalo.sex_age(group, buffalo.find(group))) == 6
    with pytest.raises(ValueError, match="opened with detection, sex_age: add 'identity' to the parts of open_buffalo"):
        buffalo.identity(group, ())
    with pytest.raises(WeightsError, match=r"buffalo_l is not complete: w600k_r50\.onnx \(face identity, 512 numbers\) not in"):
        open_buffalo(folder)
    with pytest.raises(ValueError, match="the parts of buffalo_l are detection, landmarks, sex_age, identity, got"):
        open_buffalo(folder, ("age",))  # type: ignore[arg-type]


def test_where_no_pack_is_the_message_says_how_to_get_it(pack: dict[Part, Path]) -> None:
    with pytest.raises(
        WeightsError, match=r"det_10g\.onnx .+ 2d106det\.onnx .+Get it with: lianpu models fetch buffalo_l; or put its files into"
    ) as caught:
        open_buffalo()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("how", ["other bytes", "cut off"])
def test_a_file_with_other_bytes_is_not_loaded(pack: dict[Part, Path], tmp_path: Path, how: str) -> None:
    folder = put(pack, tmp_path / "mine")
    file = folder / "genderage.onnx"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]) if how == "other bytes" else whole[:-10])
    with pytest.raises(
        WeightsError, match=r"genderage\.onnx is not gender-age: expected (SHA-256 [0-9a-f]{64}|[\d,]+ bytes), got"
    ):
        open_buffalo(folder)
    assert file.exists()


def test_a_zip_with_other_bytes_or_names_that_lead_out_is_refused(pack: dict[Part, Path], tmp_path: Path) -> None:
    pack["identity"].write_bytes(pack["identity"].read_bytes()[:-3])
    with pytest.raises(
        WeightsError, match=r"w600k_r50\.onnx in .*pack\.zip is not arcface-r50: expected [\d,]+ bytes, got [\d,]+"
    ):
        open_buffalo(zipped(pack, tmp_path / "pack.zip"))
    with pytest.raises(WeightsError, match=r"leads out of the folder\. Nothing was written"):
        open_buffalo(zipped(pack, tmp_path / "slip.zip", "../"))
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive:
        archive.writestr("readme.txt", "no models")
    with pytest.raises(WeightsError, match=r"buffalo_l is not complete: w600k_r50\.onnx .+ not in .*none\.zip"):
        open_buffalo(tmp_path / "none.zip", ("identity",))


def test_what_is_neither_folder_nor_zip_is_refused(pack: dict[Part, Path], tmp_path: Path) -> None:
    (tmp_path / "pack.zip").write_bytes(b"no zip")
    with pytest.raises(WeightsError, match=r"pack\.zip is neither a folder nor a zip"):
        open_buffalo(tmp_path / "pack.zip")
    with pytest.raises(WeightsError, match=r"nowhere is not there"):
        open_buffalo(tmp_path / "nowhere")


def test_the_pack_is_refused_where_only_commercial_use_is_allowed(
    pack: dict[Part, Path], tmp_path: Path, scrfd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(pack, tmp_path / "store")
    assert best_detector() == "buffalo_l"
    monkeypatch.setenv("LIANPU_COMMERCIAL_SAFE", "1")
    assert best_detector() == "blazeface"
    with pytest.raises(WeightsError, match=r"det_10g\.onnx \(scrfd-10g\) may not be used commercially"):
        open_buffalo()
    with pytest.raises(WeightsError, match=r"scrfd_500m_kps\.onnx is an SCRFD file: InsightFace: non-commercial research only"):
        load_detector(str(scrfd))


def test_detectors_are_loaded_by_name_and_by_the_form_of_a_file(pack: dict[Part, Path], tmp_path: Path, scrfd: Path) -> None:
    assert load_detector("buffalo_l", models=put(pack, tmp_path / "mine"), threads=1).name == "buffalo_l"
    assert load_detector(str(scrfd), threads=1).name == "scrfd_500m_kps"
    assert load_detector("scrfd", models=scrfd, threads=1).name == "scrfd_500m_kps"
    assert load_detector().name == "dlib"  # nothing else lies in the store, and nothing may be fetched


def test_a_yunet_file_is_known_by_its_form(pack: dict[Part, Path]) -> None:
    assert load_detector(str(real_model(YUNET)), threads=1).name == "yunet_n_640_640"
    assert load_detector("yunet", models=real_model(YUNET)).name == "yunet"


def test_a_detector_that_cannot_be_is_refused(pack: dict[Part, Path], tmp_path: Path, networks: dict[str, Path]) -> None:
    wrong: dict[str, tuple[dict[str, Any], str]] = {
        "bufalo_l": ({}, r"'bufalo_l' is no detector \(did you mean 'buffalo_l'\?\)"),
        "scrfd": ({}, "The detector 'scrfd' needs its file"),
        str(networks["sex_age"]): (
            {},
            r"genderage\.onnx is a network of sex and age .+; expected a SCRFD detector .+, a YuNet .+ or a BlazeFace",
        ),
        "blazeface": ({}, r"face_detection_full_range_sparse\.tflite .+ is not on this machine"),
        "yunet": ({}, r"face_detection_yunet_2023mar\.onnx .+ is not on this machine"),
    }
    for name, (options, words) in wrong.items():
        with pytest.raises(Exception, match=words) as caught:
            load_detector(name, **options)
        assert type(caught.value).__module__ == "lianpu.errors"


def test_a_pack_opened_by_files_needs_no_table(scrfd: Path, networks: dict[str, Path], group: np.ndarray) -> None:
    buffalo = BuffaloL({"detection": scrfd, "identity": networks["identity"]}, threads=1)
    faces = buffalo.find(group)
    assert len(buffalo.identity(group, faces)) == 6
