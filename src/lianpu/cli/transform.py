"""`lianpu transform`: learn how sex and age change faces from labelled ones, and say what a learned file holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from lianpu.cli.edit_options import DetectorOptions, ParserOptions, UprightOptions

if TYPE_CHECKING:
    from lianpu.faces.analyzer import FaceAnalyzer
    from lianpu.faces.mesh import MeshReader


@dataclass(frozen=True)
class FitArguments(UprightOptions, ParserOptions, DetectorOptions):
    """Learn the directions of sex and age in the shape, tone and detail of faces. It takes minutes on a CPU.

    Each data folder holds images/, list_attr.txt with Male, train.txt and val.txt, and age_gender.csv (columns file and age).
    Its masks/ and mesh478.npz are used for faces that have both, a mask and a mesh; of all others, both are found anew.
    """

    paths: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="DATA... OUT.npz")] = ()
    """One or more folders of labelled faces in the layout of CelebAMask-HQ, whose training faces are used together; last, the file to write."""
    licence: str | None = None
    """What the data may be used for; without it, what the folders say. The terms of a parser that finds parts hold as well."""


@dataclass(frozen=True)
class ShowArguments:
    """Print what a file says of itself: data, ages, licence, figures."""

    file: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="FILE.npz")] = None
    """A file of `fit`; without it, the bundled one."""


Arguments = (
    Annotated[FitArguments, tyro.conf.subcommand("fit", prefix_name=False)]
    | Annotated[ShowArguments, tyro.conf.subcommand("show", prefix_name=False)]
)


def main(arguments: list[str]) -> None:
    """Parse the command line, then fit or show."""
    parsed = tyro.cli(Arguments, args=arguments, prog="lianpu transform", description=__doc__)
    if isinstance(parsed, FitArguments):
        fit(parsed)
    else:
        show(parsed)


def fit(parsed: FitArguments) -> Path:
    """Fit a transform, and give its file."""
    from lianpu.errors import SettingsError
    from lianpu.terminal import console, stages
    from lianpu.transforms.fit import fit_transform, labelled_faces
    from lianpu.transforms.model import save_transform, with_licence

    if len(parsed.paths) < 2 or parsed.paths[-1].suffix != ".npz":
        raise SettingsError("Name the folders of labelled faces, then the file to write: lianpu transform fit DATA OUT.npz")
    *folders, out = parsed.paths
    with stages() as begin:
        faces, tables = labelled_faces(folders, lambda: _models(parsed), begin("Finding meshes"))
        model = fit_transform(faces, tables, [folder.resolve().name for folder in folders], begin("Reading faces"))
    if parsed.licence is not None:
        model = with_licence(model, parsed.licence)
    target = save_transform(model, out)
    console.print(f"Written: {target} ({target.stat().st_size / 1e3:.0f} KB).", markup=False, highlight=False, soft_wrap=True)
    _print(model.about)
    return target


def show(parsed: ShowArguments) -> None:
    """Print what a file says of itself."""
    from lianpu.transforms.model import load_transform

    _print(load_transform(parsed.file).about)


def _print(about: object) -> None:
    import json

    print(json.dumps(about, indent=2, ensure_ascii=False))


def _models(parsed: FitArguments) -> tuple[FaceAnalyzer, MeshReader]:
    from lianpu.faces.analyzer import AnalyzerSettings, open_analyzer
    from lianpu.faces.mesh import MeshReader
    from lianpu.models.store.conversion import require_onnx

    settings = AnalyzerSettings(detector=parsed.detector, parser=parsed.parser, upright=parsed.upright)
    return open_analyzer(settings), MeshReader(require_onnx("face-mesh"))
