"""A second, wider look at faces whose hair leaves their crop."""

import numpy as np
import pytest

from lianpu.effects.face_masks import crop_fade
from lianpu.effects.hair import hair_color
from lianpu.face_parsing.runtime import FaceParser
from lianpu.faces.analyzer import FaceAnalyzer
from lianpu.faces.parts import hair_goes_on, load_parser, parse_wide
from lianpu.faces.results import WIDE_SCALE, Subject
from lianpu.imaging.compositing import view_of
from lianpu.part_names import part_index
from lianpu.photo.reading import read_image
from tests.support.shared import PHOTOS, needs
from tests.support.subjects import drawn_photo, subject_of, windowed

HAIR = part_index("hair")


@pytest.fixture(scope="module")
def parser() -> FaceParser:
    return load_parser("auto", threads=1)


def _long_haired() -> tuple[np.ndarray, Subject]:
    """A face whose hair goes down far beyond its crop, as its parts say."""
    photo, subject = drawn_photo(width=500, height=700, side=200, left=150, top=150)
    parts = subject.parts.mask.copy()
    parts[260:420, 175:205] = HAIR
    return photo, windowed(subject_of(parts, subject.landmarks.points), slice(100, 380), slice(100, 400))


def test_hair_that_ends_in_the_crop_or_with_the_photo_does_not_go_on() -> None:
    photo, subject = drawn_photo(width=500, height=700, side=200, left=150, top=150)
    assert not hair_goes_on(photo, [subject], 0)
    photo, subject = _long_haired()
    assert hair_goes_on(photo, [subject], 0)
    assert not hair_goes_on(photo[:340], [subject], 0)


def test_hair_that_another_face_is_nearer_to_goes_on() -> None:
    photo, subject = drawn_photo(width=600, height=400, side=200, left=150, top=100)
    _, other = drawn_photo(width=600, height=400, side=200, left=230, top=100)
    assert not hair_goes_on(photo, [subject], 0)
    assert hair_goes_on(photo, [subject, other], 0)


def test_who_keeps_hair_in_the_crop_stays_as_it_was(parser: FaceParser) -> None:
    photo, subject = drawn_photo(width=500, height=700, side=200, left=150, top=150)
    assert parse_wide(photo, [subject], parser)[0] is subject and subject.wide() is subject


def test_the_first_look_is_believed_within_the_crop(parser: FaceParser) -> None:
    photo, subject = _long_haired()
    (seen,) = parse_wide(photo, [subject], parser)
    wide = seen.wide()
    assert seen.parts is subject.parts and wide.parts_scale == WIDE_SCALE and wide.wide() is wide
    rows, columns = wide.window
    assert (rows.stop - rows.start) * (columns.stop - columns.start) > 1.2 * subject.parts.mask.size
    face = subject.parts.mask[80:180, 80:220]
    assert np.array_equal(wide.parts.mask[180 - rows.start : 280 - rows.start, 180 - columns.start : 320 - columns.start], face)


@needs(PHOTOS)
@pytest.mark.parametrize("name", ["p12_profile.jpg", "p20_full_length.jpg"])
def test_real_hair_is_coloured_beyond_the_crop_and_no_edge_of_the_crop_is_seen(name: str, analyzer: FaceAnalyzer) -> None:
    photo = read_image(PHOTOS / name)
    (subject,) = analyzer.analyze(photo)
    assert subject.wide_parts is not None
    change = np.abs(hair_color(photo, subject, 1.0, "#b8936a").astype(int) - photo).sum(axis=2)
    outside = np.ones(photo.shape[:2], dtype=bool)
    outside[subject.window] = crop_fade(subject, view_of(photo, subject.window, 4000), photo.shape) == 0
    hair = np.zeros(photo.shape[:2], dtype=bool)
    wide = subject.wide()
    hair[wide.window] = wide.parts.mask == HAIR
    assert (hair & outside).sum() > 0.05 * hair.sum()
    assert change[hair & outside].mean() > 0.6 * change[hair & ~outside].mean()


@needs(PHOTOS)
def test_the_back_of_a_head_in_profile_is_coloured_with_the_rest(analyzer: FaceAnalyzer) -> None:
    photo = read_image(PHOTOS / "p12_profile.jpg")
    change = np.abs(hair_color(photo, analyzer.analyze(photo)[0], 1.0, "#b8936a").astype(int) - photo).sum(axis=2)
    bun, front = change[90:180, 550:576], change[90:180, 350:450]
    assert bun.mean() > 0.7 * front.mean()


@needs(PHOTOS)
def test_no_hair_is_taken_from_the_face_of_another(analyzer: FaceAnalyzer) -> None:
    photo = read_image(PHOTOS / "p04_group_children.jpg")
    subjects = analyzer.analyze(photo)
    assert len(subjects) > 5
    whole = np.zeros(photo.shape[:2], dtype=np.uint8)
    for subject in subjects:
        part = whole[subject.window]
        part[np.isin(subject.parts.mask, [part_index(name) for name in ("skin", "nose", "u_lip", "l_lip")])] = 1
    for subject in subjects:
        wide = subject.wide()
        own = np.zeros(photo.shape[:2], dtype=bool)
        own[wide.window] = wide.parts.mask == HAIR
        assert not (own & (whole > 0)).any()
