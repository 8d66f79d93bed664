"""The edit label of a picture: an XMP packet that says that it was edited, how, by what software, and when.

XMP is ISO 16684-1 (Adobe's specification, parts 1 and 2); the source types are IPTC's Digital Source Type NewsCodes.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from datetime import datetime, timezone

from lianpu.version import __version__

TOOL = f"Lianpu {__version__}"

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"

GENERATIVE = SOURCE_TYPES + "compositeWithTrainedAlgorithmicMedia"
"""A photo, part of which a generative model painted."""

ALGORITHMIC = SOURCE_TYPES + "algorithmicallyEnhanced"
"""A photo altered by an algorithm that is no generative model."""

_STRONGER = (SOURCE_TYPES + "trainedAlgorithmicMedia", SOURCE_TYPES + "compositeSynthetic", GENERATIVE)
"""Stronger source types, which a weaker one must not replace."""

LONGEST_BYTES = 60_000
"""A JPEG holds a packet of up to 65,502 bytes; an earlier packet that would exceed this together with ours is dropped."""

_MOST_BYTES, _DEEPEST = 1_000_000, 50
"""Packets that are larger or nested deeper are no photo's; they are dropped."""

_NAMESPACES = {
    "x": "adobe:ns:meta/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "stEvt": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "crs": "http://ns.adobe.com/camera-raw-settings/1.0/",
}

for _prefix, _uri in _NAMESPACES.items():
    ElementTree.register_namespace(_prefix, _uri)  # standard prefixes: some readers depend on them


_ATTACHED: tuple[tuple[str, str, str], ...] = (
    ("http://ns.adobe.com/hdr-gain-map/1.0/", "", "the HDR gain map"),
    ("http://ns.google.com/photos/1.0/camera/", "Motion", "the film of a motion photo"),
    ("http://ns.google.com/photos/1.0/camera/", "MicroVideo", "the film of a motion photo"),
    ("http://ns.google.com/photos/1.0/depthmap/", "", "the depth map"),
    ("http://ns.google.com/photos/1.0/image/", "", "the original picture that an app attached"),
    ("http://ns.google.com/photos/dd/1.0/device/", "", "the depth map"),
    ("http://ns.google.com/photos/1.0/container/", "", ""),
    ("http://ns.adobe.com/xmp/note/", "HasExtendedXMP", "the extended XMP packet"),
)
"""Properties that speak of data behind the picture, which no writer here keeps: namespace, beginning of the name, and the data in words.

Ultra HDR (Android), Motion Photo 1.0, Dynamic Depth, and part 3 of the XMP specification.
"""


def attached_data(packet: bytes) -> tuple[str, ...]:
    """What an XMP packet says is attached to its picture (a gain map, a film, a depth map), in words."""
    root = _read(packet)
    return () if root is None else tuple(dict.fromkeys(filter(None, (words for _, _, words in _attached(root)))))


def _attached(root: ElementTree.Element) -> list[tuple[ElementTree.Element, str, str]]:
    """Each property that speaks of attached data: its description, its name, and the data in words."""
    found = []
    for description in root.iter(_name("rdf:Description")):
        for name in dict.fromkeys((*description.attrib, *(child.tag for child in description))):
            for uri, beginning, words in _ATTACHED:
                if name.startswith(f"{{{uri}}}{beginning}"):
                    found.append((description, name, words))
    return found


def edited_xmp(what: str, model: str = "", *, earlier: bytes | None = None, when: datetime | None = None) -> bytes:
    """An XMP packet (UTF-8, with its xpacket wrapper) that marks a picture as edited.

    Args:
        what: what was done, for people: `hair_color 0.8; edit Blond_Hair=yes 1.0`.
        model: name or id of the generative model; empty for none. With one the source type is IPTC's
            compositeWithTrainedAlgorithmicMedia, without one algorithmicallyEnhanced.
        earlier: the photo's own packet: its properties are kept, its history is continued, and a stronger source type stays. It is
            dropped if it cannot be parsed or is too long for a JPEG.
        when: time of the edit; None for now.
    """
    at = (when or datetime.now(timezone.utc)).isoformat(timespec="seconds")
    root, description, history = _earlier_or_new(earlier)
    source_type = GENERATIVE if model else ALGORITHMIC
    before = _value(root, "Iptc4xmpExt:DigitalSourceType")
    values = {
        "xmp:CreatorTool": TOOL,
        "xmp:ModifyDate": at,
        "xmp:MetadataDate": at,
        "Iptc4xmpExt:DigitalSourceType": before if before in _STRONGER else source_type,
    }
    if model:
        values["Iptc4xmpExt:AISystemUsed"] = _printable(model)
    _take_out(root, "xmp:Thumbnails")  # they show the photo before the edit
    for place, name, _ in _attached(root):  # it is not in the written file
        place.attrib.pop(name, None)
        for element in place.findall(name):
            place.remove(element)
    for name, value in values.items():
        _take_out(root, name)
        description.set(_name(name), value)
    _add_event(description, history, what, model, at)
    ElementTree.indent(root, " ")
    body = ElementTree.tostring(root, encoding="unicode")
    packet = f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n{body}\n<?xpacket end="w"?>'.encode()
    if len(packet) > LONGEST_BYTES and earlier is not None:
        return edited_xmp(what, model, when=when)
    return packet


