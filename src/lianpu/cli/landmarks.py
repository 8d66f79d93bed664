"""`lianpu landmarks`: train a 68-point predictor with dlib, score it, or write its data as dlib's XML."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from lianpu.landmarks.config import PredictorSettings

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.faces.dlib_models import ShapePredictor
    from lianpu.landmarks.boxes import BoxedFace
    from lianpu.landmarks.scores import Evaluation

_Data = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]


@dataclass(frozen=True)
class TrainArguments:
    """Train a predictor of iBUG 300-W's 68 points (an ensemble of regression trees, like dlib's published one).

    Faces without a labelled box get the box of dlib's detector: use the predictor with that detector's boxes, too.
    """

    data: _Data
    """Labelled faces: an .xml in iBUG 300-W's layout for dlib, a .csv (filename,x0,y0 to x67,y67), or a folder of .pts files."""
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT.dat")]
    """The predictor file to write."""
    settings: tyro.conf.OmitArgPrefixes[PredictorSettings]
    """The settings of the training."""
    only: Path | None = None
    """A text file with picture names, one per line: train on these only."""


@dataclass(frozen=True)
class EvaluateArguments:
    """Score a predictor on labelled faces: NME, area under the error curve, failure rates."""

    model: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """A .dat file of 68 points, or `dlib` for dlib's published predictor."""
    data: _Data
    """Labelled faces, in any format that `train` reads."""
    only: Path | None = None
    """A text file with picture names, one per line: score these only."""
    json: bool = False
    """Print JSON instead of a table."""


@dataclass(frozen=True)
class XmlArguments:
    """Write labelled faces with boxes as XML in iBUG 300-W's layout, which dlib's own tools read."""

    data: _Data
    """Labelled faces, in any format that `train` reads."""
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT.xml")]
    """The XML file to write; paths of pictures are relative to its folder."""
    only: Path | None = None
    """A text file with picture names, one per line: write these only."""


Arguments = (
    Annotated[TrainArguments, tyro.conf.subcommand("train", prefix_name=False)]
    | Annotated[EvaluateArguments, tyro.conf.subcommand("evaluate", prefix_name=False)]
    | Annotated[XmlArguments, tyro.conf.subcommand("xml", prefix_name=False)]
)


def main(arguments: list[str]) -> None:
    """Parse the command line, then train, evaluate or write."""
    parsed = tyro.cli(Arguments, args=arguments, prog="lianpu landmarks", description=__doc__)
    if isinstance(parsed, TrainArguments):
        train(parsed)
    elif isinstance(parsed, EvaluateArguments):
        evaluate(parsed)
    else:
        write(parsed)


def train(parsed: TrainArguments) -> Path:
    """Train a predictor, and return its file."""
    from lianpu.landmarks.training import train_predictor
    from lianpu.terminal import stages

    faces = _faces(parsed.data, parsed.only)
    with stages() as begin:
        target = train_predictor(faces, parsed.out, parsed.settings, begin("Reading pictures"), begin("Fitting trees"))
    only = f" --only {parsed.only}" if parsed.only else ""
    _print(
        f"Trained on {len(faces):,} faces ({_boxes(faces)}): {target} ({target.stat().st_size / 1e6:.1f} MB). "
        f"Next, on other faces: lianpu landmarks evaluate {target} {parsed.data}{only and ' --only LIST'}"
    )
    return target


def evaluate(parsed: EvaluateArguments) -> Evaluation:
    """Score a predictor, print the scores, and return them."""
    from lianpu.landmarks.scores import evaluate_predictor
    from lianpu.terminal import console, stage

    predictor = _predictor(parsed.model)
    faces = _faces(parsed.data, parsed.only, quiet=parsed.json)
    if parsed.json:
        evaluation = evaluate_predictor(predictor, faces)
        print(json.dumps({"model": parsed.model, "data": str(parsed.data), **evaluation.as_json()}, indent=2, ensure_ascii=False))
        return evaluation
    with stage("Predicting") as on_progress:
        evaluation = evaluate_predictor(predictor, faces, on_progress)
    console.print(score_table(parsed.model, evaluation))
    _print(f"Boxes: {_boxes(faces)}. Worst: {', '.join(f'{name} {error:.1%}' for name, error in evaluation.worst)}.")
    return evaluation


def write(parsed: XmlArguments) -> Path:
    """Write the faces as XML, and return the file."""
    from lianpu.landmarks.sources import write_xml

    faces = _faces(parsed.data, parsed.only)
    target = write_xml(parsed.out, faces)
    _print(f"Written: {target} with {len(faces):,} faces ({_boxes(faces)}).")
    return target


def score_table(model: str, evaluation: Evaluation) -> Table:
    """The scores, one per row."""
    from rich.table import Table

    scores = evaluation.scores
    table = Table(title=f"{Path(model).name} on {scores.faces:,} faces")
    table.add_column("score")
    table.add_column("value", justify="right")
    rows = {
        "NME, inter-ocular": f"{scores.nme_inter_ocular:.2%}",
        "NME, inter-pupil": f"{scores.nme_inter_pupil:.2%}",
        "median error, inter-ocular": f"{scores.median_inter_ocular:.2%}",
        "AUC up to 8 %": f"{scores.auc_at_008:.3f}",
        "failures above 8 %": f"{scores.failure_at_008:.1%}",
        "failures above 10 %": f"{scores.failure_at_010:.1%}",
        **{f"error of the {name}": f"{error:.2%}" for name, error in scores.by_region.items()},
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _predictor(model: str) -> ShapePredictor:
    from lianpu.faces.dlib_models import load_landmarks_68

    return load_landmarks_68(model)


def _faces(data: Path, only: Path | None, quiet: bool = False) -> tuple[BoxedFace, ...]:
    from lianpu.landmarks.boxes import give_boxes
    from lianpu.landmarks.sources import read_labels
    from lianpu.terminal import stage

    labels = read_labels(data, only)
    if quiet or all(label.box_xyxy for label in labels):
        return give_boxes(labels)
    with stage("Finding boxes") as on_progress:
        return give_boxes(labels, on_progress)


def _boxes(faces: tuple[BoxedFace, ...]) -> str:
    from collections import Counter

    words = {"labels": "labelled", "dlib": "of dlib's detector", "points": "from the labelled points"}
    counts = Counter[str](face.box_from for face in faces)
    return ", ".join(f"{counts[source]:,} {word}" for source, word in words.items() if counts[source])


def _print(text: str) -> None:
    from lianpu.terminal import console

    console.print(text, markup=False, highlight=False, soft_wrap=True)
