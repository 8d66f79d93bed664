"""The mark of an edited picture."""

import xml.etree.ElementTree as ElementTree
from datetime import datetime, timezone
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lianpu.photo.reading import read_photo
from lianpu.photo.xmp import (
    ALGORITHMIC,
    GENERATIVE,
    LONGEST_BYTES,
    SOURCE_TYPES,
    TOOL,
    attached_data,
    edited_xmp,
    source_type_of,
)
from lianpu.version import __version__

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
EVENT = "{http://ns.adobe.com/xap/1.0/sType/ResourceEvent#}"

CAMERA = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="uuid:1" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="Camera 1"
 xmlns:own="https://example.org/own/" own:shelf="7"><dc:creator><rdf:Seq><rdf:li>Anna</rdf:li></rdf:Seq></dc:creator></rdf:Description>
</rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def _events(packet: bytes) -> list[dict[str, str]]:
    root = ElementTree.fromstring(packet)
    return [
        {child.tag.removeprefix(EVENT): child.text or "" for child in item}
        for item in root.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li")
        if any(child.tag.startswith(EVENT) for child in item)
    ]


def test_the_mark_says_what_was_done_by_what_and_when() -> None:
    packet = edited_xmp("hair_color 0.8", when=WHEN)
    assert packet.startswith(b'<?xpacket begin="\xef\xbb\xbf"') and packet.endswith(b'<?xpacket end="w"?>')
    assert f'xmp:CreatorTool="Lianpu {__version__}"'.encode() in packet
    assert _events(packet) == [
        {
            "action": "edited",
            "softwareAgent": TOOL,
            "when": "2026-01-02T03:04:05+00:00",
            "parameters": "hair_color 0.8",
            "changed": "/",
        }
    ]


def test_a_generative_model_is_named_and_makes_another_source_type() -> None:
    assert source_type_of(edited_xmp("lipstick 1")) == ALGORITHMIC
    packet = edited_xmp("edit Blond_Hair=yes", "lite")
    assert source_type_of(packet) == GENERATIVE
    assert b'Iptc4xmpExt:AISystemUsed="lite"' in packet and "(model: lite)" in _events(packet)[0]["parameters"]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_the_mark_is_read_back_from_a_file(form: str) -> None:
    packet, file, words = edited_xmp("blush 1", when=WHEN), BytesIO(), PngInfo()
    words.add_itxt("XML:com.adobe.xmp", packet.decode())
    Image.new("RGB", (8, 8)).save(file, form, **({"pnginfo": words} if form == "PNG" else {"xmp": packet}))
    with Image.open(file) as image:
        back = image.info["xmp"]
    assert source_type_of(back) == ALGORITHMIC and _events(back)[0]["parameters"] == "blush 1"


def test_what_the_photo_said_of_itself_is_kept() -> None:
    packet = edited_xmp("blush 1", earlier=CAMERA, when=WHEN)
    text = packet.decode()
    assert "Anna" in text and "https://example.org/own/" in text and 'shelf="7"' in text
    assert text.count("CreatorTool") == 1 and "Camera 1" not in text
    assert text.count('rdf:about="uuid:1"') == 2  # both descriptions are of the same picture


def test_history_goes_on_and_a_stronger_mark_stays() -> None:
    first = edited_xmp("edit Young=no", "lite", when=WHEN)
    second = edited_xmp("lipstick 0.5", earlier=first, when=WHEN)
    assert [event["parameters"] for event in _events(second)] == ["edit Young=no (model: lite)", "lipstick 0.5"]
    assert source_type_of(second) == GENERATIVE
    generated = first.replace(GENERATIVE.encode(), f"{SOURCE_TYPES}trainedAlgorithmicMedia".encode())
    assert source_type_of(edited_xmp("edit Young=no", "lite", earlier=generated)) == f"{SOURCE_TYPES}trainedAlgorithmicMedia"


def test_a_source_type_written_as_an_element_is_read_and_replaced() -> None:
    element = (
        edited_xmp("a")
        .replace(f' Iptc4xmpExt:DigitalSourceType="{ALGORITHMIC}"'.encode(), b"")
        .replace(
            b"<xmpMM:History>",
            f"<Iptc4xmpExt:DigitalSourceType>{ALGORITHMIC}</Iptc4xmpExt:DigitalSourceType><xmpMM:History>".encode(),
        )
    )
    assert source_type_of(element) == ALGORITHMIC
    after = edited_xmp("b", "lite", earlier=element)
    assert source_type_of(after) == GENERATIVE and after.count(b"DigitalSourceType") == 1


@pytest.mark.parametrize(
    "earlier",
    [
        b"",
        b"not xml",
        b"<a/>",
        CAMERA[:200],
        b'<!DOCTYPE a [<!ENTITY b "c">]>' + CAMERA,
        b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>",
        CAMERA.replace(b"Anna", b"A" * LONGEST_BYTES),
    ],
)
def test_an_earlier_packet_that_is_broken_or_too_long_is_left_out(earlier: bytes) -> None:
    assert edited_xmp("blush 1", earlier=earlier, when=WHEN) == edited_xmp("blush 1", when=WHEN)


def test_words_that_xml_cannot_hold_or_must_escape_do_not_break_the_packet() -> None:
    packet = edited_xmp('a<b & "c"\x00\x08', "m\x1bn\"'>")
    assert _events(packet)[0]["parameters"] == 'a<b & "c" (model: mn"\'>)'


GAIN_MAP = 'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"'
MOTION = (
    'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1" GCamera:MicroVideo="1" '
    'GCamera:MicroVideoOffset="12510" GCamera:SpecialTypeID="portrait"'
)
DEPTH = 'xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/" GDepth:Format="RangeInverse"'
EXTENDED = 'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="ABCDEF"'
DIRECTORY = '<C:Directory xmlns:C="http://ns.google.com/photos/1.0/container/"><rdf:Seq><rdf:li rdf:parseType="Resource"/></rdf:Seq></C:Directory>'


@pytest.mark.parametrize(
    ("attributes", "inside", "words"),
    [
        (GAIN_MAP, DIRECTORY, ("the HDR gain map",)),
        (MOTION, "", ("the film of a motion photo",)),
        (f"{DEPTH} {EXTENDED}", "", ("the depth map", "the extended XMP packet")),
        ('xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/jpeg"', "", ()),
    ],
)
def test_data_behind_the_picture_is_named_and_no_longer_claimed(
    attributes: str, inside: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {attributes}>{inside}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()
    file = tmp_path / "in.jpg"
    Image.new("RGB", (16, 16), "teal").save(file, xmp=packet)
    file.write_bytes(file.read_bytes() + b"film" * 100)
    assert attached_data(packet) == words == read_photo(file).lost
    after = edited_xmp("lipstick 1", earlier=packet)
    assert (
        attached_data(after) == () and b"container/" not in after and b"hdr-gain-map" not in after and b"MotionPhoto" not in after
    )
    assert (b"SpecialTypeID" in after) == ("SpecialTypeID" in attributes) and (b"image/jpeg" in after) == (
        "image/jpeg" in attributes
    )
