"""Faces that must stay hidden in a video: no frame of the result shows one that a detector finds, whoever walks in, crosses or turns away."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lianpu.editing.session import EditRequest, open_job
from lianpu.faces.analyzer import AnalyzerSettings
from lianpu.faces.detection import Detector
from lianpu.faces.detectors import load_detector
from lianpu.imaging.geometry import warp
from lianpu.video.io.probe import probe_video
from lianpu.video.io.reading import frames_from
from lianpu.video.job.job import EditedVideo, VideoSettings, edit_video
from tests.support.portraits import portrait

Frames = list[np.ndarray]
WIDTH, HEIGHT, SIDE = 384, 192, 160
HIDING = "name: hide\nsteps:\n  - effect: anonymise\n    strength: 1\n"


def _put(frame: np.ndarray, person: np.ndarray, left: float, wide: float = 1.0) -> None:
    """Paint a square portrait into a frame (H, W, 3), `wide` times as wide as high; it may reach over the edges."""
    width, height = max(1, round(wide * SIDE)), SIDE
    by = np.array([[width / person.shape[1], 0.0, 0.0], [0.0, height / person.shape[0], 0.0]])
    small = warp(person, by, (width, height))
    x, top = round(left), (HEIGHT - SIDE) // 2
    first, last = max(0, x), min(WIDTH, x + width)
    if first < last:
        frame[top : top + height, first:last] = small[:, first - x : last - x]


def _still(color: int = 120) -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), color, dtype=np.uint8)


def walks_in() -> Frames:
    """One face comes in from the left, 14 pixels a frame."""
    frames = []
    for number in range(24):
        _put(frame := _still(), portrait(1).picture, -SIDE + 14 * number)
        frames.append(frame)
    return frames


def crossing() -> Frames:
    """Two faces cross, one before the other."""
    frames = []
    for number in range(22):
        frame = _still()
        _put(frame, portrait(4).picture, WIDTH - SIDE - 11 * number)
        _put(frame, portrait(1).picture, 11 * number)
        frames.append(frame)
    return frames


def turns_away() -> Frames:
    """One face turns away until nothing of it is to be seen, and back: 10 frames without a face that can be found."""
    frames = []
    for number in range(30):
        wide = max(0.12, abs(np.cos(np.pi * number / 29)))
        _put(frame := _still(), portrait(2).picture, (WIDTH - wide * SIDE) / 2, wide)
        frames.append(frame)
    return frames


def _hide(source: Path, target: Path, detector: str = "dlib", **settings: float) -> EditedVideo:
    job = open_job(EditRequest(HIDING, analyzer=AnalyzerSettings(detector)), threads=1)
    return edit_video(source, target, job.request, VideoSettings(**settings), job=job)  # type: ignore[arg-type]


def _shown(file: Path, detector: Detector, least: float = 0.0) -> list[int]:
    """The frames in which a detector finds a face with a score of `least` or more."""
    probe = probe_video(file)
    return [
        number
        for number, frame in enumerate(frames_from(probe, 0, len(probe.timestamps)))
        if any(face.score >= least for face in detector.detect(np.ascontiguousarray(frame.picture)))
    ]


@pytest.mark.parametrize("clip", [walks_in, crossing, turns_away])
def test_no_frame_shows_a_face_that_the_detector_finds(
    clip: Callable[[], Frames], write_video: Callable[..., Path], tmp_path: Path
) -> None:
    source = write_video(tmp_path / "in.mp4", clip())
    done = _hide(source, tmp_path / "out.mp4")
    dlib = load_detector("dlib")
    found = _shown(source, dlib)
    assert len(found) > 8
    assert _shown(done.target, dlib) == []
    notes = [note for note in done.notes if note.startswith("no face was found in") and note.endswith("; look at them")]
    assert len(notes) == (clip is not crossing)


@pytest.mark.parametrize("clip", [walks_in, crossing, turns_away])
def test_no_frame_shows_a_clear_face_to_blazeface(
    clip: Callable[[], Frames], write_video: Callable[..., Path], tmp_path: Path, mediapipe_models: Path
) -> None:
    source = write_video(tmp_path / "in.mp4", clip())
    done = _hide(source, tmp_path / "out.mp4", "blazeface")
    blazeface = load_detector("blazeface", threads=1)
    assert len(_shown(source, blazeface, 0.9)) > 6
    assert _shown(done.target, blazeface, 0.75) == []  # it takes a head without features for a face, now and then: 0.63


def test_a_face_of_the_next_segment_is_covered_at_the_end_of_the_one_before(
    write_video: Callable[..., Path], tmp_path: Path
) -> None:
    """Segments of 0.2 s: the face is first found in the third one and was in the picture in the second."""
    source = write_video(tmp_path / "in.mp4", walks_in())
    done = _hide(source, tmp_path / "out.mp4", segment_s=0.2)
    assert _shown(done.target, load_detector("dlib")) == []
    probe, edited = probe_video(source), probe_video(done.target)
    before = list(frames_from(probe, 0, 12))
    after = list(frames_from(edited, 0, 12))
    changed = [np.abs(one.picture.astype(int) - other.picture).max() > 40 for one, other in zip(before, after, strict=True)]
    first = _shown(source, load_detector("dlib"))[0]
    assert first > 6 and changed[first] and sum(changed[first - 3 : first]) == 3
