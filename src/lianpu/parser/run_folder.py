"""The folder that a parser's training leaves: the only place that spells its names.

```
config.json      what was asked: settings, data, licence, versions      steps.jsonl      one line per logged step
parts.json       which parts each training face shows                   checkpoint/      where training goes on
parser.safetensors   the weights that are scored and exported           parser.onnx      what `lianpu parser export` writes
```
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ParserRun:
    """A parser's training by its folder."""

    folder: Path

    @property
    def config_file(self) -> Path:
        return self.folder / "config.json"

    @property
    def steps_file(self) -> Path:
        return self.folder / "steps.jsonl"

    @property
    def parts_file(self) -> Path:
        return self.folder / "parts.json"

    @property
    def checkpoint_folder(self) -> Path:
        return self.folder / "checkpoint"

    @property
    def weights_file(self) -> Path:
        return self.folder / "parser.safetensors"

    @property
    def onnx_file(self) -> Path:
        return self.folder / "parser.onnx"

    def exists(self) -> bool:
        """Whether training has begun here."""
        return self.config_file.is_file()
