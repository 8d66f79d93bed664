"""Fields of an editor (`editors.editor.FieldEditor`), applied to the photo at its own resolution, band by band.

Flow, colours and gains are smooth, so they are sampled bilinearly at each pixel of the photo; nothing is enlarged that has edges. What the editor drew
besides, its residual, goes the way of every residual (`residual_transfer`). The formula is that of `stargan.fields.apply_fields`, with this
difference: the blurs that part fine from middle detail are those of the crop, enlarged, so finer detail of the photo counts as fine.

A cell of the grid is wide, so what is meant for hair reaches the forehead. Where an edit is about hair and face, their colours are therefore taken from
cells that lie wholly in the one or the other, and both meet at the hair's own edge in the photo.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from lianpu.editing.attribute_masks import Mask, attribute_mask, parts_of
from lianpu.editing.residual_transfer import (
    TransferredResidual,
    crop_border_fading,
    in_crop,
    residual_bands,
    transfer_residual,
)
from lianpu.faces.alignment import Aligned
from lianpu.faces.results import Subject
from lianpu.imaging.compositing import Field, View, view_of, warped
from lianpu.imaging.geometry import Matrix, Window, compose, enlarge, inverse, scaling, warp_values
from lianpu.imaging.picture import Picture
from lianpu.stargan.layers import BAND_SIGMAS

_MATTE_REACH = 0.06
"""How far beyond the attribute's matte the flow reaches, as a share of the crop's side: a jaw that moves takes its surroundings along."""

_INSIDE_CELLS = 1.5
"""How far from the hair's edge, in cells, a cell must lie to tell the colours of its side."""

Planes = np.ndarray[Any, np.dtype[np.float32]]
"""One field over its grid, (G, G, C)."""


@dataclass(frozen=True, eq=False)
class CropFields:
    """The fields of one crop of side S, channels last.

    Args:
        flow: (G, G, 2), to the right and below, in shares of S.
        colours: (G, G, 12), for colours from -1 to 1.
        gains: (G, G, 2).
        residual: (H, H, 3), in units of the batch.
    """

    flow: Planes
    colours: Planes
    gains: Planes
    residual: Planes

    @classmethod
    def of(cls, outputs: Mapping[str, np.ndarray], row: int) -> CropFields:
        """Those of one row of `fields_array`."""
        flow, colours, gains, residual = (
            np.ascontiguousarray(outputs[name][row].transpose(1, 2, 0)) for name in ("flow", "colours", "gains", "residual")
        )
        return cls(flow, colours, gains, residual)

    def mirrored(self) -> CropFields:
        """The fields of the crop turned left to right."""
        flow, colours, gains, residual = (
            np.ascontiguousarray(field[:, ::-1]) for field in (self.flow, self.colours, self.gains, self.residual)
        )
        flow[..., 0] *= -1
        return CropFields(flow, colours, gains, residual)

    def mean_with(self, other: CropFields) -> CropFields:
        """The mean of two: what a small editor does to one side only is mostly an artefact."""
        half = np.float32(0.5)
        return CropFields(
            half * (self.flow + other.flow),
            half * (self.colours + other.colours),
            half * (self.gains + other.gains),
            half * (self.residual + other.residual),
        )


