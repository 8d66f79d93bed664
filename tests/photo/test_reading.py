"""Pictures that must not reach native code, and decoders that fail in their own ways."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from lianpu.errors import PictureError
from lianpu.photo.reading import LONGEST_SIDE_PX, picture_facts, read_image, read_photo
from lianpu.photo.writing import write_photo
from lianpu.photo.xmp import edited_xmp, source_type_of


@pytest.mark.parametrize("size", [(65_539, 96), (60_000, 40), (50, 40_000), (1001, 10), (10, 1001)])
@pytest.mark.parametrize("read", [read_image, read_photo, picture_facts])
def test_a_picture_that_is_too_long_or_too_thin_is_refused_before_it_is_decoded(
    tmp_path: Path, size: tuple[int, int], read: Any
) -> None:
    Image.new("L", size, 90).save(tmp_path / "wide.png")
    with pytest.raises(PictureError, match=rf"wide.png is {size[0]} x {size[1]} pixels; .* Cut it up") as problem:
        read(tmp_path / "wide.png")
    assert problem.value.key == "photo.too_long"


@pytest.mark.parametrize("size", [(1000, 10), (10, 1000), (LONGEST_SIDE_PX, 400)])
def test_a_panorama_is_read(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("L", size, 90).save(tmp_path / "wide.png")
    assert read_image(tmp_path / "wide.png").shape == (size[1], size[0], 3)


@pytest.mark.parametrize(
    "raised", [RuntimeError("codec"), TypeError("NoneType"), IndexError("tuple"), RecursionError(), KeyError("x"), MemoryError()]
)
def test_whatever_a_decoder_raises_is_one_line_of_that_photo(
    tmp_path: Path, raised: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "in.png")

    def load(self: object) -> None:
        raise raised

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", load)
    with pytest.raises(PictureError, match=r"in.png is broken or cut off \(.+\)"):
        read_photo(tmp_path / "in.png")


def test_an_xmp_packet_that_is_nested_too_deep_is_dropped(tmp_path: Path) -> None:
    rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    deep = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{rdf}">{"<rdf:a>" * 5000}{"</rdf:a>" * 5000}</rdf:RDF></x:xmpmeta>'
    packet = edited_xmp("lipstick 1", earlier=deep.encode())
    assert b"lipstick" in packet and packet.count(b"rdf:a>") == 0 and source_type_of(deep.encode()) is None
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "in.webp", xmp=deep.encode(), lossless=True)
    photo = read_photo(tmp_path / "in.webp")
    written = write_photo(tmp_path / "out.webp", photo.picture, photo, xmp=edited_xmp("lipstick 1", earlier=photo.xmp))
    assert b"lipstick" in (read_photo(written).xmp or b"")
