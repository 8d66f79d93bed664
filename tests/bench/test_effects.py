"""`lianpu bench effects` as it is typed."""

from pathlib import Path

import numpy as np
import pytest

from lianpu.bench.effects import resized_to
from lianpu.cli.main import main
from tests.support.portraits import write_portrait


def test_an_effect_is_timed_on_a_photo_of_the_size_that_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = write_portrait(tmp_path / "portrait.png")
    words = ["--effects", "lipstick", "--megapixels", "0.15", "--rounds", "1", "--detector", "dlib", "--threads", "1"]
    main(["bench", "effects", str(photo), *words])
    said = " ".join(capsys.readouterr().out.split())
    assert "portrait.png as 387 x 387 (0.1 megapixels), 1 of 1 face(s)" in said
    assert "lipstick" in said and "blush" not in said and "Finding the faces" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--rounds", "0"], "--rounds 0: give at least 1."),
        (["--megapixels", "-1"], "--megapixels -1: give 0 (as it is) to 200."),
    ],
)
def test_numbers_that_cannot_be_are_said(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["bench", "effects", "photo.png", *words])
    assert stopped.value.code == 1
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_photo_is_resized_to_megapixels_and_0_leaves_it() -> None:
    photo = np.zeros((100, 200, 3), np.uint8)
    assert resized_to(photo, 0) is photo
    assert resized_to(photo, 0.08).shape == (200, 400, 3)
    assert resized_to(photo, 0.005).shape == (50, 100, 3)
