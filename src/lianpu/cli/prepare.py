"""`lianpu prepare`: turn a folder of photos into a labelled training set, label it again, score its labels, fit label rules."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from lianpu.cli.edit_options import DetectorOptions, FaceOptions, ParserOptions
from lianpu.cli.subcommands import HELP, Command, run_subcommand
from lianpu.extras import check_extras

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.preparation.labelling import LabelCounts
    from lianpu.preparation.prepare import Prepared
    from lianpu.preparation.scoring import LabelScore


@dataclass(frozen=True)
class PrepareArguments(FaceOptions):
    """Detect the faces in a folder of photos, drop the bad ones, and crop and label the others.

    OUT becomes a folder like CelebAMask-HQ with StarGAN's CelebA crop. Repeat the command to resume, or to add new photos. Other
    commands: lianpu prepare labels | score | fit --help.
    """

    photos: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="PHOTOS")] = tyro.MISSING
    """The folder of photos; its subfolders are searched too."""
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")] = tyro.MISSING
    """The folder of the training set."""
    size: int = 256
    """Side of the crops in pixels."""
    workers: int = 1
    """Processes that analyze photos."""
    ray: bool = False
    """Analyze photos on a Ray cluster (RAY_ADDRESS, or a local one) with --workers actors."""
    min_score: float | None = None
    """Drop faces with a lower detection score."""
    min_face: int | None = None
    """Drop faces narrower than this many pixels. Default: a quarter of --size."""
    min_sharpness: float | None = None
    """Drop faces less sharp than this; 0 keeps all."""
    max_yaw: float | None = None
    """Drop faces turned further to a side than this many degrees; 90 keeps all."""
    max_outside: float | None = None
    """Drop crops with a larger share outside the photo; 1 keeps all."""
    max_hash_distance: int | None = None
    """Bits (of 256) in which the hashes of near-duplicates may differ, 0 to 80; -1 keeps near-duplicates."""
    confidence: float | None = None
    """Leave labels with a lower confidence (0.5 to 1) unlabelled."""
    rules: Path | None = None
    """Label rules made by lianpu prepare fit, instead of the bundled ones."""
    picture_format: Literal["jpg", "png"] = "jpg"
    """jpg (quality 95) or png."""


@dataclass(frozen=True)
class LabelsArguments:
    """Label a prepared folder again, with the corrections in its corrections.csv; photos are not analyzed again."""

    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")]
    """A folder made by lianpu prepare."""
    confidence: float | None = None
    """Leave labels with a lower confidence unlabelled. Default: as before."""
    rules: Path | None = None
    """Label rules made by lianpu prepare fit. Default: as before."""


@dataclass(frozen=True)
class ScoreArguments:
    """Compare the labels of a prepared folder with reference labels of its photos."""

    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")]
    """A folder made by lianpu prepare."""
    labels: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="LABELS")]
    """Reference labels in CelebA's format (list_attr.txt), by the photo's file name."""
    only: Path | None = None
    """A file with the names of the photos to compare, one per line (val.txt)."""


@dataclass(frozen=True)
class FitArguments(ParserOptions, DetectorOptions):
    """Fit label rules to labelled faces, and score them on held-out faces."""

    data: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")] = tyro.MISSING
    """A folder like CelebAMask-HQ with train and val."""
    out: Path = Path("label_rules.json")
    """The file to write."""
    masks: Path | None = None
    """A folder of masks to use instead of the parser."""
    confidence: float = 0.8
    """Lowest confidence of a label that counts in the score."""


def main(arguments: list[str]) -> None:
    """Parse the command line, then prepare, label, score or fit. A folder named like a subcommand is written ./labels."""
    if arguments and arguments[0] in PREPARE_COMMANDS:
        run_subcommand("lianpu prepare", PREPARE_COMMANDS, arguments)
    else:
        check_extras("lianpu prepare", () if any(word in HELP for word in arguments) else ("report",))
        prepare(tyro.cli(PrepareArguments, args=arguments, prog="lianpu prepare"))


def labels_main(arguments: list[str]) -> None:
    """Parse the command line, then label."""
    labels(tyro.cli(LabelsArguments, args=arguments, prog="lianpu prepare labels"))


def score_main(arguments: list[str]) -> None:
    """Parse the command line, then score labels."""
    score(tyro.cli(ScoreArguments, args=arguments, prog="lianpu prepare score"))


def fit_main(arguments: list[str]) -> None:
    """Parse the command line, then fit label rules."""
    fit(tyro.cli(FitArguments, args=arguments, prog="lianpu prepare fit"))


PREPARE_COMMANDS = {
    "labels": Command("lianpu.cli.prepare:labels_main", "label the faces again", "LabelsArguments", ("report",)),
    "score": Command("lianpu.cli.prepare:score_main", "compare the labels with reference labels", "ScoreArguments"),
    "fit": Command("lianpu.cli.prepare:fit_main", "fit label rules to labelled faces", "FitArguments"),
}
"""Subcommands of `lianpu prepare`; without one it prepares."""


def prepare(parsed: PrepareArguments) -> Prepared:
    """Make a training set, print a summary, and return it."""
    from lianpu.preparation.prepare import prepare_faces
    from lianpu.preparation.settings import PrepareSettings
    from lianpu.terminal import console, stage

    given = {
        "min_score": parsed.min_score,
        "min_face_px": parsed.min_face,
        "min_sharpness": parsed.min_sharpness,
        "max_yaw_deg": parsed.max_yaw,
        "max_outside": parsed.max_outside,
        "max_hash_distance": parsed.max_hash_distance,
        "confidence": parsed.confidence,
        "rules": None if parsed.rules is None else str(parsed.rules),
    }
    settings = PrepareSettings(
        size_px=parsed.size,
        detector=parsed.detector,
        landmarks=parsed.landmarks,
        parser=parsed.parser,
        upright=parsed.upright,
        picture_format=parsed.picture_format,
        **{name: value for name, value in given.items() if value is not None},  # type: ignore[arg-type]
    )
    try:
        with stage("Photos") as on_progress:
            made = prepare_faces(
                parsed.photos, parsed.out, settings, workers=parsed.workers, ray=parsed.ray, on_progress=on_progress
            )
    except KeyboardInterrupt:
        console.print("Stopped. Finished photos are kept: repeat the command to resume.", markup=False)
        raise SystemExit(130) from None
    console.print(
        f"{made.photos:,} photos, {made.faces:,} faces kept in {made.folder}", markup=False, highlight=False, soft_wrap=True
    )
    if made.dropped:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(made.dropped.items(), key=lambda item: -item[1]))
        console.print(f"Dropped: {reasons} (listed in dropped.csv)", markup=False, highlight=False, soft_wrap=True)
    if made.second_looks:
        console.print(
            f"Photos in which faces were found only enlarged or turned: {made.second_looks:,}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    if made.ignored.count:
        console.print(str(made.ignored), markup=False, highlight=False, soft_wrap=True)
    _print_labels(made.labels, made.folder)
    return made


def labels(parsed: LabelsArguments) -> dict[str, LabelCounts]:
    """Label again, print how many labels there are, and return the counts."""
    from lianpu.preparation.labelling import relabel

    counts = relabel(parsed.out, parsed.confidence, parsed.rules)
    _print_labels(counts, parsed.out)
    return counts


def score(parsed: ScoreArguments) -> LabelScore:
    """Compare labels, print the agreement, and return it."""
    from lianpu.preparation.scoring import score_labels
    from lianpu.terminal import console

    result = score_labels(parsed.out, parsed.labels, parsed.only)
    console.print(
        f"{result.found:,} of {result.photos:,} labelled photos have a face in the set.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    console.print(agreement_table(result))
    return result


def fit(parsed: FitArguments) -> Path:
    """Fit rules, score them on the held-out faces, write them, and return the file."""
    from lianpu.files import write_json
    from lianpu.preparation.fitting import fit_rules, known_faces, score_rules
    from lianpu.preparation.models import open_analysis_models
    from lianpu.preparation.settings import PrepareSettings
    from lianpu.terminal import console, stages

    models = open_analysis_models(PrepareSettings(detector=parsed.detector, parser=parsed.parser))
    described = models.described()
    encoder, parser = (described[part]["name"] if described[part] else "none" for part in ("encoder", "parser"))
    with stages() as begin:
        table, faces = known_faces(parsed.data, "train", models, parsed.masks, begin("Training faces"))
        rules = fit_rules(
            faces, f"{len(faces)} faces of {parsed.data.name}", table.licence, encoder, "given masks" if parsed.masks else parser
        )
        _, held_out = known_faces(parsed.data, table.held_out_split(), models, parsed.masks, begin("Held-out faces"))
    console.print(agreement_table(score_rules(rules, held_out, parsed.confidence)))
    write_json(parsed.out, rules.to_json())
    console.print(
        f"Written: {parsed.out}. Use it with: lianpu prepare PHOTOS OUT --rules {parsed.out}", markup=False, soft_wrap=True
    )
    return parsed.out


def agreement_table(result: LabelScore) -> Table:
    """Coverage, accuracy and balanced accuracy of each attribute."""
    from rich.table import Table

    table = Table(title="Labels compared with reference labels")
    table.add_column("attribute")
    for heading in ("compared", "labelled", "%", "accuracy", "balanced", "true yes", "false yes", "true no", "false no"):
        table.add_column(heading, justify="right")
    for row in result.agreements:
        counts = (row.true_yes, row.false_yes, row.true_no, row.false_no)
        shares = (_percent(row.accuracy), _percent(row.balanced_accuracy))
        table.add_row(row.attribute, f"{row.compared:,}", f"{row.labelled:,}", _percent(row.coverage), *shares, *map(str, counts))
    return table


def _print_labels(counts: dict[str, LabelCounts], folder: Path) -> None:
    from rich.table import Table

    from lianpu.preparation.sheet import SHEETS
    from lianpu.terminal import console

    table = Table(title="Labels")
    table.add_column("attribute")
    for heading in ("yes", "no", "unlabelled"):
        table.add_column(heading, justify="right")
    for name, row in counts.items():
        table.add_row(name, f"{row.yes:,}", f"{row.no:,}", f"{row.unlabelled:,}")
    console.print(table)
    console.print(f"Look at them: {folder / SHEETS / 'index.html'}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"Next: lianpu data check CelebAMask-HQ {folder}", markup=False, highlight=False, soft_wrap=True)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
