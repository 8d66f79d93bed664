"""A lite editor whose edits are stronger or weaker: `python docs/scale_labels.py IN.onnx OUT.onnx Black_Hair=1.3 Male=1.5`.

Labels enter the lite generator by one linear layer (FiLM), so a label of 1.5 is a column of it times 1.5: no operation is added, and what a user asks
for stays 1. For editors that are told differences. Choose the factors on training faces, and look at what they do.
"""

import json
import sys

import onnx
from onnx import numpy_helper


def main(source: str, target: str, factors: dict[str, float]) -> None:
    """Write the file with the columns of the named attributes scaled."""
    model = onnx.load(source)
    entries = {entry.key: entry.value for entry in model.metadata_props}
    names = json.loads(entries["lianpu"])["attributes"]["names"]
    (layer,) = [one for one in model.graph.initializer if one.name == "film.weight"]
    weights = numpy_helper.to_array(layer).copy()
    for name, factor in factors.items():
        weights[:, names.index(name)] *= factor
    layer.CopyFrom(numpy_helper.from_array(weights, "film.weight"))
    onnx.save(model, target)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], {name: float(factor) for name, factor in (word.split("=") for word in sys.argv[3:])})
