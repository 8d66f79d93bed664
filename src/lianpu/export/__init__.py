"""ONNX export, its parity gate, quantization and the comparison of the files."""
