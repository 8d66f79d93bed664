"""`lianpu bench train | infer | faces`: speed as ratios, measured in one process, the contenders taking turns."""

from __future__ import annotations

import importlib

from lianpu.errors import SettingsError, nearest_name

BENCHES = {"train": "lianpu.cli.bench_train", "infer": "lianpu.cli.bench_infer", "faces": "lianpu.cli.bench_faces"}


def main(arguments: list[str]) -> None:
    """Run the bench that the first word names."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print("usage: lianpu bench train ...   our training step against the same mathematics written plainly")
        print("       lianpu bench infer ...   PyTorch, ONNX and INT8 side by side")
        print(
            "       lianpu bench faces ...   faces found by each detector; a pack of face networks against the insightface package"
        )
        return
    if arguments[0] not in BENCHES:
        raise SettingsError(f"'{arguments[0]}' is no bench{nearest_name(arguments[0], BENCHES)}. Known: {', '.join(BENCHES)}.")
    importlib.import_module(BENCHES[arguments[0]]).main(arguments[1:])
