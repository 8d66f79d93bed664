"""A lite editor whose edits are stronger or weaker: `python docs/scale_labels.py IN.onnx OUT.onnx Black_Hair=1.3 Male=1.15 Male+=1.35 Male-=1.2`.

Labels enter the lite generator by one linear layer (FiLM), so a label of 1.2 is a column of it times 1.2: `Male=1.2`. An editor with fields has also maps
of what an edit does to all faces, one for each label and sign: `Male+=1.35` scales that of yes, `Male-=1.2` that of no, below the hairline of aligned
faces, for more of what greys hair is fog before a dark background. No operation is added, and what a user asks for stays 1. For editors that are told
differences. Choose the factors on training faces, and look at what they do.
"""

import json
import sys

import numpy as np
import onnx
from onnx import numpy_helper

FILM, MAPS = "film.weight", "field_head.usual"
HAIRLINE = (0.24, 0.36)
"""Shares of the side: maps are scaled fully from the second on downwards, above the first not at all."""


def main(source: str, target: str, factors: dict[str, float]) -> None:
    """Write the file with the columns and maps of the named attributes scaled."""
    model = onnx.load(source)
    entries = {entry.key: entry.value for entry in model.metadata_props}
    names = json.loads(entries["lianpu"])["attributes"]["names"]
    layers = {one.name: one for one in model.graph.initializer if one.name in (FILM, MAPS)}
    weights = {name: numpy_helper.to_array(layer).copy() for name, layer in layers.items()}
    for word, factor in factors.items():
        if word[-1] in "+-":
            place = names.index(word[:-1]) + (len(names) if word[-1] == "-" else 0)
            rows = (np.arange(weights[MAPS].shape[2], dtype=np.float32) + 0.5) / weights[MAPS].shape[2]
            scaled = np.clip((rows - HAIRLINE[0]) / (HAIRLINE[1] - HAIRLINE[0]), 0, 1)[:, None]
            weights[MAPS][place] *= 1 + scaled * np.float32(factor - 1)
        else:
            weights[FILM][:, names.index(word)] *= np.float32(factor)
    for name, layer in layers.items():
        layer.CopyFrom(numpy_helper.from_array(weights[name], name))
    onnx.save(model, target)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], {name: float(factor) for name, factor in (word.split("=") for word in sys.argv[3:])})
