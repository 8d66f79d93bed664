"""What is read off a video before it is edited: films that cannot be edited truly are refused, the others keep their colours."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lianpu.errors import VideoError
from lianpu.video.io.probe import probe_video
from lianpu.video.io.reading import frames_from

WriteVideo = Callable[..., Path]


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_films_are_refused_with_the_way_to_convert_them(
    transfer: int, name: str, tmp_path: Path, frames: list[np.ndarray], write_video: WriteVideo
) -> None:
    film = write_video(tmp_path / "phone.mp4", frames[:3], pixel_format="yuv420p10le", colors=(9, transfer, 9))
    with pytest.raises(VideoError, match=rf"is HDR video \({name}.*ffmpeg -i IN .*tonemap"):
        probe_video(film)


def test_ten_bits_of_an_sdr_film_are_read_as_its_eight(tmp_path: Path, frames: list[np.ndarray], write_video: WriteVideo) -> None:
    pictures = []
    for pixel_format in ("yuv420p", "yuv420p10le"):
        film = write_video(tmp_path / f"{pixel_format}.mp4", frames[:2], pixel_format=pixel_format, options={"crf": "4"})
        probe = probe_video(film)
        assert probe.bits == (10 if "10" in pixel_format else 8)
        pictures.append(next(iter(frames_from(probe, 0, 1))).picture.astype(int))
    assert np.abs(pictures[0] - pictures[1]).mean() < 1.5
