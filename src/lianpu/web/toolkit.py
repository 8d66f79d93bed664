"""The only import of Gradio and Starlette: `from lianpu.web.toolkit import gr`. Importing it contacts no server."""

from __future__ import annotations

import os

from lianpu.errors import LianpuError

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read by Gradio while it is imported: no request leaves this machine

try:
    import gradio as gr
    from gradio.data_classes import FileData
    from starlette.middleware import Middleware
except ImportError as problem:
    raise LianpuError(
        f"The page needs Gradio, which is not installed here ({problem}). Install it: pip install 'lianpu[web]'"
    ) from None

__all__ = ["FileData", "Middleware", "gr"]
