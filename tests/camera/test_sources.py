"""What stands for a camera: sizes, files that play, the moving picture."""

import threading
import time
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from lianpu.camera.sources import FileCamera, MovingPicture, fitted, mirrored, read_size
from lianpu.camera.webcam import is_camera, open_webcam
from lianpu.errors import LianpuError, SettingsError
from lianpu.video.io.encoding import Encoding
from lianpu.video.io.probe import probe_video
from lianpu.video.io.writing import StreamFormat, frame_writer

STAMPS_MS = (0, 30, 70, 90)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four grey frames, each lighter than the one before, at uneven times."""
    file = tmp_path_factory.mktemp("clip") / "four.mkv"
    encoding = Encoding("libx264", {"crf": "10"})
    with frame_writer(file, StreamFormat(64, 48, Fraction(30)), encoding, Fraction(1, 1000)) as writer:
        for number, timestamp in enumerate(STAMPS_MS):
            writer.write(np.full((48, 64, 3), 50 * number, dtype=np.uint8), timestamp, Fraction(1, 1000))
    return file


def test_a_size_is_read_and_what_is_none_is_said() -> None:
    assert read_size("1280x720") == read_size("1280X720") == (1280, 720)
    for words, said in (("big", "WIDTHxHEIGHT"), ("1280", "WIDTHxHEIGHT"), ("5x5", "are 16"), ("99999x720", "to 8192")):
        with pytest.raises(SettingsError, match=f"--size {words}: .*{said}"):
            read_size(words)


def test_a_picture_of_other_proportions_is_fitted_in_whole_with_black_beside_it() -> None:
    picture = np.full((50, 100, 3), 200, dtype=np.uint8)
    whole = fitted(picture, (40, 40))
    assert whole.shape == (40, 40, 3)
    assert (whole[10:30] == 200).all() and not whole[:10].any() and not whole[30:].any()
    assert fitted(picture, (100, 50)) is picture


def test_a_mirror_changes_left_and_right_only() -> None:
    picture = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    assert (mirrored(picture)[:, 0] == picture[:, 2]).all() and (mirrored(mirrored(picture)) == picture).all()


def test_a_file_plays_once_with_its_own_times_and_never_early(clip: Path) -> None:
    camera = FileCamera(probe_video(clip))
    assert camera.size_px == (64, 48)
    begin = time.perf_counter()
    frames = list(camera.frames(threading.Event()))
    assert [frame.number for frame in frames] == [0, 1, 2, 3]
    assert [frame.time_s for frame in frames] == pytest.approx([timestamp / 1000 for timestamp in STAMPS_MS])
    assert [round(float(frame.picture.mean()) / 50) for frame in frames] == [0, 1, 2, 3]
    assert all(frame.received_s - begin >= frame.time_s - 1e-3 for frame in frames)  # late where the machine is slow, early never


def test_a_file_in_a_loop_begins_anew_and_its_times_go_on(clip: Path) -> None:
    stop = threading.Event()
    frames = list(islice(FileCamera(probe_video(clip), loop=True).frames(stop), 9))
    times = [frame.time_s for frame in frames]
    assert [frame.number for frame in frames] == list(range(9)) and times == sorted(set(times))
    assert (frames[4].picture == frames[0].picture).all() and times[4] == pytest.approx(probe_video(clip).seconds)
    stop.set()
    assert list(FileCamera(probe_video(clip), loop=True).frames(stop)) == []


def test_the_moving_picture_moves_without_jumps_at_any_size() -> None:
    portrait = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for size in ((96, 54), (48, 64)):
        stop = threading.Event()
        frames = list(islice(MovingPicture(portrait, size, rate=200.0).frames(stop), 5))
        assert all(frame.picture.shape == (size[1], size[0], 3) for frame in frames)
        assert (frames[0].picture != frames[-1].picture).any()
        numbers = [frame.number for frame in frames]
        assert numbers == sorted(set(numbers)) and frames[4].time_s == pytest.approx(numbers[4] / 200.0)


def test_what_is_a_camera_and_what_is_a_file(tmp_path: Path) -> None:
    assert is_camera("0") and is_camera("/dev/video1") and is_camera("/dev/null")
    assert not is_camera("film.mp4") and not is_camera(str(tmp_path))


def test_a_camera_that_is_not_there_is_said_in_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    for words, said in (("97", "97"), ("/dev/video98", "/dev/video98"), ("/dev/null", "not a camera")):
        with pytest.raises(LianpuError) as raised:
            open_webcam(words)
        assert said in str(raised.value) and "--source test" in str(raised.value)
    assert capfd.readouterr().err == ""
