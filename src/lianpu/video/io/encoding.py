"""The encoder of a video and its quality, by the ending of the file and the encoders of this machine's FFmpeg."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from lianpu.errors import SettingsError, VideoError, nearest_name

ENDINGS: dict[str, str] = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
"""Endings of files that are written: FFmpeg's name of the container format."""

CRF: dict[str, float] = {"libx264": 18, "libx265": 20, "libvpx-vp9": 24, "libsvtav1": 24}
"""Encoders with a quality setting: the default, at which encoding good footage shows no loss; smaller is better."""

_X264 = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")

PRESETS: dict[str, tuple[str, ...]] = {
    "libx264": _X264,
    "libx265": _X264,
    "libsvtav1": tuple(str(number) for number in range(14)),
}
"""Encoders that trade time for size by name; from the fastest on, SVT-AV1's from the slowest on."""

_BIT_RATE_PER_PIXEL = 0.2

_FOR_WEBM = ("libvpx-vp9", "libsvtav1", "libaom-av1")

_FOR_ALL = ("libx264", "libopenh264", "h264_videotoolbox", "h264_mf", "mpeg4")


@dataclass(frozen=True)
class Encoding:
    """An encoder and its options.

    Args:
        encoder: FFmpeg's name.
        options: for the encoder.
        pixel_format: of the encoded frames.
    """

    encoder: str
    options: Mapping[str, str] = field(default_factory=dict)
    pixel_format: str = "yuv420p"

    def bit_rate(self, width: int, height: int, rate: float) -> int:
        """Bits per second for encoders without a quality setting; 0 where a quality is set."""
        return 0 if "crf" in self.options else round(_BIT_RATE_PER_PIXEL * width * height * max(rate, 10.0))


def check_ending(target: Path) -> str:
    """FFmpeg's name of the container format for the file's ending. Raises VideoError for an ending that is not written."""
    form = ENDINGS.get(target.suffix.lower())
    if form is None:
        raise VideoError(f"{target}: videos are written as {', '.join(ENDINGS)}, not '{target.suffix}'. Give another ending.")
    return form


def choose_encoding(
    target: Path, available: Collection[str], wanted: str = "auto", crf: float | None = None, preset: str | None = None
) -> Encoding:
    """The encoder for a file: the requested one, or the first available one that suits the file's ending.

    Args:
        target: only its ending is used.
        available: encoders of this machine.
        wanted: `auto`, or the name of an encoder.
        crf: quality, smaller is better; None for the default of `CRF`.
        preset: how much time the encoder takes (`PRESETS`); None for our default of that encoder.

    Raises:
        SettingsError: the encoder is not available, or has no quality setting, or no such preset.
        VideoError: the ending is not written, or no encoder for it is available.
    """
    suited = _FOR_WEBM if check_ending(target) == "webm" else _FOR_ALL
    if wanted != "auto" and wanted not in available:
        near = nearest_name(wanted, {*_FOR_ALL, *_FOR_WEBM, *CRF} & set(available))
        raise SettingsError(f"--encoder {wanted}: this machine's FFmpeg has no such encoder{near}. Take auto.")
    name = next((one for one in suited if one in available), None) if wanted == "auto" else wanted
    if name is None:
        raise VideoError(
            f"{target}: this machine's FFmpeg has none of {', '.join(suited)}. Install the wheel of PyAV, or take .mkv."
        )
    if preset is not None and preset not in PRESETS.get(name, ()):
        known = f"{name} knows {', '.join(PRESETS[name])}" if name in PRESETS else f"{name} has no presets"
        raise SettingsError(f"--encoder-preset {preset}: {known}{nearest_name(preset, PRESETS.get(name, ()))}.")
    if name not in CRF:
        if crf is not None:
            raise SettingsError(f"--crf {crf:g}: {name} has no quality setting. Leave it out, or take --encoder libx264.")
        return Encoding(name)
    if crf is not None and not 0 <= crf <= 51:
        raise SettingsError(f"--crf {crf:g} is not from 0 (best) to 51.")
    same_bits = _WITHOUT_AVX_512 if name == "libx264" and cv2.checkHardwareSupport(_CV_CPU_AVX_512F) else {}
    chosen = {} if preset is None else {"preset": preset}
    return Encoding(name, {"crf": f"{CRF[name] if crf is None else crf:g}", **_MORE.get(name, {}), **same_bits, **chosen})


_CV_CPU_AVX_512F = 13
"""OpenCV's number for AVX-512F (cv::CpuFeatures), which has no name in Python."""

_WITHOUT_AVX_512 = {"x264-params": "asm=avx2"}
"""With AVX-512, x264's lookahead (mbtree) is not deterministic unless frames are a multiple of 256 px wide."""

_MORE: dict[str, dict[str, str]] = {
    "libx264": {"preset": "medium"},
    "libx265": {"preset": "medium", "x265-params": "log-level=error"},
    "libvpx-vp9": {"cpu-used": "4", "row-mt": "1", "deadline": "good"},
    "libsvtav1": {"preset": "8"},
}


def check_target(target: Path, *, force: bool) -> None:
    """Raise SettingsError unless `target` may be written: for a folder, and without `force` for an existing file."""
    if target.is_dir():
        raise SettingsError(f"{target} is a folder. Give the name of a file.")
    if target.exists() and not force:
        raise SettingsError(f"{target} exists already and is not overwritten. Give another name, or --force.")
