"""What can go wrong on the page, by a key that each language has a line for."""

from __future__ import annotations

from pathlib import Path

from lianpu.errors import LianpuError, PictureError
from lianpu.web.language import Words, load_words
from lianpu.web.reasons import in_language


class PageProblem(LianpuError):
    """Something the visitor can mend. `key` and `values` find its line in any language; the message itself is English."""

    def __init__(self, key: str, **values: object) -> None:
        self.key, self.values = key, values
        super().__init__(load_words("en").say(f"problems.{key}", **values))


def problem_line(problem: Exception, words: Words, hide: Path | None = None) -> str:
    """One line for the visitor, in the page's language, without the paths of the server.

    Args:
        problem: what was raised. Anything but a LianpuError is a defect of ours: it is said that there was one, no more.
        words: the page's language.
        hide: the server's folder for uploads; its paths are shortened to the file's name.
    """
    if isinstance(problem, PageProblem):
        return words.say(f"problems.{problem.key}", **problem.values)
    if not isinstance(problem, LianpuError):
        return words.say("problems.defect")
    text = " ".join(str(problem).split())
    if hide is not None:
        for word in text.split(" "):
            if str(hide) in word:
                text = text.replace(word, Path(word).name)
    reason = in_language(text, words)
    return words.say("problems.unreadable" if isinstance(problem, PictureError) else "problems.other", reason=reason)
