"""Face parsers at run time: crops in, class indices out; and the ONNX file that `lianpu parser export` writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from lianpu.errors import ModelError, SettingsError
from lianpu.face_parsing.data.mask_files import resized_mask
from lianpu.imaging.picture import Picture, check_picture, resize, to_array
from lianpu.models.sessions import RUN_PROBLEMS, metadata_of, open_session
from lianpu.part_names import PARTS, order_to_ours

Masks = np.ndarray[Any, np.dtype[np.uint8]]
"""Class indices in our order, (N, S, S) uint8."""

BATCH = 8
"""Crops that go through a network at once: more would cost memory and save no time."""


class FaceParser(Protocol):
    """Says of each pixel of an aligned face (template celebamask-hq) which part it is."""

    @property
    def name(self) -> str:
        """What results and tables call it."""
        ...

    @property
    def file(self) -> Path:
        """The model file that it was read from."""
        ...

    @property
    def licence(self) -> str:
        """What the model may be used for."""
        ...

    @property
    def size_px(self) -> int:
        """Side of its network's input; other crops are resized to it and back."""
        ...

    def parse_crops(self, crops: Sequence[Picture]) -> Masks:
        """Class indices (N, S, S) of square crops (S, S, 3) of one size; (0, 0, 0) for no crops."""
        ...


def parse_by_batches(
    crops: Sequence[Picture], size_px: int, run: Callable[[Sequence[Picture]], Masks], at_once: int = BATCH
) -> Masks:
    """What `run` says of crops brought to `size_px`, a few at once, as masks of the crops' own size.

    Raises:
        ValueError: the crops are not square, or not of one size.
    """
    if not len(crops):
        return np.zeros((0, 0, 0), dtype=np.uint8)
    shapes = {check_picture(crop).shape for crop in crops}
    side = crops[0].shape[0]
    if shapes != {(side, side, 3)}:
        raise ValueError(f"crops are square and of one size, got {sorted(shapes)}")
    masks: list[np.ndarray] = []
    for start in range(0, len(crops), at_once):
        chosen = crops[start : start + at_once]
        seen = chosen if side == size_px else [resize(crop, size_px) for crop in chosen]
        masks += [resized_mask(mask, side) for mask in run(seen)]
    return np.stack(masks)


METADATA_KEY = "lianpu_parser"

INPUT, OUTPUT, SHARES = "image", "parts", "shares"

SIDES = ("height", "width")
"""Names of the input's axes that a file may leave open: it then takes crops of any multiple of 32."""

ALIGNMENT = "celebamask-hq"

_AT_ONCE = 1
"""Crops that go through at once: on a CPU one fills the cores, and eight take 8 % longer each (small parser, 448 px, one thread)."""

_ADVICE = "Export it again: lianpu parser export, or take the parser of the package (--parser small)."


