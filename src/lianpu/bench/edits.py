"""`lianpu bench edits`: how well edits work on faces that nothing was fitted to: success, identity, side effects, time, contact sheets."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from lianpu.cli.edit_options import FaceOptions, analyzer_settings

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.bench.edit_judges import Distances, RealFaces, Seen
    from lianpu.bench.edit_measures import FaceEditFigures, NamedPicture, Sight
    from lianpu.editing.presets import Preset
    from lianpu.editing.session import EditJob
    from lianpu.faces.analyzer import FaceAnalyzer
    from lianpu.faces.results import Subject
    from lianpu.imaging.picture import Picture
    from lianpu.metrics.intervals import Interval
    from lianpu.preparation.label_rules import LabelRules
    from lianpu.preparation.models import AnalysisModels
    from lianpu.terminal import OnProgress

DEFAULT_EDITS = (
    *("Male=yes", "Male=no", "Young=yes", "Young=no", "Blond_Hair=yes", "Black_Hair=yes", "Brown_Hair=yes", "Gray_Hair=yes"),
    *("Blond_Hair=yes,Male=no", "Black_Hair=yes,Young=no", "Brown_Hair=yes,Male=yes", "Gray_Hair=yes,Young=no"),
)
"""What is measured where nothing is asked for: every bundled attribute alone, and four pairs."""


@dataclass(frozen=True)
class BenchEditsArguments(FaceOptions):
    """Edit faces in many ways and measure each: success by the label rules of lianpu prepare, identity, change outside of the right region,
    attributes nobody asked for, and seconds, all with 95 % intervals; before and after on contact sheets for a person to grade.

    A face gets an attribute that it has not got by the rules. Several attributes in one --set are separated by commas; where each is
    measured alone, too, the table compares both on the same faces.
    """

    data: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="DATA")] = tyro.MISSING
    """Folders in CelebAMask-HQ's layout (of which --split is taken), or of photos."""
    out: Path = tyro.MISSING
    """Folder for edits.md, edits.json, the contact sheets and grades.csv."""
    set: tuple[str, ...] = ()
    """Attributes: Male=yes Blond_Hair=yes,Male=no. Default, where no --effect and --preset is given: sex, age, hair colours, four pairs."""
    effect: tuple[str, ...] = ()
    """Effects, each measured by itself: lipstick=0.8 age=+25."""
    preset: tuple[str, ...] = ()
    """Presets, each measured by itself."""
    strength: str = "1"
    """Strength of --set and --preset."""
    model: Annotated[str, tyro.conf.arg(aliases=["--editor"])] = "auto"
    """What sets attributes, as in lianpu edit."""
    split: Literal["train", "val", "test"] = "val"
    """Which faces of a folder in CelebAMask-HQ's layout."""
    names: Path | None = None
    """A text file with names of pictures, as 000801.jpg or without ending: only these, of whatever split."""
    count: int = 0
    """The first so many of each folder; 0 for all."""
    seed: int = 0
    """Of the resampling for intervals."""
    threads: int | None = 1
    """Threads of OpenCV and ONNX Runtime."""
    sheets: bool = True
    """Write contact sheets."""
    judges: bool = True
    """Also ask a second judge (fitted to the val faces of DATA, each judged by what did not see it) and measure how far patches of edited
    faces are from real training faces of the wanted kind. Needs the extra train, the face mesh, and DATA with Male or Young."""
    references: int = 150
    """Real training faces of each wanted kind."""
    kept: Path | None = None
    """A file (.npz) that keeps what the judges saw of real faces, so that another run need not look at them again."""


@dataclass(frozen=True)
class EditAsked:
    """One edit to be measured.

    Args:
        name: as it was typed (`Blond_Hair=yes,Male=no`).
        preset: its steps.
        values: the attributes that it sets; empty for effects.
        parts: where it may change a face; empty where it may change the whole photo.
    """

    name: str
    preset: Preset
    values: Mapping[str, bool]
    parts: tuple[str, ...]

    @property
    def file_name(self) -> str:
        """Its name as the beginning of a file's."""
        return re.sub(r"[^A-Za-z0-9_.+-]+", "_", self.name).strip("_")