def source_type_of(packet: bytes) -> str | None:
    """The Digital Source Type in an XMP packet, as a full URI; None without one or for a broken packet."""
    root = _read(packet)
    return None if root is None else _value(root, "Iptc4xmpExt:DigitalSourceType")


def _earlier_or_new(
    packet: bytes | None,
) -> tuple[ElementTree.Element, ElementTree.Element, ElementTree.Element | None]:
    """The tree to write into, its description of the whole picture, and its history sequence."""
    root = None if packet is None else _read(packet)
    if root is None:
        root = ElementTree.Element(_name("x:xmpmeta"))
        ElementTree.SubElement(root, _name("rdf:RDF"))
    if root.tag == _name("rdf:RDF"):
        inner, root = root, ElementTree.Element(_name("x:xmpmeta"))
        root.append(inner)
    root.set(_name("x:xmptk"), TOOL)
    rdf = root.find(_name("rdf:RDF"))
    assert rdf is not None
    history = next(rdf.iter(_name("xmpMM:History")), None)
    sequence = None if history is None else history.find(_name("rdf:Seq"))
    description = ElementTree.SubElement(rdf, _name("rdf:Description"), {_name("rdf:about"): _about(rdf)})
    return root, description, sequence


def _read(packet: bytes) -> ElementTree.Element | None:
    """The tree of a packet, or None; a DOCTYPE is refused, since its entities could expand without limit, and so is deep nesting."""
    if b"<!DOCTYPE" in packet or b"<!ENTITY" in packet or len(packet) > _MOST_BYTES:
        return None
    try:
        root = ElementTree.fromstring(packet.strip(b"\x00 \t\r\n"))
    except (ElementTree.ParseError, ValueError, LookupError, RecursionError):
        return None
    if _is_deeper(root, _DEEPEST):
        return None
    if root.tag == _name("rdf:RDF") or (root.tag == _name("x:xmpmeta") and root.find(_name("rdf:RDF")) is not None):
        return root
    return None


def _is_deeper(root: ElementTree.Element, most: int) -> bool:
    """Whether elements lie inside each other more than `most` deep: writing them would recurse as deep."""
    level = [root]
    for _ in range(most):
        level = [child for element in level for child in element]
        if not level:
            return False
    return True


def _about(rdf: ElementTree.Element) -> str:
    """The subject of the descriptions: readers expect the same one in all."""
    return next((found for one in rdf if (found := one.get(_name("rdf:about")))), "")


def _value(root: ElementTree.Element, name: str) -> str | None:
    """A simple property, written as attribute or element."""
    for description in root.iter(_name("rdf:Description")):
        if (found := description.get(_name(name))) is not None:
            return found
        element = description.find(_name(name))
        if element is not None:
            return (element.get(_name("rdf:resource")) or element.text or "").strip()
    return None


def _take_out(root: ElementTree.Element, name: str) -> None:
    """Remove every occurrence of a property."""
    for description in list(root.iter(_name("rdf:Description"))):
        description.attrib.pop(_name(name), None)
        for element in description.findall(_name(name)):
            description.remove(element)


def _add_event(description: ElementTree.Element, sequence: ElementTree.Element | None, what: str, model: str, at: str) -> None:
    if sequence is None:
        sequence = ElementTree.SubElement(ElementTree.SubElement(description, _name("xmpMM:History")), _name("rdf:Seq"))
    event = ElementTree.SubElement(sequence, _name("rdf:li"), {_name("rdf:parseType"): "Resource"})
    done = _printable(what) + (f" (model: {_printable(model)})" if model else "")
    for name, value in (("action", "edited"), ("softwareAgent", TOOL), ("when", at), ("parameters", done), ("changed", "/")):
        ElementTree.SubElement(event, _name(f"stEvt:{name}")).text = value


def _name(prefixed: str) -> str:
    """`xmp:CreatorTool` as ElementTree spells it."""
    prefix, _, name = prefixed.partition(":")
    return f"{{{_NAMESPACES[prefix]}}}{name}"


def _printable(text: str) -> str:
    """The text without characters that XML cannot hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)
