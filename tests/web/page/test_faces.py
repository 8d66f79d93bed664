"""Which faces are picked, click by click."""

from types import SimpleNamespace
from typing import Any

import pytest

from lianpu.web.language import PageError, load_words
from lianpu.web.page.faces import every_face, face_choices, faces_option, toggled

FOUR: Any = SimpleNamespace(subjects=range(4))


def test_the_first_click_picks_a_face_alone_and_more_clicks_add_and_take_away() -> None:
    picked = every_face(FOUR)
    for number, expected in ((2, ["2"]), (0, ["0", "2"]), (2, ["0"]), (0, ["0", "1", "2", "3"])):
        picked = toggled(picked, number, 4)
        assert picked == expected


def test_ticked_faces_are_said_in_the_words_of_the_command_line() -> None:
    assert faces_option(["2", "0"], FOUR) == "0,2"
    assert faces_option(["3", "1", "0", "2"], FOUR) == "all"
    nothing: tuple[list[str] | None, ...] = ([], None)
    for none in nothing:
        with pytest.raises(PageError, match="No face is ticked"):
            faces_option(none, FOUR)


def test_people_count_faces_from_one() -> None:
    assert face_choices(FOUR, load_words("en"))[0] == ("face 1", "0")
