"""Muxing: encoded pieces of a video become one file, with the sound and subtitles of the source copied."""

from __future__ import annotations

import heapq
import io
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lianpu.errors import VideoError
from lianpu.video.io.av_library import load_av, opened
from lianpu.video.io.encoding import ENDINGS, Encoding
from lianpu.video.io.probe import VideoProbe
from lianpu.video.io.writing import FrameWriter, StreamFormat, frame_writer

if TYPE_CHECKING:
    from lianpu.video.io.av_library import InputContainer, Packet, VideoStream


PIECE_ENDING = ".mkv"
"""The container format of pieces: it holds the output of any encoder."""

PIECE_TIME_BASE = Fraction(1, 25)

_COPIED = ("audio", "subtitle")


@dataclass(frozen=True, eq=False)
class Piece:
    """An encoded part of a video.

    Args:
        file: its file; its own timestamps are not used, only the order of its frames.
        timestamps: of its frames, ascending, in the time base of the source.
    """

    file: Path
    timestamps: tuple[int, ...]


def piece_writer(
    file: Path, probe: VideoProbe, encoding: Encoding, threads: int | None = None
) -> AbstractContextManager[FrameWriter]:
    """A writer of a piece, with the timestamps 0, 1, 2 ...; metadata of the whole file (rotation) is written by `mux_pieces`."""
    return frame_writer(file, StreamFormat.of(probe), encoding, PIECE_TIME_BASE, threads)


def check_sound(probe: VideoProbe, target: Path) -> None:
    """Raise VideoError unless the target's container format can hold the source's sound without encoding it again."""
    av = load_av()
    with opened(probe.file) as source:
        for stream in source.streams.audio:
            container = av.open(io.BytesIO(), "w", format=ENDINGS[target.suffix.lower()])
            try:
                container.add_stream_from_template(stream)
            except (ValueError, av.error.FFmpegError):
                name = stream.codec_context.name if stream.codec_context is not None else "unknown"
                raise VideoError(
                    f"{target.suffix} cannot hold the sound of {probe.file} ({name}), which is copied and not encoded again. Take .mkv."
                ) from None


def mux_pieces(
    pieces: Sequence[Piece], probe: VideoProbe, target: Path, comment: str, *, anonymous: bool = False
) -> tuple[str, ...]:
    """Write `target`: the frames of the pieces at their timestamps; sound, subtitles, chapters and titles copied from the source.

    Nothing is encoded again.

    Args:
        pieces: the edited video.
        probe: of the source.
        target: its ending chooses the container format.
        comment: what was done.
        anonymous: copy no titles, chapters, places and dates, which may name people; of the streams' tags only the language.

    Returns:
        A description of each stream that could not be copied.
    """
    av = load_av()
    not_copied: list[str] = []
    with opened(probe.file) as source, av.open(str(target), "w", format=ENDINGS[target.suffix.lower()]) as container:
        container.metadata.update({**({} if anonymous else _kept_metadata(source.metadata)), "comment": comment})
        with av.open(str(pieces[0].file)) as first:
            video = container.add_stream_from_template(first.streams.video[0], opaque=True)
        video.time_base = probe.time_base
        if probe.matrix:
            video.set_display_matrix(probe.matrix)
        copies = {}
        for stream in source.streams:
            if stream.type in _COPIED and stream.codec_context is not None:
                try:
                    copies[stream.index] = container.add_stream_from_template(stream)
                    tags = {key: value for key, value in stream.metadata.items() if not anonymous or key == "language"}
                    copies[stream.index].metadata.update(tags)
                except (ValueError, av.error.FFmpegError):
                    not_copied.append(f"{stream.type} stream {stream.index} ({stream.codec_context.name})")
        if not anonymous and hasattr(source, "chapters") and source.chapters():
            container.set_chapters(source.chapters())
        copied = _copied_packets(source, copies)
        for _, packet in heapq.merge(_piece_packets(pieces, probe, video), copied, key=lambda timed: timed[0]):
            container.mux(packet)
    return tuple(not_copied)


def _piece_packets(pieces: Sequence[Piece], probe: VideoProbe, stream: VideoStream) -> Iterator[tuple[float, Packet]]:
    """The packets of the pieces with exact timestamps of the source, whatever the time base of a piece."""
    av = load_av()
    shown = [timestamp for piece in pieces for timestamp in piece.timestamps]
    ranks: list[int] = []
    for piece in pieces:
        with av.open(str(piece.file)) as container:
            times = [int(packet.pts) for packet in container.demux(video=0) if packet.size]
        order = {time: rank for rank, time in enumerate(sorted(times))}
        assert len(order) == len(piece.timestamps), f"{piece.file} holds {len(order)} frames, not {len(piece.timestamps)}"
        begin = len(ranks)
        ranks += [begin + order[time] for time in times]
    decoding = decoding_timestamps(shown, ranks)
    number = 0
    for piece in pieces:
        with av.open(str(piece.file)) as container:
            for packet in container.demux(video=0):
                if not packet.size:
                    continue
                rank = ranks[number]
                packet.time_base, packet.pts, packet.dts = probe.time_base, shown[rank], decoding[number]
                after = shown[rank + 1] if rank + 1 < len(shown) else shown[rank] + probe.last_duration
                packet.duration = after - shown[rank]
                packet.stream = stream
                number += 1
                yield float(packet.dts * probe.time_base), packet


def _copied_packets(source: InputContainer, copies: dict[int, Any]) -> Iterator[tuple[float, Packet]]:
    """The packets of the copied streams with their own timestamps, up to where the file breaks."""
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


def _kept_metadata(metadata: Any) -> dict[str, str]:
    """Titles, places and dates of the source, without what describes its container format."""
    form = ("major_brand", "minor_version", "compatible_brands", "encoder", "comment")
    return {key: value for key, value in metadata.items() if key not in form}


def decoding_timestamps(shown: Sequence[int], ranks: Sequence[int]) -> tuple[int, ...]:
    """The decoding timestamp of each packet: ascending, and never after its frame is shown.

    Muxed pieces keep the timestamps of their frames exactly; the decoding timestamps of the pieces themselves would overlap.

    Args:
        shown: the timestamp of each frame, ascending.
        ranks: for each packet in the file's order, the index of its frame in `shown`.

    Raises:
        ValueError: `shown` does not ascend, or `ranks` does not name each frame once.
    """
    if any(later <= earlier for earlier, later in pairwise(shown)):
        raise ValueError("timestamps ascend")
    if sorted(ranks) != list(range(len(shown))):
        raise ValueError("each frame has one packet")
    delay = max((place - rank for place, rank in enumerate(ranks)), default=0)
    step = max(1, shown[1] - shown[0]) if len(shown) > 1 else 1
    before = [shown[0] - step * back for back in range(delay, 0, -1)] if delay else []
    return tuple([*before, *shown][: len(shown)])


def frame_before(shown: Sequence[int], first: int, seconds: float, time_base: float) -> int:
    """The number of the frame that is shown at most `seconds` before frame `first`, and no earlier."""
    return bisect_left(shown, shown[first] - seconds / time_base)