@dataclass(frozen=True, eq=False)
class AppliedFields:
    """The fields of one face, to be applied to its photo at any strength: see `transfer_fields`.

    Args:
        fields: of the crop; the flow fades out with the matte and at the crop's border.
        soft: (S, S, 6) the crop after the two blurs that part its detail, in units of the batch.
        residual: what the editor drew besides, within the attribute's matte, which colours and gains keep to, too.
        side: S.
        hair: (h, w) uint8 over the subject's window, and the colours (G, G, 12) there, where they are not those of `fields`; else None.
    """

    fields: CropFields
    soft: Field
    residual: TransferredResidual
    side: int
    hair: tuple[Mask, Planes] | None = None

    def mask(self, photo: Picture) -> Mask:
        """(h, w) uint8 over the subject's window: the alpha matte; the flow also moves pixels a little beyond it."""
        return self.residual.mask(photo)

    def put(self, photo: Picture, strength: float) -> Picture:
        """A copy of the photo with the fields applied."""
        if not strength:
            return photo.copy()
        result = self._recoloured(photo, strength)
        view = view_of(result, self.residual.window)
        flow = self._flow_over(view) * np.float32(strength)
        return warped(result, view, flow)

    def _recoloured(self, photo: Picture, strength: float) -> Picture:
        """Colours, detail and residual; the flow comes after."""
        result = photo.copy()
        rows, columns = self.residual.window
        left, top, width, height = cv2.boundingRect(self.residual.allowed)
        if not width:
            return result
        mask = self.residual.allowed[top : top + height, left : left + width]
        first = rows.start + top
        touched = (slice(first, first + height), slice(columns.start + left, columns.start + left + width))
        for band, change in residual_bands(self.residual.guided, photo, self.residual.matrix, touched):
            part = mask[band[0].start - first : band[0].stop - first]
            change += self._change_of(photo[band], band)
            change *= (part.astype(np.float32) * (strength / 255))[:, :, None]
            change += photo[band]
            result[band] = np.clip(np.rint(change), 0, 255).astype(np.uint8)
        return result

    def _change_of(self, part: Picture, band: Window) -> Field:
        """What colours and gains add to a band (h, w, 3) of the photo, in grey levels."""
        size = (part.shape[1], part.shape[0])
        back = inverse(self.residual.matrix)
        back[:, 2] -= (band[1].start, band[0].start)
        from_grid = _from_grid(back, self.side, self.fields.colours)
        pixels = part.astype(np.float32) / np.float32(127.5) - np.float32(1)
        change = _recoloured(pixels, self.fields.colours, from_grid)
        if self.hair is not None:
            rows, columns = self.residual.window
            matte = self.hair[0][
                band[0].start - rows.start : band[0].stop - rows.start,
                band[1].start - columns.start : band[1].stop - columns.start,
            ]
            if matte.any():
                change += (matte.astype(np.float32) / 255)[..., None] * (_recoloured(pixels, self.hair[1], from_grid) - change)
        gains = warp_values(self.fields.gains, from_grid, size)
        soft, softer = (warp_values(self.soft[..., place : place + 3], back, size) for place in (0, 3))
        pixels -= soft
        change += gains[..., :1] * pixels
        soft -= softer
        change += gains[..., 1:] * soft
        return np.asarray(change * np.float32(127.5), dtype=np.float32)

    def _flow_over(self, view: View) -> Field:
        """The flow over a view (h, w, 2) in pixels of the photo."""
        rows, columns = view.window
        high, wide = rows.stop - rows.start, columns.stop - columns.start
        by = (view.shape[1] / wide, view.shape[0] / high)
        to_view = compose(scaling(by), np.array([[1.0, 0.0, -columns.start], [0.0, 1.0, -rows.start]]))
        back = inverse(self.residual.matrix)
        # shares of the crop become pixels of the photo, turned as the face is
        moved = self.fields.flow @ (back[:, :2] * self.side).T.astype(np.float32)
        from_grid = _from_grid(compose(to_view, back), self.side, moved)
        return np.asarray(warp_values(moved, from_grid, view.shape[::-1], outside=0), dtype=np.float32)