@dataclass(frozen=True)
class ParserInfo:
    """What a parser's file says of itself, under one metadata entry.

    Args:
        parts: names of the classes 0, 1, 2 ... that it gives.
        size_px: side of the crops that it was made for.
        alignment: the template that faces are aligned to.
        licence: what it may be used for.
        trained_on: the faces it learned from.
        scores: figures of its training, by name.
    """

    parts: tuple[str, ...]
    size_px: int
    alignment: str
    licence: str
    trained_on: str
    scores: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_metadata(cls, entries: Mapping[str, str], source: str) -> ParserInfo:
        """What the metadata of a file say. Raises ModelError, naming `source`, when they are missing, damaged or of unknown classes."""
        if METADATA_KEY not in entries:
            raise ModelError(
                f"{source} does not say which classes it gives (it has no metadata entry '{METADATA_KEY}'). {_ADVICE}"
            )
        try:
            described = json.loads(entries[METADATA_KEY])
            info = cls(
                parts=tuple(str(name) for name in described["parts"]),
                size_px=int(described["size_px"]),
                alignment=str(described["alignment"]),
                licence=str(described["licence"]),
                trained_on=str(described["trained_on"]),
                scores=dict(described.get("scores") or {}),
            )
        except (json.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as problem:
            raise ModelError(f"{source} has a damaged metadata entry '{METADATA_KEY}' ({problem!r}). {_ADVICE}") from None
        if info.size_px < 1:
            raise ModelError(f"{source} says it takes crops of {info.size_px} pixels. {_ADVICE}")
        if info.alignment != ALIGNMENT:
            raise ModelError(f"{source} takes faces aligned to '{info.alignment}', not to '{ALIGNMENT}'. Give another parser.")
        return info


class OnnxParser:
    """An ONNX file as a FaceParser, run by ONNX Runtime on the CPU.

    Args:
        file: input `image` (B, 3, S, S) float32 in [-1, 1], output `parts` (B, S, S) uint8, metadata as ParserInfo; files for live
            pictures leave S open and also have `shares` (B, C, S/2, S/2) uint8, the probability of each class.
        name: what results call it; the file's name without its ending when None.
        threads: threads for one operation; None takes as many as there are cores.

    Raises:
        ModelError: the file is broken, no ONNX file, does not describe itself, or gives classes that are no parts.
    """

    def __init__(self, file: Path | str, name: str | None = None, threads: int | None = None) -> None:
        self.file = Path(file)
        self.name = name or self.file.stem
        self._threads = threads
        self._session = open_session(self.file, threads, advice=_ADVICE)
        self._shares_session: Any = None
        self.info = ParserInfo.from_metadata(metadata_of(self._session, self.file), str(self.file))
        self._check_ends()
        try:
            self._to_ours = order_to_ours(self.info.parts)
        except SettingsError as problem:
            raise ModelError(f"{self.file} gives classes that are not ours: {problem} Give another parser.") from None

    @property
    def licence(self) -> str:
        """What the file may be used for."""
        return self.info.licence

    @property
    def size_px(self) -> int:
        """Side of the network's input crops."""
        return self.info.size_px

    def parse_crops(self, crops: Sequence[Picture]) -> Masks:
        """Class indices (N, S, S) of crops (S, S, 3), in our order. Raises ModelError when the network cannot run."""
        return parse_by_batches(crops, self.size_px, self._run, _AT_ONCE)

    @property
    def gives_shares(self) -> bool:
        """Whether the file has `part_shares`."""
        open_sides = self._session.get_inputs()[0].shape[2:] == list(SIDES)
        return open_sides and SHARES in {value.name for value in self._session.get_outputs()}

    def part_shares(self, crop: Picture) -> Masks:
        """The probability of each of our parts (19, S/2, S/2) uint8, 255 is certain, in a crop (S, S, 3); S is a multiple of 32.

        Raises:
            ModelError: the file does not give them (`gives_shares`), or the network cannot run.
        """
        if self._shares_session is None:
            self._shares_session = open_session(self.file, self._threads, advice=_ADVICE, outputs=(SHARES,))
        shares = self._outcome(self._shares_session, SHARES, (crop,))[0]
        if len(shares) != len(self._to_ours):
            raise ModelError(f"{self.file} gave shares of {len(shares)} classes, expected {len(self._to_ours)}. {_ADVICE}")
        if np.array_equal(self._to_ours, np.arange(len(PARTS))):
            return shares
        ours = np.zeros((len(PARTS), *shares.shape[1:]), dtype=np.uint8)
        ours[self._to_ours] = shares
        return ours

    def _outcome(self, session: Any, name: str, crops: Sequence[Picture]) -> np.ndarray:
        try:
            return np.asarray(session.run([name], {INPUT: to_array(crops)})[0])
        except RUN_PROBLEMS as problem:
            reason = " ".join(str(problem).split())[:160]
            raise ModelError(f"{self.file} cannot run on crops of {crops[0].shape[0]} pixels ({reason}). {_ADVICE}") from None

    def _run(self, crops: Sequence[Picture]) -> Masks:
        indices = self._outcome(self._session, OUTPUT, crops)
        if indices.shape != (len(crops), self.size_px, self.size_px) or int(indices.max()) >= len(self._to_ours):
            raise ModelError(
                f"{self.file} gave {indices.shape} with classes up to {int(indices.max())}, expected "
                f"{(len(crops), self.size_px, self.size_px)} below {len(self._to_ours)}. {_ADVICE}"
            )
        return self._to_ours[indices]

    def _check_ends(self) -> None:
        inputs = {value.name for value in self._session.get_inputs()}
        outputs = {value.name for value in self._session.get_outputs()}
        if inputs != {INPUT} or OUTPUT not in outputs:
            raise ModelError(
                f"{self.file} takes {', '.join(sorted(inputs))} and gives {', '.join(sorted(outputs))}; "
                f"a parser takes {INPUT} and gives {OUTPUT}. {_ADVICE}"
            )
