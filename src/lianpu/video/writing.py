"""Videos written by PyAV: frames encoded into a file, and encoded pieces joined to one, with the sound of another file copied."""

from __future__ import annotations

import heapq
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lianpu.errors import VideoError
from lianpu.image import Picture
from lianpu.video.encoding import ENDINGS, Encoding
from lianpu.video.orientation import DisplayMatrix, stored
from lianpu.video.reading import Colors, Frame, VideoFacts, load_av, opened
from lianpu.video.stamps import decoding_stamps

if TYPE_CHECKING:
    import av

PIECE_ENDING = ".mkv"
"""The form of pieces: it holds what any encoder makes."""

_PIECE_RATE = 25
_COPIED = ("audio", "subtitle")


@dataclass(frozen=True)
class Form:
    """What an encoded stream needs to know of its frames.

    Args:
        width: of the stored frames.
        height: likewise.
        rate: frames a second, on the average.
        matrix: how they are turned for showing.
        colors: what their numbers mean.
        aspect: of a pixel.
    """

    width: int
    height: int
    rate: Fraction
    matrix: DisplayMatrix = ()
    colors: Colors = field(default_factory=Colors)
    aspect: Fraction = Fraction(1)

    @classmethod
    def of(cls, facts: VideoFacts) -> Form:
        """The form of a video that was read."""
        return cls(facts.width, facts.height, facts.rate, facts.matrix, facts.colors, facts.aspect)


@dataclass(frozen=True, eq=False)
class Piece:
    """A part of a video that is encoded already.

    Args:
        file: its file; times in it mean nothing, only the order of frames does.
        stamps: when each of its frames is shown, ascending, in the time base of the video.
    """

    file: Path
    stamps: tuple[int, ...]


class FrameWriter:
    """Encodes frames into a file; see `frame_writer`. Frames are given in the order in which they are shown."""

    def __init__(self, container: av.container.OutputContainer, stream: av.VideoStream, form: Form) -> None:
        self._container, self._stream, self._form = container, stream, form
        self._size = (stream.width, stream.height)

    def write(self, picture: Picture, stamp: int, time_base: Fraction) -> None:
        """Add a frame (H, W, 3), as it is shown."""
        av = load_av()
        lying = _padded(stored(picture, self._form.matrix), self._size)
        raw = av.VideoFrame.from_ndarray(lying, format="rgb24")
        self._encode(_yuv(raw, self._stream.pix_fmt, self._form), stamp, time_base)

    def write_raw(self, frame: Frame, stamp: int, time_base: Fraction) -> None:
        """Add a frame that nothing changed: without a way through RGB where its form is the file's."""
        raw = frame.raw
        if raw.format.name != self._stream.pix_fmt or (raw.width, raw.height) != self._size:
            self.write(frame.picture, stamp, time_base)
            return
        self._encode(raw, stamp, time_base)

    def _encode(self, raw: av.VideoFrame, stamp: int, time_base: Fraction) -> None:
        raw.pts, raw.time_base = stamp, time_base
        raw.pict_type = 0  # the encoder chooses: what the source's encoder chose is its own affair
        self._container.mux(self._stream.encode(raw))


@contextmanager
def frame_writer(
    file: Path, form: Form, encoding: Encoding, time_base: Fraction, threads: int | None = None
) -> Iterator[FrameWriter]:
    """A writer of `file`, which is whole when the block has ended well. Odd sizes gain a line: the formats hold pairs.

    Raises:
        VideoError: the encoder does not take this.
    """
    av = load_av()
    try:
        with av.open(str(file), "w", format=ENDINGS[file.suffix.lower()]) as container:
            stream = container.add_stream(encoding.encoder, rate=form.rate, options=dict(encoding.options))
            stream.width, stream.height = form.width + form.width % 2, form.height + form.height % 2
            stream.pix_fmt = encoding.pixel_format
            context = stream.codec_context
            context.time_base = time_base
            rate = encoding.bit_rate(form.width, form.height, float(form.rate))
            if rate:
                context.bit_rate = rate
            if threads is not None:
                context.thread_count = threads
            context.sample_aspect_ratio = form.aspect
            context.color_range, context.colorspace = form.colors.range, _said_space(form.colors)
            context.color_primaries, context.color_trc = form.colors.primaries, form.colors.transfer
            if form.matrix:
                stream.set_display_matrix(form.matrix)
            yield FrameWriter(container, stream, form)
            container.mux(stream.encode(None))
    except av.error.FFmpegError as problem:
        raise VideoError(f"{file}: {encoding.encoder} could not encode ({problem}). Take another --encoder.") from None


def piece_writer(file: Path, facts: VideoFacts, encoding: Encoding, threads: int | None) -> Any:
    """A writer of a piece, whose stamps are 0, 1, 2 ...; what a whole file says (turned, colours) is said when pieces are joined."""
    return frame_writer(file, Form.of(facts), encoding, Fraction(1, _PIECE_RATE), threads)


PIECE_TIME_BASE = Fraction(1, _PIECE_RATE)


