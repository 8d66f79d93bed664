from dataclasses import replace

import numpy as np
import pytest

from lianpu.effects.people import parsed_people, people_mask
from lianpu.faces.results import FaceParts, Subject
from lianpu.imaging.compositing import Field, view_of
from lianpu.imaging.picture import Picture
from tests.support.subjects import drawn_photo


def _mask(photo: Picture, subject: Subject) -> tuple[Field, Field]:
    view = view_of(photo, (slice(0, photo.shape[0]), slice(0, photo.shape[1])), 420)
    parsed = parsed_people(photo, [subject], view)
    return people_mask(photo, [subject], parsed, view), parsed


def test_parsed_people_are_what_the_parser_called_a_part() -> None:
    photo, subject = drawn_photo()
    _, parsed = _mask(photo, subject)
    assert parsed.shape == photo.shape[:2]
    assert ((parsed > 0.5) == (subject.parts.mask > 0)).all()


@pytest.mark.parametrize("network", [True, False])
def test_what_the_parser_calls_hair_or_face_is_a_person(request: pytest.FixtureRequest, network: bool) -> None:
    if network:
        request.getfixturevalue("mediapipe_models")
    photo, subject = drawn_photo()
    people, _ = _mask(photo, subject)
    assert people[subject.parts.where("hair", "skin", "nose")].min() > 0.5
    assert people[:20].max() < 0.5


@pytest.mark.usefixtures("mediapipe_models")
def test_where_the_parser_is_blind_the_network_sees() -> None:
    photo, subject = drawn_photo(width=420, height=360, side=300, left=60, top=60)
    blind = replace(subject, parts=FaceParts(np.zeros_like(subject.parts.mask), "mesh"))
    people, _ = _mask(photo, blind)
    assert people[subject.parts.mask > 0].mean() > 0.8