def transfer_fields(
    photo: Picture, subject: Subject, aligned: Aligned, fields: CropFields, attributes: Iterable[str]
) -> AppliedFields:
    """What an editor's fields for the crop `aligned` do to the photo, within the matte of the attributes and to the crop's border."""
    names = tuple(attributes)
    side = len(aligned.picture)
    drawn = aligned.picture.astype(np.float32) + 127.5 * enlarge(fields.residual, (side, side))
    residual = transfer_residual(photo, subject, aligned, np.clip(np.rint(drawn), 0, 255).astype(np.uint8), names)
    batch = aligned.picture.astype(np.float32) / np.float32(127.5) - np.float32(1)
    soft = np.dstack([_blurred(batch, sigma * side) for sigma in BAND_SIGMAS])
    about = subject if residual.window == subject.window else subject.wide()
    flow = fields.flow * _held(residual.allowed, aligned, about, len(fields.flow))
    hair = about.parts.where("hair")
    if {"hair", "skin"} - set(parts_of(names)) or not hair.any():
        return AppliedFields(CropFields(flow, fields.colours, fields.gains, fields.residual), soft, residual, side)
    of_face, of_hair = _parted(fields.colours, in_crop(hair.astype(np.uint8) * 255, aligned, about))
    held = CropFields(flow, of_face, fields.gains, fields.residual)
    return AppliedFields(held, soft, residual, side, (attribute_mask(photo, about, ("Black_Hair",)), of_hair))


def _recoloured(pixels: Field, colours: Planes, from_grid: Matrix) -> Field:
    """What the colour transforms add to pixels (h, w, 3) from -1 to 1."""
    size = (pixels.shape[1], pixels.shape[0])
    change = warp_values(colours[..., 9:], from_grid, size)
    for channel in range(3):
        row = warp_values(colours[..., 3 * channel : 3 * channel + 3], from_grid, size)
        change[:, :, channel] += np.einsum("hwc,hwc->hw", row, pixels)
    return change


def _parted(colours: Planes, hair: Field) -> tuple[Planes, Planes]:
    """The colours (G, G, 12) of what is no hair and of hair, (S, S) from 0 to 1: each from cells well inside it, continued over the other."""
    count = len(colours)
    reach = max(1, round(_INSIDE_CELLS * len(hair) / count))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    inside = (cv2.erode(part, kernel, borderType=cv2.BORDER_REPLICATE) for part in (1 - hair, hair))
    shares = (np.asarray(cv2.resize(part, (count, count), interpolation=cv2.INTER_AREA), dtype=np.float32) for part in inside)
    face, strands = (_continued(colours, share) for share in shares)
    return face, strands


def _continued(colours: Planes, weight: Field) -> Planes:
    """The colours where the weight (G, G) is 1, and what they tell of the rest: means of ever wider surroundings."""
    found, known = colours * weight[..., None], weight
    for sigma in (1.0, 2.0, 4.0):
        near, share = (cv2.GaussianBlur(each, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE) for each in (found, known))
        missing = np.clip(share / np.float32(0.05), 0, 1) * (1 - known)
        found = found + (missing / np.maximum(share, np.float32(1e-4)))[..., None] * near
        known = known + missing
    return np.asarray(found + (1 - known)[..., None] * colours, dtype=np.float32)


def _blurred(values: Field, sigma: float) -> Field:
    reach = 2 * max(1, int(4 * sigma + 0.5)) + 1
    return np.asarray(cv2.GaussianBlur(values, (reach, reach), sigma, borderType=cv2.BORDER_REFLECT), dtype=np.float32)


def _held(matte: Mask, aligned: Aligned, subject: Subject, count: int) -> Field:
    """(G, G, 1): 1 on the matte, falling to 0 around it and at the crop's border."""
    side = len(aligned.picture)
    reach = _MATTE_REACH * side
    size = 2 * round(reach) + 1
    near = cv2.dilate(in_crop(matte, aligned, subject), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    soft = cv2.GaussianBlur(near, (0, 0), reach / 2, borderType=cv2.BORDER_REPLICATE) * crop_border_fading(side)
    return np.asarray(cv2.resize(soft, (count, count), interpolation=cv2.INTER_AREA)[..., None], dtype=np.float32)


def _from_grid(back: Matrix, side: int, field: Planes) -> Matrix:
    """The matrix (2, 3) from the cells of a field (G, G, C) to where `back` takes the pixels of its crop of `side`."""
    return compose(back, scaling(side / len(field)))
