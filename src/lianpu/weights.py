"""Weights of torch networks: read from untrusted files, written, and averaged over training."""

from __future__ import annotations

import os
import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, load_file, save
from torch import nn

from lianpu.errors import LianpuError

Tensors = dict[str, torch.Tensor]
MakeError = Callable[[str], LianpuError]

_PROBLEMS = (
    *(SafetensorError, pickle.UnpicklingError, zipfile.BadZipFile, struct.error, EOFError, OSError),
    *(RuntimeError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError, MemoryError),
)
"""What torch and safetensors raise for broken files (RecursionError is a RuntimeError)."""


def read_tensors(file: Path, make_error: MakeError, advice: str = "Get it again.") -> Tensors:
    """The tensors of a .safetensors file, or of what `torch.save` wrote from a `state_dict` (.pth, .pt, .ckpt).

    The table may lie under `state_dict`, and its names may begin with what wrappers write (`WRAPPERS`).

    Args:
        file: read without running any code in it.
        make_error: makes the error of a sentence.
        advice: what to do about it, a sentence.

    Raises:
        LianpuError: as `make_error` makes it: the file is missing, damaged, might run code, or holds no table of tensors.
    """
    loaded = read_untrusted(file, make_error, advice)
    if isinstance(loaded, Mapping) and isinstance(loaded.get("state_dict"), Mapping):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, Mapping) or not all(isinstance(value, torch.Tensor) for value in loaded.values()):
        raise make_error(f"{file} holds no table of weights. {advice}")
    return {_unwrapped(str(name)): tensor for name, tensor in loaded.items()}


WRAPPERS = ("module.", "_orig_mod.", "_fsdp_wrapped_module.")
"""Beginnings of names: of DataParallel and DistributedDataParallel, torch.compile, and FSDP; they may lie inside each other."""


def _unwrapped(name: str) -> str:
    while found := next((wrapper for wrapper in WRAPPERS if name.startswith(wrapper)), ""):
        name = name.removeprefix(found)
    return name


_NO_WEIGHTS = {
    b"version https://git-lfs": "is a Git LFS pointer, not the file itself: run git lfs pull where it came from",
    b"<!doctype": "is a web page (HTML), not the file: the download asked for a login or a confirmation",
    b"<html": "is a web page (HTML), not the file: the download asked for a login or a confirmation",
    b"<?xml": "is an XML file (often a server's error message), not the weights",
    b"{": "is a JSON file, not the weights",
    b"\x1f\x8b": "is compressed (gzip): unpack it first",
    b"%pdf": "is a PDF",
    b"\x89hdf": "is an HDF5 file (Keras): only PyTorch's weights can be read",
}
"""Beginnings of files (in lower case) that people get in place of weights, and what they are."""


def _what_it_is(file: Path) -> str:
    """What a file is by its first bytes where it surely holds no weights; empty for anything else."""
    with file.open("rb") as stream:
        head = stream.read(512).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        return "is empty"
    binary = file.suffix == ".safetensors"  # begins with a number of 8 bytes, which may look like a short beginning
    return next((words for start, words in _NO_WEIGHTS.items() if head.startswith(start) and not (binary and len(start) < 4)), "")


def read_untrusted(file: Path, make_error: MakeError, advice: str = "Get it again.") -> Any:
    """What a file of tensors, numbers and plain containers holds. Arguments and errors are those of `read_tensors`."""
    if not file.is_file():
        raise make_error(f"{file} is {'a folder' if file.is_dir() else 'not there'}. {advice}")
    try:
        if words := _what_it_is(file):
            raise make_error(f"{file} {words}. {advice}")
        if file.suffix == ".safetensors":
            name = os.fsencode(file)
            by_name = name.decode("utf-8", "ignore").encode() == name  # safetensors opens no name that is no UTF-8
            return load_file(file) if by_name else load(file.read_bytes())
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Detected pickle protocol")  # the error below says what is wrong
            return torch.load(file, map_location="cpu", weights_only=True)
    except _PROBLEMS as problem:
        if "unsupported global" in str(problem).lower():
            raise make_error(f"{file} holds more than weights and might run code, so it was not loaded. {advice}") from None
        reason = (str(problem).strip() or type(problem).__name__).splitlines()[0][:160]
        raise make_error(f"{file} is damaged or cut off ({reason}). {advice}") from None


def save_tensors(tensors: Mapping[str, torch.Tensor], file: Path) -> None:
    """Write a .safetensors file.

    Raises:
        OSError: the disk is full or cannot be written: Python writes the file, so the error has its number.
    """
    file.write_bytes(save({name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}))


@torch.no_grad()
def update_average(averaged: nn.Module, network: nn.Module, updates: int, decay: float) -> None:
    """Move the average of a network's weights towards its newest ones; counters and other whole numbers are copied.

    Args:
        averaged: changed in place.
        network: after `updates` updates.
        updates: early on the average moves faster, 9 / (10 + updates), so that it soon forgets the random start.
        decay: the share that it keeps later, such as 0.999.
    """
    weight = 1.0 - min(decay, (1 + updates) / (10 + updates))
    ours, theirs = averaged.state_dict(), network.state_dict()
    moving = [name for name, tensor in ours.items() if tensor.is_floating_point()]
    torch._foreach_lerp_([ours[name] for name in moving], [theirs[name] for name in moving], weight)
    for name in ours.keys() - set(moving):
        ours[name].copy_(theirs[name])
