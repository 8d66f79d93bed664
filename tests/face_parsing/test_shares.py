"""Probabilities of parts, of files that give them and of parsers that do not."""

from pathlib import Path

import numpy as np
import pytest

from lianpu.errors import ModelError
from lianpu.face_parsing.runtime import OnnxParser
from lianpu.face_parsing.shares import LIVE_PX, SharesParser
from lianpu.faces.alignment import TEMPLATES, align
from lianpu.faces.parts import load_parser
from lianpu.imaging.picture import Picture
from lianpu.part_names import PART_COLORS, PART_INDEX
from tests.support.colour_parser import write_colour_parser
from tests.support.portraits import portrait, portrait_face


@pytest.fixture(scope="module")
def crop() -> Picture:
    return align(portrait().picture, portrait_face(), TEMPLATES["celebamask-hq"], LIVE_PX).picture


def test_the_bundled_parser_gives_shares_that_sum_to_one_and_agree_with_its_masks(crop: Picture) -> None:
    parser = load_parser(threads=1)
    assert isinstance(parser, OnnxParser) and parser.gives_shares
    live = SharesParser(parser)

    shares = live.shares(crop)

    assert shares.shape == (19, live.side_px, live.side_px) == (19, LIVE_PX // 2, LIVE_PX // 2)
    assert np.abs(shares.sum(axis=0, dtype=int) - 255).max() <= 10  # rounding of 19 numbers
    agreement = (live.parse_crops([crop])[0] == parser.parse_crops([crop])[0]).mean()
    assert agreement > 0.95


def test_a_parser_without_shares_is_taken_as_certain(tmp_path: Path) -> None:
    parser = OnnxParser(write_colour_parser(tmp_path / "colours.onnx", 64))
    assert not parser.gives_shares
    hair = PART_INDEX["hair"]
    crop = np.full((64, 64, 3), PART_COLORS[0], np.uint8)
    crop[:21] = PART_COLORS[hair]

    shares = SharesParser(parser, 64).shares(crop)

    assert shares.shape == (19, 32, 32)
    assert (shares[hair][:10] == 255).all() and shares[hair][10].tolist() == [128] * 32 and not shares[hair][11:].any()
    assert np.abs(shares[0].astype(int) + shares[hair] - 255).max() <= 1


def test_a_crop_of_a_size_that_the_network_cannot_take_is_an_error() -> None:
    parser = load_parser(threads=1)
    assert isinstance(parser, OnnxParser)
    with pytest.raises(ModelError, match="cannot run on crops of 50 pixels"):
        parser.part_shares(np.zeros((50, 50, 3), np.uint8))
