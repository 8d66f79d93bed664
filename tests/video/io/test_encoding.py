"""Which encoder writes, and that it writes the same of the same."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from lianpu.errors import SettingsError, VideoError
from lianpu.video.io.encoding import check_ending, choose_encoding
from lianpu.video.io.writing import StreamFormat, frame_writer

BASE = Fraction(1, 25)


@pytest.mark.parametrize(("ending", "encoder"), [(".mp4", "libx264"), (".webm", "libvpx-vp9")])
def test_the_same_frames_become_the_same_bits(ending: str, encoder: str, frames: list[np.ndarray], tmp_path: Path) -> None:
    encoding = choose_encoding(Path(f"a{ending}"), av.codecs_available)
    assert encoding.encoder == encoder
    written = set()
    for number in range(8):
        file = tmp_path / f"{number}{ending}"
        with frame_writer(file, StreamFormat(200, 200, Fraction(25)), encoding, BASE) as writer:
            for timestamp, picture in enumerate(frames[:18]):
                writer.write(picture, timestamp, BASE)
        with av.open(str(file)) as container:
            written.add(b"".join(bytes(packet) for packet in container.demux(video=0)))
    assert len(written) == 1


def test_the_ending_chooses_and_others_are_not_written() -> None:
    assert choose_encoding(Path("a.webm"), {"libvpx-vp9", "libx264"}).encoder == "libvpx-vp9"
    assert choose_encoding(Path("a.MP4"), {"mpeg4"}).encoder == "mpeg4"
    assert check_ending(Path("a.mkv")) == "matroska"
    with pytest.raises(VideoError, match="has none of libx264"):
        choose_encoding(Path("a.mp4"), {"libvpx-vp9"})


def test_a_preset_is_that_of_the_encoder_and_others_are_said() -> None:
    available = {"libx264", "libsvtav1", "mpeg4"}
    assert choose_encoding(Path("a.mp4"), available).options["preset"] == "medium"
    assert choose_encoding(Path("a.mp4"), available, preset="veryfast").options["preset"] == "veryfast"
    assert choose_encoding(Path("a.mp4"), available, "libsvtav1", preset="10").options["preset"] == "10"
    with pytest.raises(SettingsError, match=r"--encoder-preset verifast: libx264 knows ultrafast, .*did you mean 'veryfast'"):
        choose_encoding(Path("a.mp4"), available, preset="verifast")
    with pytest.raises(SettingsError, match="--encoder-preset fast: mpeg4 has no presets"):
        choose_encoding(Path("a.mp4"), available, "mpeg4", preset="fast")
