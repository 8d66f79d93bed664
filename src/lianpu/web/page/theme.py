"""The page's theme, style and script: colours, system fonts, a layout for phones, and the size check in the browser."""

from __future__ import annotations

import json

from lianpu.web.language import Words, error_line, page_error
from lianpu.web.photos import Limits
from lianpu.web.toolkit import gr

_FONTS = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial")

_CHINESE_FONTS = ("PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", "WenQuanYi Micro Hei")

UPLOAD_FIRST_PX, UPLOAD_NEXT_PX = 300, 96
"""Height of the drop zone before and after the first upload."""


def theme() -> gr.themes.Base:
    """A plain theme in the red of opera masks, with system fonts only."""
    fonts = [gr.themes.Font(name) for name in (*_FONTS, *_CHINESE_FONTS, "sans-serif")]
    mono = [gr.themes.Font(name) for name in ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")]
    chosen = gr.themes.Base(
        primary_hue=gr.themes.colors.red,
        secondary_hue=gr.themes.colors.red,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_md,
        font=fonts,
        font_mono=mono,
    )
    return chosen.set(
        body_background_fill="#f7f5f2",
        block_shadow="none",
        block_border_width="1px",
        button_primary_background_fill="#b3261e",
        button_primary_background_fill_hover="#8f1d17",
        button_primary_text_color="#ffffff",
        slider_color="#b3261e",
    )


CSS = """
.gradio-container.gradio-container { width: 100% !important; max-width: 1240px !important; margin: 0 auto !important; padding: 12px 16px 24px !important; overflow: clip !important; }
.gradio-container .main.main { padding: 0 !important; max-width: none !important; width: 100% !important; }
.gradio-container main.contain { padding: 0 !important; }
footer { display: none !important; }
#top { align-items: center; flex-wrap: nowrap; margin-bottom: 2px; }
#brand { min-width: 0 !important; padding: 0 !important; }
#brand h1 { font-size: 1.7rem; font-weight: 700; margin: 0; line-height: 1.15; }
#brand p { margin: 0; color: var(--body-text-color-subdued); }
#language { width: auto !important; min-width: 0 !important; flex: 0 0 auto !important; }
#language .wrap { flex-wrap: nowrap; gap: 6px; }
#language label { padding: 5px 10px; white-space: nowrap; font-size: var(--text-sm); }
#language label input { display: none; }
#language label span { margin: 0; }
#language label.selected { background: #b3261e; color: #fff; }
#language label.selected span { color: #fff; }
#left { position: sticky; top: 8px; align-self: flex-start; max-height: calc(100vh - 16px); overflow-y: auto; flex-wrap: nowrap; scrollbar-width: thin; }
#batch-zip .empty { min-height: 90px !important; height: 90px !important; }
#status, #found, #batch-status { min-height: 1.5em; padding: 0 !important; }
#status p, #found p, #batch-status p { margin: 0; padding: 0 2px; }
#status .html-container, #found .html-container, #batch-status .html-container, #brand .html-container { padding: 0 !important; }
.problem { color: #b3261e !important; font-weight: 600; }
.dark .problem { color: #ff8a80 !important; }
#upload { min-height: 92px; }
.both-ways input[type=range]::-webkit-slider-runnable-track { background: linear-gradient(to right, var(--neutral-200) min(50%, var(--range_progress)), var(--slider-color) min(50%, var(--range_progress)), var(--slider-color) max(50%, var(--range_progress)), var(--neutral-200) max(50%, var(--range_progress))) !important; }
.both-ways input[type=range]::-moz-range-progress { background: none !important; }
#upload .wrap, #batch-upload .wrap, .own-picture button .wrap { font-size: 0; line-height: 0; }
#upload .wrap .icon-wrap, #batch-upload .wrap .icon-wrap { width: 26px; margin-bottom: 8px; }
#upload .wrap .or, #batch-upload .wrap .or, .own-picture .wrap .or, .own-picture .wrap .icon-wrap { display: none; }
#upload button .wrap::after, .own-picture button .wrap::after { content: var(--lianpu-drop); font-size: var(--text-md); line-height: 1.3; }
#batch-upload button .wrap::after { content: var(--lianpu-drop-many); font-size: var(--text-md); line-height: 1.3; }
#words { display: none !important; }
.unseen { position: absolute !important; width: 1px !important; height: 1px !important; min-width: 0 !important; overflow: hidden !important; opacity: 0; pointer-events: none; }
#faces-picture img { cursor: pointer; }
#faces .wrap { max-height: 150px; overflow-y: auto; }
#presets { align-items: flex-end; }
#reset { font-size: var(--text-sm); font-weight: 500; height: 40px; align-self: flex-end; }
.hint p, .hint span p { color: var(--body-text-color-subdued); font-size: var(--text-sm); margin: 0; }
.effect { gap: 0 !important; padding: 0 !important; border: 0 !important; }
.effect > .block, .effect > .form > .block { border: 0 !important; padding: 4px 2px !important; box-shadow: none; }
.effect > .form { border: 0 !important; box-shadow: none; background: none; }
.effect + .effect { border-top: 1px solid var(--border-color-primary) !important; }
.options { padding: 0 0 8px 12px !important; border-left: 3px solid #e4c3bf !important; margin-left: 4px !important; gap: 6px !important; width: calc(100% - 6px) !important; }
.options > *, .options > .form > * { width: 100% !important; min-width: 0 !important; }
#privacy p { font-size: 0.85rem; color: var(--body-text-color-subdued); margin: 0; }
#about table, #about tr, #about tbody { border: 0 !important; }
#about table { width: 100%; }
#batch-table, #batch-table * { font-family: var(--font) !important; }
#about thead:not(:has(th:not(:empty))) { display: none; }
#about th { border-width: 0 0 1px !important; text-align: left; padding: 6px 10px 6px 0; }
#about td { padding: 6px 10px 6px 0; vertical-align: top; border-style: solid; border-width: 0 0 1px !important; border-color: var(--border-color-primary); }
#about td:first-child { white-space: nowrap; color: var(--body-text-color-subdued); width: 1%; }
@media (max-width: 760px) {
  .gradio-container.gradio-container { padding: 8px 10px 20px !important; }
  #left { position: static; }
  #brand h1 { font-size: 1.3rem; }
  #brand p { font-size: var(--text-sm); }
  #about td:first-child { white-space: normal; }
  #about table { display: block; overflow-x: auto; }
  #left .tab-container button { padding: 0 9px; font-size: var(--text-sm); }
  #left, #left > .tabs, #left > .tabs > [role=tabpanel]:has(#result), #left > .tabs > [role=tabpanel]:has(#result) > div, #result:not(.hide) { display: contents !important; }
  #left > .tabs > [role=tabpanel][style*="none"]:has(#result) { display: none !important; }
  #left > .tabs > .tab-wrapper { width: 100%; }
  #comparison { position: sticky; top: 0; z-index: 6; max-height: 46vh; }
  #controls { isolation: isolate; }
}
"""
"""Added to Gradio's own style in the page's head."""


def quoted(text: str) -> str:
    """A text as a CSS string."""
    return '"' + "".join(c if c.isalnum() or c in " ,.，。" else f"\\{ord(c):06x}" for c in text) + '"'


_SCRIPT = """
<script>
(() => {
  const limit = LIMIT_BYTES;
  const report = (file) => {
    const box = document.querySelector("#refused textarea, #refused input");
    if (!box) return;
    box.value = JSON.stringify([file.name, file.size, Date.now()]);
    box.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const refuse = (event, files) => {
    const large = [...(files || [])].find((file) => file.size > limit);
    if (!large) return false;
    event.preventDefault();
    event.stopImmediatePropagation();
    report(large);
    return true;
  };
  document.addEventListener("change", (event) => {
    if (event.target.type === "file" && refuse(event, event.target.files)) event.target.value = "";
  }, true);
  document.addEventListener("drop", (event) => refuse(event, event.dataTransfer?.files), true);
  document.addEventListener("paste", (event) => refuse(event, event.clipboardData?.files), true);
})();
</script>
"""


def script(limits: Limits) -> str:
    """The script for the page's head. It writes a refused file into the hidden box `refused`, whose event shows `refused_line`."""
    return _SCRIPT.replace("LIMIT_BYTES", str(limits.max_bytes))


def refused_line(report: str, limits: Limits, words: Words) -> str:
    """The error line for a file that the script refused; empty for anything that the script does not write."""
    try:
        name, size, _ = json.loads(report)
        error = page_error("too_many_bytes", name=str(name)[:200], size=f"{float(size) / 1e6:.1f}", limit=f"{limits.max_mb:g}")
    except (ValueError, TypeError):
        return ""
    return error_line(error, words)
