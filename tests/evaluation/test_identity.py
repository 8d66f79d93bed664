import numpy as np
import pytest

from lianpu.errors import ScoreError
from lianpu.evaluation.identity import IdentityOfCrops
from lianpu.imaging.picture import resize
from lianpu.photo.reading import read_image
from tests.support.shared import REAL_FACES, needs

REAL_FACES = REAL_FACES / "images"


@needs(REAL_FACES)
def test_a_face_stays_itself_when_its_colours_change_a_little_and_is_nobody_else() -> None:
    identity = IdentityOfCrops("celebamask-hq")
    first, second = (resize(read_image(REAL_FACES / name), 128) for name in ("000801.jpg", "000802.jpg"))
    darker = np.clip(first.astype(int) - 12, 0, 255).astype(np.uint8)
    own, lit, other = identity.vectors(np.stack([first, darker, second]))
    assert own.shape == (128,) and float(own @ own) == pytest.approx(1, abs=1e-5)
    assert float(own @ lit) > 0.95 > 0.9 > float(own @ other)


def test_crops_that_nobody_can_place_are_refused() -> None:
    with pytest.raises(ScoreError, match=r"says 'none' of how its faces were cut out.*alignment\.txt"):
        IdentityOfCrops("none")
