"""Broken inputs by the ten thousand: files that we or others wrote are mutated, and every reader must say in one line what is wrong.

    python -m tests.robustness.fuzz --seconds 3600 --failures runs/fuzz

Each target runs in a child process that may use little more memory than it begins with and may write nothing but its input. A failure is an
exception other than a `LianpuError`, a death (a crash in native code, or memory), a message of more than `LONGEST_MESSAGE` characters, an
input that takes longer than `LONGEST_S`, or a file that appears. Its input is saved, and named with the target and number that make it again.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, features

from lianpu.errors import LianpuError

LONGEST_S = 20
"""Seconds of one input, on a machine that others use as well."""

STARTS_S = 300
"""Seconds in which a child has loaded its libraries and made its seeds, on a machine that others use as well."""

MORE_MEMORY_BYTES = 2_000_000_000
"""Address space that a child may take beyond what it has after it has loaded its libraries."""

LONGEST_MESSAGE = 6_000
"""Characters of a message."""


@dataclass(frozen=True)
class Target:
    """A reader and what it is fed.

    Args:
        name: of the file that each input is written to; the ending may choose the reader.
        seeds: writes sound files into a folder and gives them: what mutations begin with.
        read: reads an input; raises LianpuError for a broken one.
        structured: JSON whose values are replaced, beside its bytes.
    """

    seeds: Callable[[Path], list[Path]]
    read: Callable[[Path], object]
    structured: bool = False


# Mutations

_ODD_BYTES = (
    b"\0",
    b"\xff" * 4,
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"-1",
    b"99999999999999999999",
    b"\n",
    b'"',
    b",",
    b"{",
    b"[",
    b"<",
    b"&a;",
    b"%s",
)

_ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, -(10**30), 0.5, 1e308, float("inf"), float("nan")),
    *("", "x", "\ud800", "a\nb", "x" * 5000, "../../etc/passwd", [], {}, [[]], [None], {"": 0}, [0] * 1000, "1", "yes"),
)


def mutated(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """A few changes of bytes: flips, numbers at their ends, pieces cut, doubled, moved, or taken from another seed."""
    body = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4, 16))):
        at = chance.randrange(len(body) + 1)
        length = min(chance.choice((1, 1, 2, 4, 8, 64, 1024)), len(body) - at)
        kind = chance.randrange(9)
        if kind == 0 and at < len(body):
            body[at] ^= 1 << chance.randrange(8)
        elif kind == 1 and at < len(body):
            body[at] = chance.randrange(256)
        elif kind == 2:
            body[at : at + length] = chance.choice(_ODD_BYTES)
        elif kind == 3:
            body[at:at] = chance.choice(_ODD_BYTES)
        elif kind == 4:
            del body[at : at + length]
        elif kind == 5:
            body[at:at] = body[at : at + length] * chance.choice((1, 2, 50))
        elif kind == 6:
            del body[at:]
        elif kind == 7:
            body[at : at + length] = bytes(length)
        else:
            other = chance.choice(others)
            start = chance.randrange(len(other) + 1)
            body[at : at + length] = other[start : start + length]
    return bytes(body[:4_000_000])


def with_odd_values(text: bytes, chance: random.Random) -> bytes:
    """JSON with one to three of its values replaced, removed or doubled."""
    value = json.loads(text)
    for _ in range(chance.choice((1, 1, 2, 3))):
        holders = [holder for holder in _holders(value) if holder]
        if not holders:
            break
        holder = chance.choice(holders)
        key = chance.choice(sorted(holder, key=str)) if isinstance(holder, dict) else chance.randrange(len(holder))
        kind = chance.randrange(6)
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, list):
            holder.insert(key, holder[key])
        elif kind == 2 and isinstance(holder, dict):
            holder[chance.choice(("extra", "", "x" * 300))] = chance.choice(_ODD_VALUES)
        else:
            holder[key] = json.loads(json.dumps(chance.choice(_ODD_VALUES)))
    return json.dumps(value).encode()


def _holders(value: Any) -> Iterator[Any]:
    if isinstance(value, (dict, list)):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _holders(inner)


# Seeds: small sound files


def _picture() -> np.ndarray:
    y, x = np.mgrid[:24, :32]
    return np.dstack([8 * x, 10 * y, 4 * (x + y)]).astype(np.uint8)


def _photos(folder: Path) -> list[Path]:
    from lianpu.photo.xmp import edited_xmp

    exif = Image.Exif()
    exif.update({0x010F: "Maker", 0x0112: 6, 0x0132: "2020:01:02 03:04:05"})
    exif.get_ifd(0x8769).update({0x9003: "2020:01:02 03:04:05", 0x829A: 0.01, 0x927C: b"note"})
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 15.5)})
    forms = {"JPEG": {"xmp": edited_xmp("x")}, "PNG": {}, "WEBP": {"xmp": edited_xmp("x")}, "TIFF": {}, "BMP": {}, "GIF": {}}
    forms |= {"JPEG2000": {}} if features.check("jpg_2000") else {}
    forms |= {"AVIF": {}} if features.check("avif") else {}
    seeds = []
    for form, options in forms.items():
        file = folder / f"photo.{form.lower()}"
        extra: dict[str, Any] = dict(options)
        if form in ("JPEG", "PNG", "WEBP", "AVIF"):
            extra["exif"] = exif.tobytes()
        Image.fromarray(_picture()).save(file, form, **extra)
        seeds.append(file)
    for mode in ("P", "LA", "CMYK", "I;16"):
        form = "JPEG" if mode == "CMYK" else "PNG"
        image = (
            Image.fromarray(_picture()[:, :, 0].astype(np.uint16) * 200)
            if mode == "I;16"
            else Image.fromarray(_picture()).convert(mode)
        )
        image.save(folder / f"photo.{mode[0].lower()}", form)
        seeds.append(folder / f"photo.{mode[0].lower()}")
    with contextlib.suppress(ImportError):
        import pillow_heif

        with (folder / "photo.heic").open("wb") as stream:
            pillow_heif.from_pillow(Image.fromarray(_picture())).save(stream, exif=exif.tobytes())
        seeds.append(folder / "photo.heic")
    return seeds


def _read_photo(file: Path) -> None:
    from lianpu.photo.anonymous import anonymous
    from lianpu.photo.reading import picture_facts, read_image, read_photo
    from lianpu.photo.writing import lost_in, write_photo
    from lianpu.photo.xmp import attached_data, edited_xmp

    picture_facts(file)
    read_image(file)
    photo = read_photo(file)
    attached_data(photo.xmp or b"")
    for ending in (".jpg", ".png", ".webp", ".tif"):
        target = file.with_name(f"out{ending}")
        lost_in(photo, ending)
        write_photo(target, photo.picture, photo, xmp=edited_xmp("x", earlier=photo.xmp))
        write_photo(target, photo.picture, anonymous(photo))
        target.unlink()


def _written(name: str, *texts: str | bytes) -> Callable[[Path], list[Path]]:
    def write(folder: Path) -> list[Path]:
        files = []
        for number, text in enumerate(texts):
            file = folder / f"{number}-{name}"
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
            files.append(file)
        return files

    return write


_CSV = "file,Male,Young,split\n" + "".join(
    f"a/{n}.png,{n % 2},{(n // 2) % 2},{('train', 'val')[n % 3 == 0]}\n" for n in range(12)
)
_SHEET = "12\nMale Young\n" + "".join(f"{n:06d}.jpg  {(-1, 1)[n % 2]:2d} {(-1, 1, 0)[n % 3]:2d}\n" for n in range(12))
_KAGGLE = "image_id,Male,Young\n" + "".join(f"{n:06d}.jpg,{(-1, 1)[n % 2]},{(-1, 1)[n % 3 > 0]}\n" for n in range(12))
_PARTITION = "".join(f"{n:06d}.jpg {n % 3}\n" for n in range(12))
_POINTS = "version: 1\nn_points: 68\n{\n" + "".join(f"{10 + n} {20 + n}.5\n" for n in range(68)) + "}\n"
_XML = (
    "<?xml version='1.0'?><dataset><images><image file='a.png'><box top='1' left='2' width='30' height='40'>"
    + "".join(f"<part name='{n:02d}' x='{n}' y='{n + 1}'/>" for n in range(68))
    + "</box></image></images></dataset>"
)
_POINT_CSV = (
    ",".join(["filename", *(f"{axis}{n}" for n in range(68) for axis in "xy")]) + "\na.png," + ",".join(["3.5"] * 136) + "\n"
)
_PRESET = "name: test\nsteps:\n- effect: lipstick\n  strength: 0.8\n  finish: gloss\n- effect: hair_color\n  strength: 1\n  color: '#2040ff'\n- set: {Male: yes, Young: no}\n  strength: 0.5\n"


def _configs(folder: Path) -> list[Path]:
    from lianpu.training.config import RunConfig, config_to_plain
    from lianpu.yaml_text import dump_yaml

    (folder / "config.yaml").write_text(dump_yaml(config_to_plain(RunConfig())))
    return [folder / "config.yaml"]


def _read_partition(file: Path) -> None:
    from lianpu.dataset.splits import read_partition

    read_partition(file, {f"{n:06d}.jpg" for n in range(12)})


def _read_config(file: Path) -> None:
    from lianpu.training.config import load_config

    load_config(file)


def _read_preset(file: Path) -> None:
    from lianpu.editing.presets import read_preset

    read_preset(file)


def _lazily(module: str, function: str) -> Callable[[Path], object]:
    def read(file: Path) -> object:
        import importlib

        return getattr(importlib.import_module(module), function)(file)

    return read


def _checkpoints(folder: Path) -> list[Path]:
    """A sound run, of which one file is replaced by an input; the inputs are its files."""
    import torch
    from safetensors.torch import save_file

    from lianpu.dataset.drawn import draw_dataset
    from lianpu.dataset.sources import open_dataset
    from lianpu.files import write_json
    from lianpu.runs import Run
    from lianpu.stargan.config import ModelConfig
    from lianpu.stargan.networks import Generator
    from lianpu.training.config import RunConfig
    from lianpu.training.record import new_record, write_record

    model = ModelConfig(image_size=32, g_conv_dim=4, g_repeat_num=1, d_repeat_num=3)
    faces = draw_dataset(folder / "faces", 8, 32, seed=0, held_out=0.25)
    dataset = open_dataset("CelebAMask-HQ", faces, 32, ["Male"])
    run = Run(folder / "run")
    run.folder.mkdir()
    record = new_record(RunConfig(model=model), dataset, faces, "lianpu train")
    write_record(run, record)
    for step in (1, 2):
        run.append_step({"step": step, "seconds": 0.5, "d_real": 0.25})
    checkpoint = run.checkpoint(2)
    checkpoint.folder.mkdir(parents=True)
    torch.manual_seed(0)
    save_file(Generator(4, 1, 1).state_dict(), checkpoint.generator_file)
    write_json(checkpoint.state_file, {"step": 2, "info": record.model_info(2).to_json(), "model": model.model_dump()})
    return [checkpoint.generator_file, checkpoint.state_file, run.config_file, run.steps_file]


def _read_run(file: Path) -> None:
    """Read a run folder in which the file of this name is the input."""
    from lianpu.editors.loading import load_editor
    from lianpu.runs import open_run
    from lianpu.training.record import read_record

    template = file.parent.parent / "seeds" / "run"
    folder = file.parent / "broken-run"
    shutil.copytree(template, folder)
    try:
        name = file.name.partition("-")[2]
        place = next(path for path in folder.rglob("*") if path.name == name)
        shutil.copy(file, place)
        run = open_run(folder)
        read_record(run)
        run.read_steps()
        load_editor(run, device="cpu")
    finally:
        shutil.rmtree(folder)


def _published(folder: Path) -> list[Path]:
    from lianpu.stargan.networks import Generator
    from lianpu.stargan.published import write_published_weights

    return [write_published_weights(Generator(4, 2, 1), folder / "200000-G.ckpt")]


def _read_published(file: Path) -> None:
    from lianpu.attributes import AttributeSet
    from lianpu.editors.loading import load_editor

    load_editor(file, device="cpu", attributes=AttributeSet.of(["Male", "Young"]), image_size=32)


def _onnx(folder: Path) -> list[Path]:
    from lianpu.attributes import AttributeSet
    from lianpu.editors.editor import ModelInfo
    from lianpu.export.graph import write_graph
    from lianpu.stargan.networks import Generator

    return [write_graph(Generator(4, 2, 1), ModelInfo(AttributeSet.of(["Male", "Young"]), 32), folder / "model.onnx")]


def _metadata(folder: Path) -> list[Path]:
    from lianpu.attributes import AttributeSet
    from lianpu.editors.editor import ModelInfo
    from lianpu.editors.onnx_editor import ONNX_FP32, write_metadata

    entries = write_metadata(ModelInfo(AttributeSet.of(["Male", "Young"]), 32), ONNX_FP32, {})
    whole = {name: _as_json(value) for name, value in entries.items()}
    (folder / "metadata.json").write_text(json.dumps(whole))
    return [folder / "metadata.json"]


def _as_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _read_metadata(file: Path) -> None:
    from lianpu.editors.onnx_editor import read_metadata

    try:
        values = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        return
    if isinstance(values, dict):
        read_metadata({name: one if isinstance(one, str) else json.dumps(one) for name, one in values.items()}, str(file))


def _masks(folder: Path) -> list[Path]:
    from lianpu.face_parsing.data.mask_files import write_mask

    mask = (np.arange(24 * 32).reshape(24, 32) // 40 % 19).astype(np.uint8)
    Image.fromarray(mask).convert("L").save(folder / "0-mask.png")
    return [write_mask(folder / "1-mask.png", mask), folder / "0-mask.png"]


def _read_mask(file: Path) -> None:
    from lianpu.face_parsing.data.mask_files import IndexMask
    from lianpu.part_names import PARTS

    IndexMask(file, PARTS).read()


def _zips(folder: Path) -> list[Path]:
    with zipfile.ZipFile(folder / "models.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b/model.onnx", b"no model" * 100)
        archive.writestr("readme.txt", "hello")
    return [folder / "models.zip"]


def _import_zip(file: Path) -> None:
    from lianpu.models.store.importing import import_models

    import_models(file)


def _notebooks(folder: Path) -> list[Path]:
    from lianpu.preparation.near_duplicates import BYTES
    from lianpu.preparation.store import open_store

    with open_store(folder) as store:
        store.add_photos([f"{number}.jpg" for number in range(40)])
    connection = sqlite3.connect(folder / "prepare.sqlite")
    where, quality = json.dumps([0, [1.0, 2.0, 3.0, 4.0], 0.9, 0]), json.dumps([28.5, 12.0, 0.3, 4.0, 0.1])
    hashes = (bytes(BYTES), bytes(BYTES), np.zeros(2, np.float16).tobytes(), json.dumps({"hat": -5.0}))
    for number, reason in enumerate(("", "", "small")):
        row = ("a.jpg", number, f"a-{number}.jpg", where, quality, reason, "", *hashes)
        connection.execute(
            "INSERT INTO faces (photo, number, file, place, quality, reason, detail, face_hash, photo_hash, identity, measures) "
            "VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            row,
        )
    connection.commit()
    connection.close()
    return [folder / "prepare.sqlite"]


def _read_notebook(file: Path) -> None:
    from lianpu.preparation.store import open_store

    folder = file.parent / "notebook"
    folder.mkdir()
    try:
        shutil.copy(file, folder / "prepare.sqlite")
        with open_store(folder) as store:
            store.photo_counts()
            store.reason_counts()
            list(store.waiting_photos())
            list(store.dropped())
            list(store.hashes())
            list(store.kept())
    finally:
        shutil.rmtree(folder)


def _scores(folder: Path) -> list[Path]:
    from tests.support.made_run import add_scores, make_settings_only

    run = make_settings_only(folder / "run")
    add_scores(run, 1000, 40.0)
    return [next(run.scores_folder.glob("*.json"))]


def _read_scores(file: Path) -> None:
    from lianpu.errors import RunError
    from lianpu.evaluation.results import EvaluationResult
    from lianpu.files import read_json

    EvaluationResult.from_json(read_json(file, RunError), str(file))


def _read_xmp(file: Path) -> None:
    from lianpu.photo.xmp import attached_data, edited_xmp, source_type_of

    packet = file.read_bytes()
    attached_data(packet)
    source_type_of(packet)
    edited_xmp("x", "model", earlier=edited_xmp("y", earlier=packet))


def _packets(folder: Path) -> list[Path]:
    from lianpu.photo.xmp import edited_xmp

    return _written("packet.xmp", edited_xmp("x", "model"), edited_xmp("y", earlier=edited_xmp("x")))(folder)


TARGETS: dict[str, Target] = {
    "photo": Target(_photos, _read_photo),
    "xmp": Target(_packets, _read_xmp),
    "csv": Target(_written("labels.csv", _CSV, _KAGGLE, _CSV.replace(",", ";")), _lazily("lianpu.dataset.table_csv", "read_csv")),
    "label-sheet": Target(_written("list_attr.txt", _SHEET), _lazily("lianpu.dataset.label_sheet", "read_label_sheet")),
    "label-csv": Target(
        _written("list_attr.csv", _KAGGLE, "," + _KAGGLE), _lazily("lianpu.dataset.label_sheet", "read_label_sheet")
    ),
    "partition": Target(_written("partition.txt", _PARTITION), _read_partition),
    "config": Target(_configs, _read_config),
    "preset": Target(_written("preset.yaml", _PRESET), _read_preset),
    "run": Target(_checkpoints, _read_run, structured=True),
    "scores": Target(_scores, _read_scores, structured=True),
    "published": Target(_published, _read_published),
    "onnx": Target(_onnx, _lazily("lianpu.editors.onnx_editor", "OnnxEditor")),
    "onnx-metadata": Target(_metadata, _read_metadata, structured=True),
    "mask": Target(_masks, _read_mask),
    "points": Target(_written("face.pts", _POINTS), _lazily("lianpu.landmarks.sources", "read_pts")),
    "point-csv": Target(_written("faces.csv", _POINT_CSV), _lazily("lianpu.landmarks.sources", "read_csv")),
    "xml": Target(_written("faces.xml", _XML), _lazily("lianpu.landmarks.sources", "read_xml")),
    "zip": Target(_zips, _import_zip),
    "notebook": Target(_notebooks, _read_notebook),
}
"""What is fed, by name."""


# The child


class _TooLongError(Exception):
    pass


def _on_alarm(*_: object) -> None:
    raise _TooLongError


def feed(name: str, seed: int, first: int, last: int, seconds: float, work: Path, failures: Path) -> int:
    """Feed inputs `first` to `last` of a target, or as many as the seconds allow; the number that comes next. Failures are saved."""
    target = TARGETS[name]
    seeds_folder, inputs = work / "seeds", work / "inputs"
    if not seeds_folder.is_dir():
        seeds_folder.mkdir(parents=True)
        (work / "names").write_text(json.dumps([str(file) for file in target.seeds(seeds_folder)]))
    files = [Path(file) for file in json.loads((work / "names").read_text())]
    bodies = [file.read_bytes() for file in files]
    inputs.mkdir(exist_ok=True)
    for body, file in zip(bodies, files, strict=True):  # loads every library, and proves that the seeds are sound
        sound = inputs / f"0-{file.name}"
        sound.write_bytes(body)
        with contextlib.suppress(LianpuError):
            target.read(sound)
        sound.unlink()
    limit = _address_space() + MORE_MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    signal.signal(signal.SIGALRM, _on_alarm)
    end = time.monotonic() + seconds
    for number in range(first, last):
        if time.monotonic() > end:
            return number
        chance = random.Random(f"{name} {seed} {number}")
        which = chance.randrange(len(bodies))
        broken = _broken(bodies[which], target, chance, bodies)
        file = inputs / f"{number}-{files[which].name.rpartition('-')[2]}"
        file.write_bytes(broken)
        (work / "now").write_text(f"{number} {file.name}")
        problem = _problem_of(target, file)
        if not problem and (left := [path.name for path in inputs.iterdir() if path != file]):
            problem = f"left behind: {', '.join(left)}"
        if problem:
            save(failures, name, file, problem)
        file.unlink(missing_ok=True)
        for path in inputs.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return last


def _fresh(folder: Path) -> Path:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return folder


def _broken(body: bytes, target: Target, chance: random.Random, bodies: Sequence[bytes]) -> bytes:
    if target.structured and chance.random() < 0.6:
        with contextlib.suppress(ValueError, RecursionError):
            return with_odd_values(body, chance)
    return mutated(body, chance, bodies)


def _problem_of(target: Target, file: Path) -> str:
    """What goes wrong with an input, as a traceback; empty where it is read, or refused in words."""
    signal.alarm(LONGEST_S)
    try:
        target.read(file)
    except LianpuError as refusal:
        words = str(refusal)
        return f"a message of {len(words):,} characters: {words[:500]}" if len(words) > LONGEST_MESSAGE else ""
    except _TooLongError:
        return f"longer than {LONGEST_S} s:\n{traceback.format_exc()}"
    except BaseException:
        return traceback.format_exc()
    finally:
        signal.alarm(0)
    return ""


def save(failures: Path, name: str, file: Path, problem: str) -> None:
    """Keep an input that fails, with what went wrong."""
    failures.mkdir(parents=True, exist_ok=True)
    kept = failures / f"{name}-{file.name}"
    if file.is_file():
        shutil.copy(file, kept)
    kept.with_name(f"{kept.name}.problem.txt").write_text(problem, errors="backslashreplace")


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


# The parent


@dataclass(frozen=True)
class Fed:
    """What came of a target: inputs fed, seconds, and the saved inputs that failed."""

    name: str
    inputs: int
    seconds: float
    failures: tuple[Path, ...]


def fuzz(names: Sequence[str], count: int, seconds: float, failures: Path, seed: int = 0) -> list[Fed]:
    """Feed each target at most `count` inputs and for at most `seconds`, in a child of its own that is begun anew when it dies."""
    return [_fuzz_one(name, count, seconds, failures, seed) for name in names]


def _ended(words: list[str], folder: Path, environment: dict[str, str], timeout_s: float) -> subprocess.CompletedProcess[str]:
    """A child that has ended, or was killed because it hangs where no alarm of its own reaches it: in native code."""
    with subprocess.Popen(words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        try:
            out, err = child.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
            err += f"killed: it hangs, for {timeout_s:.0f} s have passed"
        return subprocess.CompletedProcess(words, child.returncode, out, err)


def _fuzz_one(name: str, count: int, seconds: float, failures: Path, seed: int) -> Fed:
    begin, done = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix=f"fuzz-{name}-") as folder:
        work, empty = Path(folder) / "work", Path(folder) / "empty"
        work.mkdir()
        empty.mkdir()
        while done < count and time.monotonic() - begin < seconds:
            left = seconds - (time.monotonic() - begin)
            call = [sys.executable, "-m", "tests.robustness.fuzz", "--child", name, str(seed), str(done), str(count), str(left)]
            root = Path(__file__).parents[2]
            environment = os.environ | {
                "PYTHONPATH": os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH", "")))),
                "HOME": str(empty),
                "TMPDIR": str(work),
                "LIANPU_MODELS": str(empty / "models"),
                "LIANPU_OFFLINE": "1",
            }
            words = [*call, str(work), str(failures.resolve())]
            child = _ended(words, empty, environment, left + STARTS_S + LONGEST_S)
            if child.returncode == 0:
                done = int(child.stdout.split()[-1])
                if done < count and time.monotonic() - begin < seconds - 1:
                    continue
                break
            now = (work / "now").read_text().split() if (work / "now").is_file() else None
            if now is None:
                raise RuntimeError(f"{name} cannot begin: {child.stderr[-2000:]}")
            save(failures, name, work / "inputs" / now[1], f"the process died ({child.returncode}):\n{child.stderr[-4000:]}")
            _fresh(work / "inputs")
            done = int(now[0]) + 1
        if written := [
            path for path in empty.rglob("*") if path.is_file() and "Microsoft" not in path.parts
        ]:  # ONNX Runtime's own
            save(failures, name, written[0], f"written outside: {', '.join(map(str, written))}")
    found = tuple(sorted(path for path in failures.glob(f"{name}-*") if path.suffix == ".txt")) if failures.is_dir() else ()
    return Fed(name, done, time.monotonic() - begin, found)


def main(words: Sequence[str] | None = None) -> int:
    """The command; the exit code is 1 where something failed."""
    given = list(sys.argv[1:] if words is None else words)
    if given[:1] == ["--child"]:
        name, seed, first, last, seconds, work, failures = given[1:]
        warnings.simplefilter("ignore")
        with contextlib.redirect_stderr(io.StringIO()):
            done = feed(name, int(seed), int(first), int(last), float(seconds), Path(work), Path(failures))
        print(done)
        return 0
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=600.0, help="for all targets together")
    options.add_argument("--seed", type=int, default=int(time.time()))
    options.add_argument("--failures", type=Path, default=Path("runs/fuzz"))
    options.add_argument("--targets", nargs="*", default=list(TARGETS), choices=list(TARGETS))
    parsed = options.parse_args(given)
    print(f"seed {parsed.seed}; inputs that fail are saved in {parsed.failures}")
    fed = []
    for name in parsed.targets:
        one = fuzz([name], 10**9, parsed.seconds / len(parsed.targets), parsed.failures, parsed.seed)[0]
        print(
            f"{name:14} {one.inputs:8,} inputs in {one.seconds:5.0f} s, {len(one.failures)} failed",
            *one.failures,
            sep="\n  ",
            flush=True,
        )
        fed.append(one)
    inputs, took = sum(one.inputs for one in fed), sum(one.seconds for one in fed)
    print(f"{inputs:,} inputs in {took:.0f} s: {inputs / max(took, 1) * 3600:,.0f} an hour")
    return int(any(one.failures for one in fed))


if __name__ == "__main__":
    raise SystemExit(main())
