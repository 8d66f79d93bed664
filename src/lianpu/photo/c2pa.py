"""Content credentials (C2PA) for edited pictures: a signed manifest in the file, if c2pa-python is installed and a certificate is given.

The manifest follows the C2PA specification 2.x: the picture was opened (its earlier credentials become an ingredient) and edited, with IPTC's
digital source type. Validators do not trust a self-signed certificate like one from a listed authority.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from lianpu.errors import LianpuError, SettingsError
from lianpu.files import atomic_file
from lianpu.photo.formats import photo_format
from lianpu.photo.xmp import ALGORITHMIC, GENERATIVE
from lianpu.version import __version__

ALGORITHMS = ("es256", "es384", "es512", "ps256", "ps384", "ps512", "ed25519")

MIME_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "TIFF": "image/tiff"}
"""Formats (`photo.formats.FORMATS`) that can hold a credential, with their MIME types."""


@dataclass(frozen=True)
class Signing:
    """A certificate chain and its key, both PEM, loaded once.

    Args:
        certificates: the chain, the signer's certificate first.
        key: the private key (PKCS#8); never shown.
        algorithm: of ALGORITHMS; must match the key.
        timestamps: URL of a time stamp authority, contacted for each signature; empty for none.
    """

    certificates: str
    key: str
    algorithm: Literal["es256", "es384", "es512", "ps256", "ps384", "ps512", "ed25519"] = "es256"
    timestamps: str = ""

    def __repr__(self) -> str:
        return f"Signing({self.algorithm})"


def is_installed() -> bool:
    """Whether c2pa-python is installed."""
    return find_spec("c2pa") is not None


@dataclass(frozen=True)
class SigningFiles:
    """Files for signing.

    Args:
        certificates: a PEM file with the chain, the signer's certificate first.
        key: a PEM file with its private key (PKCS#8).
        algorithm: of ALGORITHMS; must match the key.
        timestamps: URL of a time stamp authority; empty for none.
    """

    certificates: Path
    key: Path
    algorithm: str = "es256"
    timestamps: str = ""


def open_signing(files: SigningFiles) -> Signing:
    """Load two PEM files and sign a small picture as a test, so that a wrong pair is reported now and not at the first export.

    Raises:
        LianpuError: c2pa-python is not installed.
        SettingsError: a file is missing or not PEM, the algorithm is unknown, or certificate, key and algorithm do not match.
    """
    if not is_installed():
        raise LianpuError("Signing needs c2pa-python, which is not installed here. Install it: pip install 'lianpu[c2pa]'")
    certificates, key, algorithm = files.certificates, files.key, files.algorithm
    if algorithm not in ALGORITHMS:
        raise SettingsError(f"'{algorithm}' is no signing algorithm. Known: {', '.join(ALGORITHMS)}.")
    signing = Signing(_pem(certificates, "CERTIFICATE"), _pem(key, "PRIVATE KEY"), algorithm, files.timestamps)  # type: ignore[arg-type]
    try:
        _signed(_TINY_PNG, "image/png", signing, "test", "")
    except LianpuError as problem:
        raise SettingsError(f"{certificates} and {key} cannot sign with {algorithm}: {problem}") from None
    return signing


def sign(file: Path, signing: Signing, what: str, model: str = "", earlier: Path | None = None) -> bool:
    """Sign the picture in `file` and return True; return False, file unchanged, if its format cannot hold a credential.

    Args:
        file: the edited picture; replaced by the signed one.
        signing: of `open_signing`.
        what: what was done, in words.
        model: the generative model used; empty for none.
        earlier: the file before the edit: its hash and credentials become an ingredient. Leave it out if faces were anonymised: a
            camera's credentials contain a thumbnail of the original.

    Raises:
        LianpuError: signing failed; the file is unchanged.
    """
    kind = MIME_TYPES.get(photo_format(file) or "")
    if kind is None:
        return False
    signed = _signed(file.read_bytes(), kind, signing, what, model, earlier)
    with atomic_file(file) as partial:
        partial.write_bytes(signed)
    return True


def credential_of(file: Path) -> dict[str, object] | None:
    """The active manifest of a file as plain values; None without one. Raises LianpuError without c2pa-python or for a broken manifest."""
    if not is_installed():
        raise LianpuError(
            "Reading credentials needs c2pa-python, which is not installed here. Install it: pip install 'lianpu[c2pa]'"
        )
    import c2pa

    try:
        reader = c2pa.Reader.try_create(str(file))
        if reader is None:
            return None
        with reader:
            store = json.loads(reader.json())
    except c2pa.C2paError as problem:
        raise LianpuError(f"{file}: its content credential cannot be read ({_one_line(problem)}).") from None
    manifest: dict[str, object] = store["manifests"][store["active_manifest"]]
    return manifest


def _signed(picture: bytes, kind: str, signing: Signing, what: str, model: str, earlier: Path | None = None) -> bytes:
    from io import BytesIO

    import c2pa

    target = BytesIO()
    try:
        info = c2pa.C2paSignerInfo(
            alg=signing.algorithm.encode(),
            sign_cert=signing.certificates.encode(),
            private_key=signing.key.encode(),
            ta_url=signing.timestamps.encode() or None,
        )
        with c2pa.Context(c2pa.Settings.from_dict(_SETTINGS)) as context, c2pa.Signer.from_info(info) as signer:
            earlier_kind = None if earlier is None else MIME_TYPES.get(photo_format(earlier) or "")
            with c2pa.Builder(_manifest(what, model, earlier_kind is not None), context) as builder:
                if earlier is not None and earlier_kind is not None:
                    builder.add_ingredient(json.dumps(_INGREDIENT), earlier_kind, BytesIO(earlier.read_bytes()))
                builder.sign(signer, kind, BytesIO(picture), target)
    except c2pa.C2paError as problem:
        raise LianpuError(
            "The content credential could not be signed ({reason}).", key="c2pa.not_signed", reason=_one_line(problem)
        ) from None
    return target.getvalue()


_INGREDIENT = {"title": "the photo before the edit", "relationship": "parentOf", "instance_id": "photo", "label": "photo"}

_SETTINGS = {"builder": {"thumbnail": {"enabled": False}}}
"""No thumbnails: one of the original would show an anonymised face."""


def _manifest(what: str, model: str, carried: bool) -> str:
    opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["photo"]}}
    edited = {
        "action": "c2pa.edited",
        "softwareAgent": {"name": "Lianpu", "version": __version__},
        "description": what + (f" (model: {model})" if model else ""),
        "digitalSourceType": GENERATIVE if model else ALGORITHMIC,
    }
    return json.dumps(
        {
            "claim_generator_info": [{"name": "Lianpu", "version": __version__}],
            "title": "edited photo",
            "ingredients": [] if carried else [_INGREDIENT],
            "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [opened, edited]}}],
        }
    )


def _pem(file: Path, holds: str) -> str:
    try:
        text = file.read_text(encoding="ascii")
    except FileNotFoundError:
        raise SettingsError(f"{file} is not there. Give a PEM file.") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingsError(f"{file} cannot be read as PEM ({problem}).") from None
    if f"{holds}-----" not in text:
        raise SettingsError(f"{file} holds no {holds} in PEM format.")
    return text


def _one_line(problem: Exception) -> str:
    return " ".join(str(problem).split())


_TINY_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
    "53de0000000c49444154789c63606060000000040001f61738550000000049454e44ae426082"
)
