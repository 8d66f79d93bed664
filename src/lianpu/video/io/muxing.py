"""Encoded pieces of a video joined to one file, with the sound of the source copied beside them."""

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
from lianpu.video.io.probe import VideoFacts
from lianpu.video.io.writing import Form, FrameWriter, frame_writer

if TYPE_CHECKING:
    from lianpu.video.io.av_library import InputContainer, Packet, VideoStream


PIECE_ENDING = ".mkv"
"""The form of pieces: it holds what any encoder makes."""

PIECE_TIME_BASE = Fraction(1, 25)

_COPIED = ("audio", "subtitle")


@dataclass(frozen=True, eq=False)
class Piece:
    """A part of a video that is encoded already.

    Args:
        file: its file; times in it mean nothing, only the order of frames does.
        stamps: when each of its frames is shown, ascending, in the time base of the video.
    """

    file: Path
    stamps: tuple[int, ...]


def piece_writer(
    file: Path, facts: VideoFacts, encoding: Encoding, threads: int | None = None
) -> AbstractContextManager[FrameWriter]:
    """A writer of a piece, whose stamps are 0, 1, 2 ...; what a whole file says (turned, colours) is said when pieces are joined."""
    return frame_writer(file, Form.of(facts), encoding, PIECE_TIME_BASE, threads)


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


def _piece_packets(pieces: Sequence[Piece], facts: VideoFacts, stream: VideoStream) -> Iterator[tuple[float, Packet]]:
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


def _copied_packets(source: InputContainer, copies: dict[int, Any]) -> Iterator[tuple[float, Packet]]:
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


def _kept_words(metadata: Any) -> dict[str, str]:
    """Titles, places and dates of the source; not what describes its file's form."""
    form = ("major_brand", "minor_version", "compatible_brands", "encoder", "comment")
    return {key: value for key, value in metadata.items() if key not in form}


def decoding_stamps(shown: Sequence[int], ranks: Sequence[int]) -> tuple[int, ...]:
    """When each packet of a file is decoded: ascending, and never after it is shown.

    Joined pieces keep the stamps of their frames to the tick; each piece's own decoding stamps would overlap with the piece before.

    Args:
        shown: when each frame is shown, ascending.
        ranks: for each packet in the file's order, which of `shown` is its frame's.

    Raises:
        ValueError: `shown` does not ascend, or `ranks` does not name each frame once.
    """
    if any(later <= earlier for earlier, later in pairwise(shown)):
        raise ValueError("stamps ascend")
    if sorted(ranks) != list(range(len(shown))):
        raise ValueError("each frame has one packet")
    delay = max((place - rank for place, rank in enumerate(ranks)), default=0)
    step = max(1, shown[1] - shown[0]) if len(shown) > 1 else 1
    before = [shown[0] - step * back for back in range(delay, 0, -1)] if delay else []
    return tuple([*before, *shown][: len(shown)])


def frame_before(shown: Sequence[int], first: int, seconds: float, time_base: float) -> int:
    """The number of the frame that is shown at most `seconds` before frame `first`, and no earlier."""
    return bisect_left(shown, shown[first] - seconds / time_base)
