"""`lianpu bench effects` as it is typed."""

import numpy as np
import pytest

from lianpu.bench.effects import resized_to
from lianpu.cli.main import main
from tests.support.shared import PHOTOS

PHOTO = PHOTOS / "p17_portrait.png"


@pytest.mark.skipif(not PHOTO.is_file(), reason="the shared photos are not here")
def test_an_effect_is_timed_on_a_photo_of_the_size_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--effects", "lipstick", "--megapixels", "0.15", "--rounds", "1", "--detector", "dlib", "--threads", "1"]
    main(["bench", "effects", str(PHOTO), *words])
    said = " ".join(capsys.readouterr().out.split())
    assert "p17_portrait.png as 350 x 429 (0.2 megapixels), 1 of 1 face(s)" in said
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
