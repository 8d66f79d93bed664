"""What runs in the visitor's browser: a file over the limit is refused before it is sent, in the page's own words."""

from __future__ import annotations

import json

from lianpu.web.language import Words
from lianpu.web.limits import Limits
from lianpu.web.problems import PageProblem, problem_line

_SCRIPT = """
<script>
(() => {
  const limit = LIMIT_BYTES;
  const tell = (file) => {
    const box = document.querySelector("#refused textarea, #refused input");
    if (!box) return;
    box.value = JSON.stringify([file.name, file.size, Date.now()]);
    box.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const look = (event, files) => {
    const large = [...(files || [])].find((file) => file.size > limit);
    if (!large) return false;
    event.preventDefault();
    event.stopImmediatePropagation();
    tell(large);
    return true;
  };
  document.addEventListener("change", (event) => {
    if (event.target.type === "file" && look(event, event.target.files)) event.target.value = "";
  }, true);
  document.addEventListener("drop", (event) => look(event, event.dataTransfer?.files), true);
  document.addEventListener("paste", (event) => look(event, event.clipboardData?.files), true);
})();
</script>
"""


def script(limits: Limits) -> str:
    """The script, for the page's head. It writes what it refused into the hidden box `refused`, which asks `refused_line`."""
    return _SCRIPT.replace("LIMIT_BYTES", str(limits.max_bytes))


def refused_line(told: str, limits: Limits, words: Words) -> str:
    """The line on a file that the script refused; an empty text for what the script does not write."""
    try:
        name, size, _ = json.loads(told)
        problem = PageProblem("too_many_bytes", name=str(name)[:200], size=f"{float(size) / 1e6:.1f}", limit=f"{limits.max_mb:g}")
    except (ValueError, TypeError):
        return ""
    return problem_line(problem, words)
