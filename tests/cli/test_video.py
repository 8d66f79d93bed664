"""`lianpu video` as it is typed."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from lianpu.camera.moving_picture import pan_over
from lianpu.cli.main import main
from lianpu.dataset.drawn import draw_face
from tests.support.own_models import own_models
from tests.support.shared import YUNET

FRAMES, RATE = 14, 12


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn portrait under a moving camera, with a tone, whose frames do not come at even times."""
    file = tmp_path_factory.mktemp("clip") / "in.mp4"
    frames = [frame.picture for frame in pan_over([draw_face(3, 1, 320).picture], FRAMES, (240, 240))]
    with av.open(str(file), "w") as container:
        video = container.add_stream("libx264", rate=RATE, options={"crf": "18"})
        video.width, video.height, video.pix_fmt = 240, 240, "yuv420p"
        video.time_base = video.codec_context.time_base = Fraction(1, 1000)
        audio = container.add_stream("aac", rate=16000, layout="mono")
        for index, picture in enumerate(frames):
            shown = av.VideoFrame.from_ndarray(picture, format="rgb24")
            shown.pts, shown.time_base = index * 80 + (index % 3) * 10, Fraction(1, 1000)
            container.mux(video.encode(shown))
        container.mux(video.encode())
        tone = np.sin(np.arange(16000) * 0.17).astype(np.float32)[None]
        for start in range(0, 16000, 1000):
            heard = av.AudioFrame.from_ndarray(np.ascontiguousarray(tone[:, start : start + 1000]), format="fltp", layout="mono")
            heard.sample_rate, heard.pts, heard.time_base = 16000, start, Fraction(1, 16000)
            container.mux(audio.encode(heard))
        container.mux(audio.encode())
    return file


def _times_and_pictures(file: Path) -> tuple[list[float], list[np.ndarray]]:
    with av.open(str(file)) as container:
        frames = list(container.decode(video=0))
        return [float(frame.time or 0) for frame in frames], [frame.to_ndarray(format="rgb24") for frame in frames]


def _sound(file: Path) -> list[bytes]:
    with av.open(str(file)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def _run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = 0
    try:
        main(["video", *map(str, words)])
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_a_video_is_edited_and_keeps_its_times_and_its_sound(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mp4"
    words = (clip, out, "--effect", "hair_color:color=#2040ff,strength=1", "--detector", "dlib")
    code, printed, err = _run(capsys, *words)
    assert code == 0 and err == "", err
    times, pictures = _times_and_pictures(clip)
    edited_times, edited = _times_and_pictures(out)
    assert len(times) == FRAMES and edited_times == pytest.approx(times, abs=1e-3)
    assert _sound(out) == _sound(clip)
    bluer = [
        int(now[..., 2].astype(int).sum() - before[..., 2].astype(int).sum())
        for before, now in zip(pictures, edited, strict=True)
    ]
    assert min(bluer) > 0 and "frames" in printed
    again, _, err = _run(capsys, *words)
    assert again == 1 and "--force" in err and err.count("\n") == 1


def test_a_fast_edit_with_a_preset_of_the_encoder_keeps_times_and_sound(
    mediapipe_models: Path, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mp4"
    words = (clip, out, "--effect", "hair_color:color=#2040ff,strength=1", "--detector", "dlib", "--fast")
    code, printed, err = _run(capsys, *words, "--encoder-preset", "ultrafast")
    assert code == 0 and err == "", err
    times, pictures = _times_and_pictures(clip)
    edited_times, edited = _times_and_pictures(out)
    assert edited_times == pytest.approx(times, abs=1e-3) and _sound(out) == _sound(clip)
    bluer = [int(now[..., 2].astype(int).sum() - old[..., 2].sum()) for old, now in zip(pictures, edited, strict=True)]
    assert min(bluer) > 0 and "mesh" in printed
    code, _, err = _run(capsys, *words, "--force", "--encoder-preset", "quick")
    assert code == 1 and "--encoder-preset quick: libx264 knows ultrafast" in err and err.count("\n") == 1


def test_what_is_no_video_is_said_in_one_line_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("no video " * 100)
    out = tmp_path / "out.mp4"
    for name in ("absent.mp4", "empty.mp4", "text.mp4"):
        code, _, err = _run(capsys, tmp_path / name, out, "--effect", "lipstick=1", "--detector", "dlib")
        assert code == 1 and name in err and err.count("\n") == 1
    for word, said in (
        ("lipstick=7", "strength 7"),
        ("blush=abc", "'abc' is not a number"),
        ("lipstik=1", "did you mean 'lipstick'?"),
    ):
        code, _, err = _run(capsys, tmp_path / "text.mp4", out, "--effect", word, "--detector", "dlib")
        assert code == 1 and said in err and err.count("\n") == 1, err
    assert not out.exists()


def test_commercial_safe_works_with_ones_own_models_alone(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIANPU_MODELS", str(tmp_path))  # no other model is here: points and parts come from these files
    models = own_models(tmp_path)
    for words in (models, [*models[2:], "--detector", str(YUNET), "--force"]):
        if not (words is models or YUNET.is_file()):
            pytest.skip(f"needs {YUNET}")
        code, out, err = _run(capsys, clip, tmp_path / "out.mp4", "--effect", "sticker", "--commercial-safe", *words)
        assert code == 0 and f"Edited {FRAMES} of {FRAMES} frames" in out, err
    changed = _times_and_pictures(tmp_path / "out.mp4")[1][0].astype(int) - _times_and_pictures(clip)[1][0]
    assert (np.abs(changed) > 60).any()


def test_commercial_safe_names_all_that_is_missing_in_one_line(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = _run(capsys, clip, tmp_path / "out.mp4", "--effect", "sticker", "--detector", "dlib", "--commercial-safe")
    assert code == 1 and err.count("\n") == 1 and not (tmp_path / "out.mp4").exists()
    for option, instead in (
        ("--detector dlib", "Give --detector blazeface"),
        ("--landmarks auto", "Or give --landmarks FILE (train it: lianpu landmarks train)"),
    ):
        assert f"{option}: " in err and instead in err