def main(arguments: list[str]) -> None:
    """Parse the command line, measure, print a table, and write the results."""
    parsed = tyro.cli(BenchEditsArguments, args=arguments, prog="lianpu bench edits")
    from lianpu.terminal import console, stages

    asked = edits_asked(parsed)
    pictures = chosen_pictures(parsed)
    with stages() as begin:
        measured = measure(parsed, asked, pictures, begin)
    rows = [row for one in measured for row in summary_rows(one, measured, parsed.seed)]
    console.print(edits_table(rows, measured))
    for line in patches_table(measured)[1:]:
        console.print(f"Patch distance of {line[0]}: {line[2]}, unedited {line[3]}, real {line[4]}; in the middle {line[5]}.")
    write_results(parsed, measured, rows)
    console.print(last_line(parsed.out, parsed.sheets))


def last_line(out: Path, sheets: bool) -> str:
    """What the command says at its end: where the results are."""
    if not sheets:
        return f"Tables: {out}."
    return f"Tables and sheets: {out}. Grade the sheets in grades.csv there: 1 (broken) to 5 (I would post it)."


def edits_asked(parsed: BenchEditsArguments) -> list[EditAsked]:
    """The edits of the command line. Raises SettingsError for a wrong word, or the same edit twice."""
    from lianpu.bench.edit_measures import attribute_parts, effect_parts
    from lianpu.editing.presets import Preset, find_preset, parse_effect, parse_values, preset_from_options, scale_preset
    from lianpu.effects.catalogue import check_strength
    from lianpu.errors import SettingsError

    words = parsed.set or (() if parsed.effect or parsed.preset else DEFAULT_EDITS)
    asked = []
    for word in words:
        values = parse_values(tuple(filter(None, word.split(","))), "--set")
        preset = preset_from_options(tuple(filter(None, word.split(","))), parsed.strength, None, ())
        asked.append(EditAsked(word, preset, values, attribute_parts(values)))
    for word in parsed.effect:
        step = parse_effect(word)
        asked.append(EditAsked(word, Preset(word, (step,)), {}, effect_parts([step.effect.name])))
    for word in parsed.preset:
        asked.append(EditAsked(word, scale_preset(find_preset(word), check_strength(parsed.strength, "--strength")), {}, ()))
    names = [one.file_name for one in asked]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SettingsError(f"{twice[0]} is asked for twice. Ask for each edit once.")
    return asked


def chosen_pictures(parsed: BenchEditsArguments) -> list[NamedPicture]:
    """The pictures whose faces are edited, folder by folder. Raises DataError for a folder without any, or a name that is nowhere."""
    from lianpu.dataset.text_files import read_text
    from lianpu.errors import DataError, SettingsError

    if not parsed.data:
        raise SettingsError("No DATA is given. Name one or more folders: lianpu bench edits DATA --out FOLDER.")
    if parsed.count < 0:
        raise SettingsError(f"--count {parsed.count}: give a number of faces, or 0 for all.")
    wanted = None if parsed.names is None else dict.fromkeys(Path(word).stem for word in read_text(parsed.names).split())
    chosen: list[NamedPicture] = []
    for folder in parsed.data:
        listed = _pictures_of(folder, None if wanted is not None else parsed.split)
        some = [one for one in listed if wanted is None or one.file.stem in wanted]
        chosen += some[: parsed.count or len(some)]
    missing = [name for name in wanted or () if name not in {one.file.stem for one in chosen}]
    if missing and not parsed.count:
        raise DataError(f"{parsed.names}: {_listed(missing)} in no folder of DATA.")
    if not chosen:
        raise DataError(f"No picture was chosen from {', '.join(map(str, parsed.data))}. Give other folders, --split or --names.")
    return chosen


def _listed(names: Sequence[str]) -> str:
    """`a is`, `a and 1 more are`."""
    return f"{names[0]} is" if len(names) == 1 else f"{names[0]} and {len(names) - 1} more are"


def _pictures_of(folder: Path, split: str | None) -> list[NamedPicture]:
    """The pictures of a split (None: of all) in the order of its names; of a folder without labels all photos."""
    from lianpu.bench.edit_measures import NamedPicture
    from lianpu.dataset.celebamask import read_celebamask
    from lianpu.dataset.table import UNLABELLED
    from lianpu.errors import DataError
    from lianpu.photo.formats import photos_in

    if not folder.is_dir():
        raise DataError(f"{folder} is no folder. Give one in CelebAMask-HQ's layout, or one of photos.")
    if not any((folder / name).is_dir() for name in ("images", "CelebA-HQ-img")):
        return [NamedPicture(photo) for photo in photos_in(folder)]
    table = read_celebamask(folder)
    rows = [row for row in range(len(table.files)) if split is None or table.splits[row] == split]
    return [
        NamedPicture(
            table.root / table.files[row],
            {name: int(value) for name, value in zip(table.attributes, table.labels[row], strict=True) if value != UNLABELLED},
        )
        for row in sorted(rows, key=lambda row: table.files[row])
    ]


