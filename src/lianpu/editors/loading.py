"""One way to an editor, whatever the file; the bundled editors by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lianpu.attributes import AttributeSet
from lianpu.devices import pick_device
from lianpu.editors.editor import Editor, ModelInfo
from lianpu.editors.onnx_editor import Engine, OnnxEditor
from lianpu.errors import ModelError, WeightsError
from lianpu.models.store.hub import ADDRESS, fetch_repo
from lianpu.models.store.locate import check_model_file, find_model_file, missing, refuse_non_commercial
from lianpu.models.table import model_file
from lianpu.runs import Checkpoint, Run, open_run

if TYPE_CHECKING:
    from lianpu.editors.checkpoint_editor import CheckpointEditor
    from lianpu.stargan.networks import Generator


BUNDLED_EDITORS: dict[str, str] = {"lite": "face-editor-lite"}
"""What `load_editor` calls them, and their names in the table of weights."""


def bundled_editor_file(name: str) -> Path:
    """The ONNX file of an editor of `BUNDLED_EDITORS`, its bytes checked.

    Raises:
        WeightsError: it is not there, damaged, or not allowed under --commercial-safe.
    """
    entry = model_file(BUNDLED_EDITORS[name])
    refuse_non_commercial([entry])
    file = find_model_file(entry.name)
    if file is None:
        raise WeightsError(
            f"{missing(entry)}, although it is bundled. Install Lianpu again ({entry.how_to_get}), or name another editor: "
            "a run folder or an .onnx file."
        )
    return check_model_file(file, entry)


def load_editor(
    source: Path | str | Run | Checkpoint,
    device: str = "auto",
    threads: int | None = None,
    attributes: AttributeSet | None = None,
    image_size: int | None = None,
    engine: Engine = "onnxruntime",
) -> Editor:
    """The editor in a run folder (its last checkpoint), a checkpoint folder, an ONNX file or a published `*-G.ckpt`; or `lite`, the
    bundled one; or one on the Hugging Face Hub, `hf://user/repo` (`lianpu push` puts it there).

    Args:
        source: the name, folder or file (a folder that is called lite is ./lite); an ONNX file describes itself.
        device: where a torch generator runs (`auto`, `cpu`, `cuda`, ...).
        threads: how many threads ONNX Runtime uses; None lets it choose.
        attributes: labels and their order; needed for a published checkpoint only, which does not carry them.
        image_size: side of the faces in pixels; needed for a published checkpoint only.
        engine: what runs an ONNX file: `onnxruntime`, or `openvino` where it is installed; a checkpoint is run by torch.

    Raises:
        LianpuError: there is nothing to load there, it is damaged, or it is a bundled one and not allowed under --commercial-safe.
    """
    if isinstance(source, Run):
        return _from_checkpoint(source.last_checkpoint(), device)
    if isinstance(source, Checkpoint):
        return _from_checkpoint(source, device)
    if str(source) in BUNDLED_EDITORS:
        return OnnxEditor(bundled_editor_file(str(source)), threads, engine)
    if str(source).startswith(ADDRESS):
        return OnnxEditor(_from_hub(str(source)), threads, engine)
    path = Path(source)
    if path.is_dir():
        checkpoint = Checkpoint(path)
        return _from_checkpoint(checkpoint if checkpoint.state_file.is_file() else open_run(path).last_checkpoint(), device)
    if not path.is_file():
        raise ModelError(
            f"{path} is not there. Give a run folder, a checkpoint folder, an .onnx file, a *-G.ckpt, or lite, the bundled editor."
        )
    if path.suffix == ".onnx":
        return OnnxEditor(path, threads, engine)
    if path.suffix in (".ckpt", ".pth"):
        return _from_published(path, device, attributes, image_size)
    raise ModelError(
        f"{path}: '{path.suffix}' is no model file. Give a run folder, a checkpoint folder, an .onnx file or a *-G.ckpt."
    )


def _from_hub(address: str) -> Path:
    """The ONNX file of a repository: model.onnx, or the only one there is."""
    folder = fetch_repo(address, ("*.onnx", "*.onnx.data", "*.json", "*.md"))
    files = sorted(folder.glob("*.onnx"))
    named = [file for file in files if file.name == "model.onnx"] or files
    if len(named) != 1:
        found = ", ".join(file.name for file in files) or "none"
        raise ModelError(
            "{address} has no model.onnx (its ONNX files: {found}). Push a run with: lianpu push RUN user/name",
            key="hub.no_model",
            address=address,
            found=found,
        )
    return named[0]


def _from_checkpoint(checkpoint: Checkpoint, device: str) -> CheckpointEditor:
    from lianpu.editors.checkpoint_editor import CheckpointEditor, load_generator

    generator, info, _ = load_generator(checkpoint)
    return CheckpointEditor(generator, info, pick_device(device))


def _from_published(file: Path, device: str, attributes: AttributeSet | None, image_size: int | None) -> CheckpointEditor:
    from lianpu.editors.checkpoint_editor import CheckpointEditor

    generator, info = read_published(file, attributes, image_size)
    return CheckpointEditor(generator, info, pick_device(device))


def read_published(file: Path, attributes: AttributeSet | None, image_size: int | None) -> tuple[Generator, ModelInfo]:
    """The generator of a published `*-G.ckpt`, and what its file does not say of itself.

    Raises:
        LianpuError: it is no such file, attributes or size are not given, or it has another number of attributes.
    """
    from torch import nn

    from lianpu.stargan.published import load_published_generator

    generator = load_published_generator(file)
    if attributes is None or image_size is None:
        raise ModelError(
            f"{file} does not say its labels and size. Say them once: lianpu models import {file} --attributes NAME NAME ... "
            "--image-size 128 writes a file that says them (in Python: attributes= and image_size=)."
        )
    first = generator.main[0]
    assert isinstance(first, nn.Conv2d)
    if first.in_channels - 3 != len(attributes):
        raise ModelError(
            f"{file} edits {first.in_channels - 3} attributes, but {len(attributes)} were named: {', '.join(attributes.names)}."
        )
    info = ModelInfo(
        attributes, image_size, alignment="celeba-center-crop-178", licence="non-commercial research and education only (CelebA)"
    )
    return generator, info
