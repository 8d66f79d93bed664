"""The options that several commands share, each in one place: how faces are analyzed, what is edited, what signs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from lianpu.editing.session import EditRequest
    from lianpu.faces.analyzer import AnalyzerSettings
    from lianpu.photo.c2pa import SigningFiles


@dataclass(frozen=True)
class DetectorOptions:
    """How faces are found."""

    detector: str = "auto"
    """The face detector: auto (the best that can be had), buffalo_l, yunet, blazeface, blazeface-short, dlib, or the path of an .onnx
    file."""


@dataclass(frozen=True)
class UprightOptions:
    """Whether rotated faces are detected."""

    upright: bool = False
    """Also detect faces in the photo rotated by 90, 180 and 270 degrees: four times the work."""


@dataclass(frozen=True)
class LandmarkOptions:
    """What reads the points of faces."""

    landmarks: str = "auto"
    """What reads the points of faces: auto (the face mesh where it is or can be fetched, else dlib), mesh, mesh-468 (faster, coarser), dlib
    (not for commercial use), or the path of a .dat file (lianpu landmarks train)."""


@dataclass(frozen=True)
class ParserOptions:
    """What labels the parts of faces."""

    parser: str = "auto"
    """The face parser: auto (the bundled one), bisenet, an .onnx or .pth file, the run folder of lianpu parser train, or none (parts from the
    face mesh, without hair; the same as auto with --commercial-safe)."""


@dataclass(frozen=True)
class FaceOptions(UprightOptions, ParserOptions, LandmarkOptions, DetectorOptions):
    """How faces are detected and analyzed."""


@dataclass(frozen=True)
class SigningOptions:
    """What signs edited photos, in addition to their XMP mark."""

    c2pa_cert: Path | None = None
    """A certificate chain (PEM): sign edited photos with C2PA. Install: pip install 'lianpu[c2pa]'."""
    c2pa_key: Path | None = None
    """The private key of the certificate (PEM)."""
    c2pa_algorithm: str = "es256"
    """The algorithm of the key: es256, es384, es512, ps256, ps384, ps512 or ed25519."""


@dataclass(frozen=True)
class ChangeOptions:
    """What is edited."""

    effect: tuple[str, ...] = ()
    """Effects, which need no editor: lipstick=0.8 hair_color:color=#aa3355,strength=0.6. List them: lianpu effects."""
    set: tuple[str, ...] = ()
    """Attributes to set: Blond_Hair=yes Young=no."""
    preset: str | None = None
    """A preset: its name, or a YAML file."""
    strength: str = "1"
    """Strength of --set and --preset: 0 (nothing) to 1.5."""
    faces: str = "all"
    """all, largest, or numbers such as 0,2 (0 is the largest face; numbers are for photos only)."""
    model: Annotated[str, tyro.conf.arg(aliases=["--editor"])] = "auto"
    """What sets attributes: auto (learned transforms for Male and Young where faces have a mesh, and lite for the rest), lite (the bundled
    editor), a run folder, a checkpoint folder, or an .onnx file."""
    known: tuple[str, ...] = ()
    """Attributes that the faces have (Male=yes Young=yes): only for editors that need all labels."""


@dataclass(frozen=True)
class EditOptions(FaceOptions, ChangeOptions):
    """What is edited, and how faces are detected and analyzed."""


def analyzer_settings(options: FaceOptions) -> AnalyzerSettings:
    """The settings that the options give."""
    from lianpu.faces.analyzer import AnalyzerSettings

    return AnalyzerSettings(options.detector, options.landmarks, options.parser, options.upright)


def signing_files(options: SigningOptions) -> SigningFiles | None:
    """The files that sign; None when none are given. Raises SettingsError for one without the other."""
    from lianpu.errors import SettingsError
    from lianpu.photo.c2pa import SigningFiles

    if options.c2pa_cert is None and options.c2pa_key is None:
        return None
    if options.c2pa_cert is None or options.c2pa_key is None:
        raise SettingsError("Signing takes both --c2pa-cert and --c2pa-key.")
    return SigningFiles(options.c2pa_cert, options.c2pa_key, options.c2pa_algorithm)


def edit_request(options: EditOptions, *, for_video: bool = False, signing: SigningOptions | None = None) -> EditRequest:
    """The edit, as values that can be sent to other processes.

    Args:
        options: of the command line.
        for_video: with --detector auto, take one that is fast enough for every frame; refuse numbered faces.
        signing: what signs, for commands that write photos.

    Raises:
        SettingsError: no edit is given, or an unknown one.
    """
    from dataclasses import replace

    from lianpu.editing.presets import dump_preset, parse_values, preset_from_options
    from lianpu.editing.session import EditRequest

    preset = preset_from_options(options.set, options.strength, options.preset, options.effect)
    analyzer = analyzer_settings(options)
    if for_video:
        from lianpu.faces.detectors import video_detector
        from lianpu.video.job.frame_pipeline import check_faces

        check_faces(options.faces)
        if options.detector == "auto":
            analyzer = replace(analyzer, detector=video_detector())
    known = parse_values(options.known, "--known")
    files = None if signing is None else signing_files(signing)
    return EditRequest(dump_preset(preset), options.model, options.faces, known, analyzer, files)
