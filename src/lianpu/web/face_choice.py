"""Which of a photo's faces are edited: any set of them, as a visitor ticks or clicks them together."""

from __future__ import annotations

from collections.abc import Sequence

from lianpu.effects.studio import EVERY
from lianpu.web.desk import OpenPhoto
from lianpu.web.language import Words
from lianpu.web.problems import PageProblem


def face_choices(photo: OpenPhoto, words: Words) -> list[tuple[str, str]]:
    """What can be ticked: a word and a value for each face. People count from 1, values from 0 (the largest)."""
    return [(words.say("photo.one_face", number=number + 1), str(number)) for number in range(len(photo.subjects))]


def every_face(photo: OpenPhoto) -> list[str]:
    """The values of all faces."""
    return [str(number) for number in range(len(photo.subjects))]


def toggled(picked: Sequence[str], number: int, count: int) -> list[str]:
    """The values that are ticked after a click on a face.

    The first click picks that face alone; more clicks add faces or take them away again; when none is left, all are picked.

    Args:
        picked: the values that were ticked.
        number: the face that was clicked, from 0.
        count: how many faces there are.
    """
    before = {int(value) for value in picked}
    after = {number} if len(before) == count else before ^ {number}
    return [str(value) for value in sorted(after or range(count))]


def chosen_words(picked: Sequence[str] | None, photo: OpenPhoto) -> str:
    """The ticked values as `effects.studio.choose` reads them: `all`, or `0,2`. Raises PageProblem when none is ticked."""
    numbers = sorted({int(value) for value in picked or ()})
    if not numbers:
        raise PageProblem("no_face_chosen")
    return EVERY if len(numbers) == len(photo.subjects) else ",".join(map(str, numbers))