@dataclass(frozen=True)
class Measured:
    """An edit and the figures of every face that it was made on, in the order of the pictures.

    Args:
        asked: the edit.
        faces: its figures.
        distances: patch distances; None where they were not measured.
        judge: of the second judge's own accuracy on real faces by attribute: hits, count, balanced.
    """

    asked: EditAsked
    faces: tuple[FaceEditFigures, ...]
    distances: Distances | None = None
    judge: Mapping[str, tuple[int, int, float]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Bench:
    """The models of a bench, opened once; `real` where the second judge and the patch distance can be had."""

    jobs: Mapping[str, EditJob]
    models: AnalysisModels
    rules: LabelRules
    real: RealFaces | None

    def believes(self, picture: Picture, subject: Subject) -> bool | None:
        """Whether the face mesh believes that a face is there; None without a mesh."""
        from lianpu.faces.mesh import MeshReader

        reader = next(iter(self.jobs.values())).session.analyzer.landmarks
        return reader.mesh_of_face(picture, subject.face) is not None if isinstance(reader, MeshReader) else None


@dataclass
class _Seen:
    """What was seen of the faces of one edit, before and after."""

    unedited: list[Seen] = field(default_factory=list)
    edited: list[Seen] = field(default_factory=list)


def measure(
    parsed: BenchEditsArguments,
    asked: Sequence[EditAsked],
    pictures: Sequence[NamedPicture],
    begin: Callable[[str], OnProgress],
) -> list[Measured]:
    """Every edit on every face that needs it; faces are the largest of each picture, or all of a photo without labels.

    Raises:
        DataError: no face was found at all.
        LianpuError: an edit cannot be made, or a model cannot be had.
    """
    from lianpu.bench.edit_measures import right_region, sight_of
    from lianpu.bench.edit_sheets import Sheets, write_grades
    from lianpu.bench.effects import limit_threads
    from lianpu.errors import DataError
    from lianpu.faces.analyzer import choose
    from lianpu.photo.reading import read_image

    limit_threads(parsed.threads)
    bench = _open(parsed, asked, begin("Real faces"))
    session, on_progress = bench.jobs[asked[0].name].session, begin("Faces")
    sheets = {one.name: Sheets(parsed.out / "sheets", one.file_name) for one in asked}
    figures: dict[str, list[FaceEditFigures]] = {one.name: [] for one in asked}
    seen: dict[str, _Seen] = {one.name: _Seen() for one in asked}
    held_out: dict[str, Seen] = {}
    faces = 0
    for number, picture in enumerate(pictures):
        photo = read_image(picture.file)
        for place, subject in enumerate(choose(session.analyze(photo), "largest" if picture.labels else "all"), start=1):
            faces += 1
            key, believed = picture.key(place), bench.believes(photo, subject)
            before = sight_of(photo, subject, bench.models, bench.rules)
            own = None if bench.real is None else bench.real.see(photo, subject.face)
            if own is not None:
                held_out[key] = own
            for one in asked:
                if not _is_needed(one, before):
                    continue
                region = right_region(subject, photo.shape, one.parts) if one.parts else None
                edited, seconds = _timed(bench.jobs[one.name], photo, subject)
                after = sight_of(edited, subject, bench.models, bench.rules)
                new = _figures(one, (picture, place), photo, edited, (before, after), region, seconds)
                if believed and not bench.believes(edited, subject):
                    new = as_ruined(new)
                if bench.real is not None and own is not None and one.values:
                    then = bench.real.see(edited, subject.face)
                    new = replace(new, judged=bench.real.judged(key, then, one.values))
                    if then is not None:
                        seen[one.name].unedited.append(own)
                        seen[one.name].edited.append(then)
                figures[one.name].append(new)
                if parsed.sheets:
                    sheets[one.name].add(new.key, photo, edited, subject, _caption(new))
        on_progress(number + 1, len(pictures))
    if not faces:
        raise DataError(f"No face was found in {len(pictures)} pictures. Give others, or another --detector.")
    for sheet in sheets.values():
        sheet.close()
    if parsed.sheets:
        write_grades(parsed.out, list(sheets.values()))
    return [_measured(one, figures[one.name], seen[one.name], held_out, bench.real, parsed.seed) for one in asked]


def _measured(
    one: EditAsked,
    figures: Sequence[FaceEditFigures],
    seen: _Seen,
    held_out: Mapping[str, Seen],
    real: RealFaces | None,
    seed: int,
) -> Measured:
    if real is None:
        return Measured(one, tuple(figures))
    accuracy = {
        name: (found.hits, found.count, found.balanced) for name, found in real.second.accuracy.items() if name in one.values
    }
    distances = real.distances(one.values, seen.edited, seen.unedited, held_out, seed)
    return Measured(one, tuple(figures), distances, accuracy)


def _open(parsed: BenchEditsArguments, asked: Sequence[EditAsked], on_progress: OnProgress) -> _Bench:
    """The jobs share one analyzer and one editor: models are opened once."""
    from lianpu.editing.presets import dump_preset
    from lianpu.editing.session import EditRequest, open_job
    from lianpu.preparation.label_rules import load_rules
    from lianpu.preparation.models import open_analysis_models
    from lianpu.preparation.settings import PrepareSettings

    settings = analyzer_settings(parsed)
    jobs: dict[str, EditJob] = {}
    analyzer, editor = None, None
    for one in asked:
        request = EditRequest(dump_preset(one.preset), parsed.model, analyzer=settings)
        jobs[one.name] = open_job(request, parsed.threads, analyzer=analyzer, editor=editor)
        analyzer, editor = jobs[one.name].session.analyzer, jobs[one.name].session.editor or editor
    prepare = PrepareSettings(detector=parsed.detector, landmarks=parsed.landmarks, parser=parsed.parser)
    session = jobs[asked[0].name].session
    real = _real_faces(parsed, asked, session.analyzer, on_progress)
    return _Bench(jobs, open_analysis_models(prepare, parsed.threads), load_rules(), real)


def _real_faces(
    parsed: BenchEditsArguments, asked: Sequence[EditAsked], analyzer: FaceAnalyzer, on_progress: OnProgress
) -> RealFaces | None:
    """What judges by real faces, where it is wanted and can be had."""
    from lianpu.extras import missing_modules

    values = [one.values for one in asked if one.values]
    if not parsed.judges or not values or missing_modules("train"):
        return None
    import torch

    from lianpu.bench.edit_judges import open_real_faces

    if parsed.threads is not None:
        torch.set_num_threads(parsed.threads)

    def labelled(split: str) -> list[NamedPicture]:
        return [one for folder in parsed.data for one in _pictures_of(folder, split) if one.labels]

    held_out, training = labelled("val"), labelled("train")
    if not held_out:
        return None
    return open_real_faces(analyzer, held_out, training, values, parsed.references, parsed.seed, parsed.kept, on_progress)


def _is_needed(one: EditAsked, before: Sight) -> bool:
    """Whether a face lacks something that is asked for, or nothing is asked for that a face can have."""
    from lianpu.bench.edit_measures import reached_values

    return not one.values or any(has is not True for has in reached_values(before, one.values).values())


def _timed(job: EditJob, photo: Picture, subject: Subject) -> tuple[Picture, float]:
    start = time.process_time()
    edited = job.session.edit(photo, (subject,), job.preset)
    return edited, time.process_time() - start


def _figures(
    one: EditAsked,
    face: tuple[NamedPicture, int],
    before: Picture,
    after: Picture,
    seen: tuple[Sight, Sight],
    region: Any,
    seconds: float,
) -> FaceEditFigures:
    from lianpu.bench.edit_measures import FaceEditFigures, drifted, outside_of, reached_values

    lacked = tuple(name for name, has in reached_values(seen[0], one.values).items() if has is not True)
    vectors = [sight.identity for sight in seen]
    return FaceEditFigures(
        file=str(face[0].file),
        number=face[1],
        needed=lacked,
        reached=reached_values(seen[1], one.values),
        judged={},
        identity=float(vectors[0] @ vectors[1]) if len(vectors[0]) else None,
        outside=None if region is None else outside_of(before, after, region),
        drifted=drifted(*seen, tuple(one.values)),
        changed=float((before != after).mean()),
        ruined=False,
        seconds=seconds,
    )


def as_ruined(figures: FaceEditFigures) -> FaceEditFigures:
    """The figures of a face that is no face any more: whatever the rules see at its place, nothing was reached."""
    return replace(figures, ruined=True, reached={name: has and False for name, has in figures.reached.items()})


def _caption(figures: FaceEditFigures) -> str:
    """`Male yes, Young NO  id .95`: what the rules see afterwards."""
    words = [f"{name} {'-' if has is None else 'ok' if has else 'NO'}" for name, has in figures.reached.items()]
    identity = "" if figures.identity is None else f"id {figures.identity:.3f}"
    return "  ".join([*words, identity, "UNCHANGED" if figures.changed == 0 else "RUINED" if figures.ruined else ""])


@dataclass(frozen=True)
class SummaryRow:
    """What a table says of one edit, and, of an edit of several attributes, of each.

    Args:
        edit: its name.
        attribute: whose success it is; empty for effects.
        faces: how many had not got the attribute (or, for effects, all).
        success: share of these that have it afterwards by the rules; None where the rules tell nothing of it.
        judged: the same by the second judge.
        alone: for an attribute among several: its success alone on the same faces; None where that was not measured.
        identity: mean cosine; `worst`: the least. None without an encoder.
        outside_lab: mean difference in Lab outside of the right region; `outside_bytes`: share of bytes changed there. None where every
            pixel may change.
        drift: share of faces with an attribute that nobody asked for.
        unchanged: how many faces came back as they were; `ruined`: in how many the mesh finds no face any more. These count as failed.
        seconds: median processor time of the edit.
    """

    edit: str
    attribute: str
    faces: int
    success: Interval | None
    judged: Interval | None
    alone: Interval | None
    identity: Interval | None
    worst: float | None
    outside_lab: Interval | None
    outside_bytes: Interval | None
    drift: Interval
    unchanged: int
    ruined: int
    seconds: float


def summary_rows(measured: Measured, everything: Sequence[Measured], seed: int) -> Iterator[SummaryRow]:
    """The rows of an edit: one for each of its attributes, or one."""
    for name in measured.asked.values or ("",):
        faces = [face for face in measured.faces if not name or name in face.needed]
        if faces:
            yield _row(measured, name, faces, everything, seed)


def _row(
    measured: Measured, name: str, faces: Sequence[FaceEditFigures], everything: Sequence[Measured], seed: int
) -> SummaryRow:
    from lianpu.metrics.intervals import bootstrap, wilson

    values = measured.asked.values
    single = next((one for one in everything if name and one.asked.values == {name: values[name]}), None)
    alone = None
    if single is not None and len(values) > 1:
        known = {face.key: face for face in single.faces}
        alone = _share([known[face.key].reached[name] for face in faces if face.key in known])
    identities = [face.identity for face in faces if face.identity is not None]
    outside = [face.outside for face in faces if face.outside is not None]
    return SummaryRow(
        edit=measured.asked.name,
        attribute=name,
        faces=len(faces),
        success=_share([face.reached.get(name) for face in faces]),
        judged=_share([face.judged.get(name) for face in faces]),
        alone=alone,
        identity=bootstrap(identities, seed) if identities else None,
        worst=min(identities) if identities else None,
        outside_lab=bootstrap([one.lab for one in outside], seed) if outside else None,
        outside_bytes=bootstrap([one.bytes for one in outside], seed) if outside else None,
        drift=wilson(sum(bool(face.drifted) for face in faces), len(faces)),
        unchanged=sum(face.changed == 0 for face in faces),
        ruined=sum(face.ruined for face in faces),
        seconds=statistics.median(face.seconds for face in faces),
    )


def _share(answers: Sequence[bool | None]) -> Interval | None:
    from lianpu.metrics.intervals import wilson

    known = [answer for answer in answers if answer is not None]
    return wilson(sum(known), len(known)) if known else None


_COLUMNS: Mapping[str, Callable[[SummaryRow], str]] = {
    "edit": lambda row: row.edit,
    "attribute": lambda row: row.attribute,
    "faces": lambda row: str(row.faces),
    "success, rules (95 %)": lambda row: _percent(row.success),
    "second judge": lambda row: _percent(row.judged),
    "alone, same faces": lambda row: _percent(row.alone),
    "identity (95 %)": lambda row: "-" if row.identity is None else f"{row.identity.value:.3f} ({_ends(row.identity, '.3f')})",
    "worst": lambda row: "-" if row.worst is None else f"{row.worst:.3f}",
    "outside, Lab": lambda row: "-" if row.outside_lab is None else f"{row.outside_lab.value:.3f}",
    "bytes outside": lambda row: "-" if row.outside_bytes is None else f"{100 * row.outside_bytes.value:.2f} %",
    "drift (95 %)": lambda row: _percent(row.drift),
    "unchanged": lambda row: str(row.unchanged),
    "ruined": lambda row: str(row.ruined),
    "seconds": lambda row: f"{row.seconds:.2f}",
}
"""Headings of the table, and what stands below each."""


def _percent(interval: Interval | None) -> str:
    return "-" if interval is None else f"{100 * interval.value:.0f} % ({100 * interval.low:.0f}-{100 * interval.high:.0f})"


def _ends(interval: Interval, form: str) -> str:
    return f"{interval.low:{form}}-{interval.high:{form}}"


def edits_table(rows: Sequence[SummaryRow], measured: Sequence[Measured]) -> Table:
    """The summary as it is printed."""
    from rich.table import Table

    table = Table(title="Edits of faces", caption=_legend(measured))
    for heading in _COLUMNS:
        table.add_column(heading, justify="left" if heading in ("edit", "attribute") else "right")
    for row in rows:
        table.add_row(*(write(row) for write in _COLUMNS.values()))
    return table


def patches_table(measured: Sequence[Measured]) -> list[list[str]]:
    """The patch distances, with a heading; only the heading where none was measured."""
    rows = [
        [
            "edit",
            "faces, without ruined ones",
            "edited, all zones (95 %)",
            "unedited",
            "real",
            "edited, middle (95 %)",
            "unedited",
            "real",
            "farthest zones",
        ]
    ]
    for one in measured:
        if one.distances is None:
            continue
        edited, unedited, real = one.distances.edited, one.distances.unedited, one.distances.real
        cells = [one.asked.name, str(edited.faces)]
        for own, others in (
            (edited.all, (unedited.all, None if real is None else real.all)),
            (edited.middle, (unedited.middle, None if real is None else real.middle)),
        ):
            cells += [
                f"{own.value:.3f} ({_ends(own, '.3f')})",
                *("-" if found is None else f"{found.value:.3f}" for found in others),
            ]
        farthest = sorted(edited.zones, key=lambda zone: -edited.zones[zone])[:3]
        rows.append([*cells, ", ".join(f"{zone} {edited.zones[zone]:.2f}" for zone in farthest)])
    return rows


def _legend(measured: Sequence[Measured]) -> str:
    drifts: dict[str, int] = {}
    for one in measured:
        for face in one.faces:
            for name in face.drifted:
                drifts[name] = drifts.get(name, 0) + 1
    words = ", ".join(f"{name} {count}" for name, count in sorted(drifts.items(), key=lambda item: -item[1])) or "none"
    judges = {name: found for one in measured for name, found in one.judge.items()}
    said = ", ".join(
        f"{name} {100 * hits / count:.0f} % of {count} (balanced {100 * balanced:.0f} %)"
        for name, (hits, count, balanced) in judges.items()
    )
    second = f" The second judge is right on real faces: {said}." if said else ""
    return f"Success and drift by the rules of lianpu prepare, identity by dlib's encoder. Drifted in all edits: {words}.{second}"


def write_results(parsed: BenchEditsArguments, measured: Sequence[Measured], rows: Sequence[SummaryRow]) -> None:
    """edits.md and edits.json in the folder --out."""
    from lianpu.devices import describe_machine
    from lianpu.files import write_json, write_text

    lines = _markdown([list(_COLUMNS), *([write(row) for write in _COLUMNS.values()] for row in rows)])
    patches = patches_table(measured)
    lines += ["", _legend(measured), "", *(_markdown(patches) if len(patches) > 1 else [])]
    write_text(parsed.out / "edits.md", "\n".join([*lines, ""]))
    write_json(
        parsed.out / "edits.json",
        {
            "data": [str(folder) for folder in parsed.data],
            "model": parsed.model,
            "strength": parsed.strength,
            "seed": parsed.seed,
            "cpu": describe_machine().cpu,
            "rows": [asdict(row) for row in rows],
            "judge": {name: found for one in measured for name, found in one.judge.items()},
            "patches": {one.asked.name: asdict(one.distances) for one in measured if one.distances is not None},
            "faces": {one.asked.name: [asdict(face) for face in one.faces] for one in measured},
        },
    )


def _markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return [lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]
