"""`lianpu parse PHOTO...`: parse every face of photos into masks and overlays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from lianpu.cli.edit_options import FaceOptions, analyzer_settings

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.face_parsing.runtime import FaceParser
    from lianpu.faces.detection import Detector
    from lianpu.faces.face_check import FaceCheck
    from lianpu.faces.results import Face, FaceParts
    from lianpu.photo.formats import IgnoredFiles


@dataclass(frozen=True)
class ParseArguments(FaceOptions):
    """Label every pixel of every face with its part: skin, hair, eyes and 15 more.

    For each photo it writes NAME.parts.png (pixel values are class numbers in CelebAMask-HQ's order) and NAME.overlay.jpg (the photo with
    the parts tinted). The bundled parser needs no download; it was trained on faces licensed for non-commercial use only.
    """

    photos: Annotated[tuple[Path, ...], tyro.conf.Positional] = tyro.MISSING
    """Photos, or folders of photos."""
    out: Path = Path("parts")
    """The folder for the results."""
    recursive: bool = False
    """Also the photos in folders below those given."""


@dataclass(frozen=True, eq=False)
class ParsedPhoto:
    """The result of one photo, how many findings are no faces of people, and its two files (None without a face)."""

    photo: Path
    faces: tuple[Face, ...]
    left_out: int
    parts: tuple[FaceParts, ...]
    mask_file: Path | None
    overlay_file: Path | None


def main(arguments: list[str]) -> None:
    """Parse the command line, then the photos."""
    parse(tyro.cli(ParseArguments, args=arguments, prog="lianpu parse"))


def parse(parsed: ParseArguments) -> list[ParsedPhoto]:
    """Parse photos, write their masks and overlays, print a table, and return the results.

    Raises:
        DataError: no face was found, or photos could not be read; raised after all others were done.
    """
    from lianpu.errors import DataError, PictureError
    from lianpu.faces.analyzer import open_check, open_models
    from lianpu.terminal import console, stage

    photos, ignored = named_photos(parsed.photos, parsed.recursive)
    detector, parser = open_models(analyzer_settings(parsed), "detector", "parser")
    check = open_check(parsed.landmarks, parser)
    done: list[ParsedPhoto] = []
    problems: list[str] = []
    with stage("Parsing") as on_progress:
        for number, (photo, name) in enumerate(zip(photos, output_names(photos), strict=True), start=1):
            try:
                done.append(_parse_photo(photo, parsed.out / name, parsed.upright, detector, check, parser))
            except PictureError as problem:
                problems.append(str(problem))
            on_progress(number, len(photos))
    if done:
        console.print(_table(done))
    for line in finding_lines(((one.photo, one.faces, one.left_out) for one in done), upright=parsed.upright):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if ignored.count:
        console.print(str(ignored), markup=False, highlight=False, soft_wrap=True)
    console.print(f"Parser: {parser.name}. Licence: {parser.licence}.", markup=False, highlight=False, soft_wrap=True)
    if any(one.faces for one in done):
        console.print(f"Masks and overlays: {parsed.out}", markup=False, highlight=False, soft_wrap=True)
    if problems:
        raise DataError(f"{len(problems)} of {len(photos)} photos could not be read. {' '.join(problems[:3])}")
    if not any(one.faces for one in done):
        raise DataError(f"No face was found in {len(done)} photos. Try --upright, or another --detector.")
    return done


def named_photos(paths: Sequence[Path], recursive: bool = False) -> tuple[list[Path], IgnoredFiles]:
    """The given photos and those in the given folders (and in folders below, if `recursive`), and the ignored files of these folders.

    A given file need not exist: reading it raises the error.

    Raises:
        DataError: a folder has no photo, or nothing is given.
    """
    from lianpu.errors import DataError
    from lianpu.photo.formats import FORMAT_WORDS, IgnoredFiles, photos_below, photos_in

    photos: list[Path] = []
    ignored = IgnoredFiles()
    for path in paths:
        if path.is_dir():
            inside = photos_below(path, ignored=ignored) if recursive else photos_in(path, ignored)
            if not inside:
                deeper = (
                    ""
                    if recursive or not photos_below(path)
                    else " There are some in folders below: --recursive takes them, too."
                )
                raise DataError(f"{path} has no photos ({FORMAT_WORDS}). Give another folder.{deeper}")
            photos += inside
        else:
            photos.append(path)
    if not photos:
        raise DataError("No photo is given. Give photos, or folders of photos.")
    return list(dict.fromkeys(photos)), ignored


_LONGEST_ADDITION = len(".overlay.jpg")
"""What commands add to the names that `output_names` gives."""


def output_names(photos: Sequence[Path]) -> list[str]:
    """A name for the output files of each photo: its stem, with a number from the second photo with that stem on."""
    from lianpu.files import fitted_name

    names: dict[str, None] = {}
    for photo in photos:
        name, number = fitted_name(photo.stem, "", _LONGEST_ADDITION), 1
        while name in names:
            number += 1
            name = fitted_name(photo.stem, f"-{number}", _LONGEST_ADDITION)
        names[name] = None
    return list(names)


def _parse_photo(
    photo: Path, target: Path, upright: bool, detector: Detector, check: FaceCheck | None, parser: FaceParser
) -> ParsedPhoto:
    from lianpu.face_parsing.data.mask_files import write_mask
    from lianpu.faces.face_check import find_people
    from lianpu.faces.overlays import draw_parts
    from lianpu.faces.parts import all_parts, parse_faces
    from lianpu.photo.reading import read_image
    from lianpu.photo.writing import write_image

    picture = read_image(photo)
    found = find_people(picture, detector, check, upright=upright)
    faces, left_out = found.faces, len(found.others)
    if not faces:
        return ParsedPhoto(photo, (), left_out, (), None, None)
    parts = parse_faces(picture, faces, parser)
    mask_file = write_mask(target.with_name(f"{target.name}.parts.png"), all_parts(parts, *picture.shape[:2]))
    overlay_file = write_image(target.with_name(f"{target.name}.overlay.jpg"), draw_parts(picture, parts))
    return ParsedPhoto(photo, faces, left_out, parts, mask_file, overlay_file)


def _table(photos: Sequence[ParsedPhoto]) -> Table:
    from rich.table import Table

    table = Table(title="Parts of each face, in % of its pixels")
    for heading in ("photo", "face", "width px", "parts"):
        table.add_column(heading, justify="right" if heading in ("face", "width px") else "left", overflow="fold")
    for one in photos:
        if not one.faces:
            table.add_row(one.photo.name, "-", "-", "no face found")
        for number, (face, parts) in enumerate(zip(one.faces, one.parts, strict=True), start=1):
            table.add_row(one.photo.name if number == 1 else "", str(number), f"{face.width_px:.0f}", shares_in_words(parts))
    return table


def finding_lines(found: Iterable[tuple[Path, Sequence[Face], int]], *, upright: bool) -> list[str]:
    """A line for each photo in which faces were found only in a second search, enlarged or turned, and for each with findings that are
    no faces of people.

    Args:
        found: photos, their faces, and the number of other findings.
        upright: whether turned faces were asked for, and need no word.
    """
    from lianpu.faces.detection import second_look
    from lianpu.faces.face_check import left_out_note

    notes = [
        (photo, note)
        for photo, faces, left_out in found
        for note in (second_look(faces, upright=upright), left_out_note(left_out))
        if note is not None
    ]
    return [f"{photo.name}: {note}" for photo, note in notes]


def shares_in_words(parts: FaceParts) -> str:
    """`hair 41.2, skin 30.5, ...`: the per cent of each part of all pixels but the background, largest first, from 0.1."""
    from lianpu.part_names import PARTS

    shares = {name: parts.share(name) for name in PARTS[1:]}
    total = sum(shares.values())
    if not total:
        return "only background"
    ranked = sorted(((100 * share / total, name) for name, share in shares.items()), reverse=True)
    return ", ".join(f"{name} {percent:.1f}" for percent, name in ranked if percent >= 0.05)