def check_copied(facts: VideoFacts, target: Path) -> None:
    """Nothing, if a file of the target's form can hold the sound as it is. Raises VideoError, naming what it cannot hold."""
    av = load_av()
    with opened(facts.file) as source:
        for stream in source.streams.audio:
            container = av.open(io.BytesIO(), "w", format=ENDINGS[target.suffix.lower()])
            try:
                container.add_stream_from_template(stream)
            except (ValueError, av.error.FFmpegError):
                name = stream.codec_context.name if stream.codec_context is not None else "unknown"
                raise VideoError(
                    f"{target.suffix} cannot hold the sound of {facts.file} ({name}), and sound is copied, not encoded again. Take .mkv."
                ) from None


def join_pieces(pieces: Sequence[Piece], facts: VideoFacts, target: Path, comment: str) -> tuple[str, ...]:
    """`target`, holding the frames of the pieces at their stamps, and sound, subtitles, chapters and titles of the source, copied.

    Nothing is encoded again. Gives words on what could not be copied.
    """
    av = load_av()
    left_out: list[str] = []
    with opened(facts.file) as source, av.open(str(target), "w", format=ENDINGS[target.suffix.lower()]) as container:
        container.metadata.update({**_kept_words(source.metadata), "comment": comment})
        with av.open(str(pieces[0].file)) as first:
            video = container.add_stream_from_template(first.streams.video[0], opaque=True)
        video.time_base = facts.time_base
        if facts.matrix:
            video.set_display_matrix(facts.matrix)
        copies = {}
        for stream in source.streams:
            if stream.type in _COPIED and stream.codec_context is not None:
                try:
                    copies[stream.index] = container.add_stream_from_template(stream)
                    copies[stream.index].metadata.update(stream.metadata)
                except (ValueError, av.error.FFmpegError):
                    left_out.append(f"{stream.type} stream {stream.index} ({stream.codec_context.name})")
        if hasattr(source, "chapters") and source.chapters():
            container.set_chapters(source.chapters())
        copied = _copied_packets(source, copies)
        for _, packet in heapq.merge(_piece_packets(pieces, facts, video), copied, key=lambda timed: timed[0]):
            container.mux(packet)
    return tuple(left_out)


def _piece_packets(pieces: Sequence[Piece], facts: VideoFacts, stream: av.VideoStream) -> Iterator[tuple[float, av.Packet]]:
    """The pieces' packets at their stamps in the source: exact, whatever the time base of a piece."""
    av = load_av()
    every = [stamp for piece in pieces for stamp in piece.stamps]
    ranks: list[int] = []
    for piece in pieces:
        with av.open(str(piece.file)) as container:
            times = [int(packet.pts) for packet in container.demux(video=0) if packet.size]
        order = {time: rank for rank, time in enumerate(sorted(times))}
        assert len(order) == len(piece.stamps), f"{piece.file} holds {len(order)} frames, not {len(piece.stamps)}"
        begin = len(ranks)
        ranks += [begin + order[time] for time in times]
    decoding = decoding_stamps(every, ranks)
    number = 0
    for piece in pieces:
        with av.open(str(piece.file)) as container:
            for packet in container.demux(video=0):
                if not packet.size:
                    continue
                rank = ranks[number]
                packet.time_base, packet.pts, packet.dts = facts.time_base, every[rank], decoding[number]
                after = every[rank + 1] if rank + 1 < len(every) else every[rank] + facts.last_duration
                packet.duration = after - every[rank]
                packet.stream = stream
                number += 1
                yield float(packet.dts * facts.time_base), packet


def _copied_packets(source: av.container.InputContainer, copies: dict[int, Any]) -> Iterator[tuple[float, av.Packet]]:
    """The packets of the copied streams, with their own times, up to where the file breaks."""
    av = load_av()
    if not copies:
        return
    wanted = [stream for stream in source.streams if stream.index in copies]
    try:
        for packet in source.demux(wanted):
            if packet.dts is None or not packet.size or packet.is_corrupt:
                continue
            time = float(packet.dts * packet.time_base)
            packet.stream = copies[packet.stream.index]
            yield time, packet
    except av.error.FFmpegError:
        return


def _yuv(raw: av.VideoFrame, pixel_format: str, form: Form) -> av.VideoFrame:
    full = form.colors.range == 2
    frame = raw.reformat(
        format=pixel_format,
        dst_colorspace=form.colors.matrix(form.height),
        dst_color_range=2 if full else 1,
        interpolation="BICUBIC",
    )
    frame.color_range, frame.colorspace = form.colors.range, _said_space(form.colors)
    frame.color_primaries, frame.color_trc = form.colors.primaries, form.colors.transfer
    return frame


def _said_space(colors: Colors) -> int:
    """What the file says of its matrix; a source of RGB (0) becomes one that says nothing."""
    return 2 if colors.space == 0 else colors.space


def _padded(picture: Picture, size: tuple[int, int]) -> Picture:
    """The picture, its last row and column repeated up to `size` = (width, height)."""
    height, width = picture.shape[:2]
    if (width, height) == size:
        return picture
    return np.pad(picture, ((0, size[1] - height), (0, size[0] - width), (0, 0)), mode="edge")


def _kept_words(metadata: Any) -> dict[str, str]:
    """Titles, places and dates of the source; not what describes its file's form."""
    form = ("major_brand", "minor_version", "compatible_brands", "encoder", "comment")
    return {key: value for key, value in metadata.items() if key not in form}
