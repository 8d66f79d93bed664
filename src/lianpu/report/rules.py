"""What a report says, and rules on it: figures that contradict each other, or that cannot be.

The rules know the field (what a StarGAN weighs, what a processor computes in an hour, what a published file holds), and no document.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from lianpu.models.table import MODEL_FILES, OUR_PACKAGE, ModelFile
from lianpu.report.reading import SECTION_WORDS, Block, WrittenReport
from lianpu.stargan.layers import ModelSize, count_parameters, discriminator_layers, generator_layers
from lianpu.yaml_text import load_yaml

Kind = Literal["stale", "contradiction", "impossible", "unsaid"]


@dataclass(frozen=True)
class Finding:
    """One thing that does not hold.

    Args:
        kind: `stale` (not what its file says), `contradiction` (two places, or a known fact), `impossible`, or `unsaid` (a figure that says
            nothing without what is missing).
        line: of the document, from 1; 0 for what is nowhere.
        where: the heading that it stands under.
        text: what was found, and what would hold.
    """

    kind: Kind
    line: int
    where: str
    text: str


def first_line(cell: str) -> str:
    """A cell without its smaller second line."""
    return cell.partition("\n")[0]


# What a report says, in a form that rules can ask.


@dataclass(frozen=True)
class _Said:
    """A value and the block that says it."""

    value: Any
    block: Block


@dataclass(frozen=True)
class Facts:
    """What a report says of its training, in a form that rules can ask."""

    settings: Mapping[str, _Said]
    command: Mapping[str, _Said]
    rows: tuple[tuple[str, str, Block], ...]
    """(name, value, table) of every row of every table that has two columns."""

    @classmethod
    def of(cls, report: WrittenReport) -> Facts:
        settings: dict[str, _Said] = {}
        command: dict[str, _Said] = {}
        for block in report.of("code"):
            if (values := _yaml(block)) is not None:
                settings |= {name: _Said(value, block) for name, value in _flat(values) if name not in settings}
            elif block.section in ("configuration", "overview", "") and not command:
                command = {name: _Said(value, block) for name, value in _flags(block.text).items()}
        pairs = [(row[0], row[1], table) for table in report.of("table") for row in table.rows if len(row) == 2]
        for name, value, table in pairs:
            if (key := name.strip("` ").lower().replace(" ", "_").replace("-", "_")) in _SETTINGS and (
                numbers := _numbers(value)
            ):
                settings.setdefault(key, _Said(numbers[0], table))
        return cls(settings, command, tuple(pairs))

    def setting(self, name: str) -> Any:
        """A setting as the command sets it, which wins, or else the settings."""
        said = self.command.get(name) or self.settings.get(name)
        return None if said is None else said.value

    def number(self, *names: str) -> float | None:
        """The first of some settings that is a number above 0."""
        for name in names:
            value = self.setting(name)
            if isinstance(value, str) and (numbers := _numbers(value)):
                value = numbers[0]
            if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
                return float(value)
        return None

    def row(self, words: str, *sections: str) -> tuple[str, Block] | None:
        """The value of the first two-column row whose name has the pattern."""
        for name, value, table in self.rows:
            if re.search(words, name, re.IGNORECASE) and (not sections or table.section in sections):
                return value, table
        return None

    def labels(self) -> list[tuple[str, tuple[str, ...], Block]]:
        """Places that name the labels: what they are, the names, the block."""
        found = []
        for place, said in (("the settings", self.settings), ("the command", self.command)):
            for name in ("selected_attrs", "attributes", "labels", "attrs"):
                one = said.get(name)
                if one is not None and isinstance(one.value, list | tuple) and all(isinstance(word, str) for word in one.value):
                    found.append((place, tuple(one.value), one.block))
                    break
        row = self.row(r"^(attributes|属性|labels|标签)$")
        names = tuple(re.findall(r"`([^`]+)`", row[0])) if row else ()
        return [*found, ("the overview", names, row[1])] if row and names else found

    def network(self) -> ModelSize | None:
        """The published StarGAN that the settings describe, None where they describe no or another network."""
        width, size = self.number("g_conv_dim"), self.number("image_size")
        if width is None or size is None or self.setting("generator") not in (None, "stargan"):
            return None
        labels = self.labels()
        return ModelSize(
            image_size=int(size),
            g_conv_dim=int(width),
            d_conv_dim=int(self.number("d_conv_dim") or 64),
            g_repeat_num=int(self.number("g_repeat_num") or 6),
            d_repeat_num=int(self.number("d_repeat_num") or 6),
            attribute_count=len(labels[0][1]) if labels else 5,
        )


_SETTINGS = {
    "batch_size",
    "num_epochs",
    "num_iters",
    "image_size",
    "g_conv_dim",
    "d_conv_dim",
    "g_repeat_num",
    "d_repeat_num",
    "n_critic",
}


def _yaml(block: Block) -> dict[str, Any] | None:
    if block.syntax not in ("yaml", "yml", ""):
        return None
    try:
        values = load_yaml(block.text)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None


def _flat(values: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value)
        else:
            yield str(name), value


def _flags(text: str) -> dict[str, Any]:
    """Flags of the first command in a text that trains, with one value or a list of them; empty without one."""
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if not re.search(r"\btrain", line) or " --" not in line:
            continue
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue
        found: dict[str, list[str]] = {}
        current: list[str] | None = None
        for word in words:
            if re.match(r"--[A-Za-z]", word):
                name, _, value = word.removeprefix("--").partition("=")
                current = found.setdefault(name.replace("-", "_"), [])
                current += [value] if value else []
            elif current is not None:
                current.append(word)
        return {name: values if len(values) != 1 else values[0] for name, values in found.items()}
    return {}


NUMBER = re.compile(r"(?<![\w.])[-−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")


def _numbers(text: str) -> list[float]:
    return [float(found.replace(",", "").replace("−", "-")) for found in NUMBER.findall(text)]


_UNIT = r"\s*({})(?![A-Za-z])"
_BYTES = {"kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_SECONDS = {
    **dict.fromkeys(("ms", "毫秒"), 1e-3), **dict.fromkeys(("s", "sec", "seconds", "秒"), 1.0),
    **dict.fromkeys(("min", "minutes", "分钟"), 60.0), **dict.fromkeys(("h", "hour", "hours", "hrs", "小时"), 3600.0), **dict.fromkeys(("d", "day", "days", "天"), 86400.0),
}  # fmt: skip


def _measure(text: str, units: Mapping[str, float]) -> float | None:
    """The first number of a text that has one of the units, in what the units are of."""
    words = "|".join(sorted(map(re.escape, units), key=len, reverse=True))
    found = re.search(rf"({NUMBER.pattern}){_UNIT.format(words)}", text, re.IGNORECASE)
    return float(found[1].replace(",", "")) * units[found[2].lower()] if found else None


def found_at(kind: Kind, block: Block, text: str) -> Finding:
    """A finding at a block."""
    return Finding(kind, block.line, block.title, text)


# Rules on what a report says. Each yields what does not hold.


def _sections(report: WrittenReport, facts: Facts) -> Iterator[Finding]:
    there = {block.section for block in report.blocks}
    for name in SECTION_WORDS:
        if name not in there:
            yield Finding("unsaid", 0, "the whole", f"the section on {_SECTION_TITLES[name]} is missing")


_SECTION_TITLES = {
    "overview": "the overview",
    "pretrained": "pretrained models",
    "environment": "the training environment",
    "quantization": "quantization",
    "evaluation": "evaluation",
    "configuration": "the training configuration",
}


def _command_against_settings(report: WrittenReport, facts: Facts) -> Iterator[Finding]:
    for name, said in facts.command.items():
        other = facts.settings.get(name)
        if other is None or name in ("selected_attrs", "attributes", "labels", "attrs"):
            continue
        if not _same(said.value, other.value):
            yield found_at(
                "contradiction",
                said.block,
                f"the command says --{name} {_spelled(said.value)}, the settings say {name}: {_spelled(other.value)}",
            )


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list | tuple) or isinstance(other, list | tuple):
        ones, others = (list(value) if isinstance(value, list | tuple) else [value] for value in (one, other))
        return len(ones) == len(others) and all(map(_same, ones, others))
    try:
        return float(one) == float(other)
    except (TypeError, ValueError):
        return str(one).lower() == str(other).lower()


def _spelled(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _labels(report: WrittenReport, facts: Facts) -> Iterator[Finding]:
    """The labels of settings, command, overview and export are the same, in the same order."""
    places = facts.labels()
    for (first, names, _), (place, others, block) in pairwise(places):
        if names != others:
            gone, new = [name for name in names if name not in others], [name for name in others if name not in names]
            details = [
                f"{', '.join(gone)} missing" if gone else "",
                f"{', '.join(new)} only here" if new else "",
                "" if gone or new else "another order",
            ]
            yield found_at(
                "contradiction",
                block,
                f"{place} has {len(others)} labels, {first} {len(names)}: {'; '.join(filter(None, details))}",
            )
    for block in report.of("code"):
        shapes = {
            name.lower(): [int(size) for size in sizes.split(",")]
            for name, sizes in re.findall(
                r"(\w+)\s*=\s*torch\.(?:randn?|zeros|ones|empty)\(\s*\(?(\d+(?:\s*,\s*\d+)*)", block.text
            )
        }
        for name, shape in shapes.items():
            if len(shape) == 2 and re.search("label|attr|cond|^c$", name):
                for place, names, _ in places:
                    if len(names) != shape[1]:
                        yield found_at(
                            "contradiction", block, f"the export has {shape[1]} labels, {place} {len(names)} ({', '.join(names)})"
                        )
            side = facts.number("image_size")
            if len(shape) == 4 and side and shape[2:] != [side, side]:
                yield found_at(
                    "contradiction", block, f"the export takes {shape[3]} x {shape[2]} px, the settings say image_size: {side:g}"
                )


_FACES = {
    "celeba": (162_770, "CelebA's training split; 202,599 faces in all"),
    "celebahq": (24_000, "CelebA-HQ's training split; 30,000 faces in all"),
    "celebamaskhq": (24_000, "CelebAMask-HQ's training split; 30,000 faces in all"),
    "ffhq": (60_000, "FFHQ's training split; 70,000 faces in all"),
}
"""Faces of the training splits of public data sets."""

_PEAK_TFLOPS = {
    "1080 ti": 11.3, "titan xp": 12.1, "2080 ti": 108, "t4": 65, "p100": 21, "v100": 125, "3060": 51, "3070": 81, "3080": 119, "3090": 142, "4070": 117,
    "4080": 195, "4090": 330, "5090": 419, "a10": 125, "a40": 150, "a6000": 155, "a100": 312, "l4": 121, "l40": 181, "h100": 989, "h200": 989, "b200": 2250,
}  # fmt: skip
"""Dense half-precision 10**12 operations a second by their makers: what no training passes."""


def _face_count(facts: Facts) -> tuple[int, str] | None:
    """How many faces one epoch has, and who says so."""
    row = facts.row(r"^(faces|人脸数量|images|图片数?|training images|训练图片)", "overview", "configuration", "environment")
    if row and (numbers := _numbers(row[0])) and numbers[0] >= 1:
        return int(numbers[0]), "by its own words"
    named = (
        facts.setting("dataset")
        or facts.setting("source")
        or (facts.row(r"^(data|dataset|数据集?)$", "overview", "configuration") or ("",))[0]
    )
    return _FACES.get(re.sub(r"[^a-z]", "", str(named).lower()))


def _time(report: WrittenReport, facts: Facts) -> Iterator[Finding]:
    """Epochs x images against hours: the arithmetic of the published network's training, at the least, and the processor's peak."""
    row = facts.row(
        r"training time|time of training|训练时长|训练时间|训练用时|duration", "environment", "overview", "configuration"
    )
    seconds = _measure(row[0], _SECONDS) if row else None
    if not row or not seconds:
        return
    steps_told, each_ms = re.search(r"([\d,]+)\s*(?:steps|步)", row[0]), re.search(r"([\d,.]+)\s*(?:ms|毫秒)", row[0])
    if steps_told and each_ms:
        product = float(steps_told[1].replace(",", "")) * float(each_ms[1].replace(",", "")) / 1e3
        if abs(product - seconds) > 0.1 * seconds:
            yield found_at(
                "contradiction",
                row[1],
                f"{steps_told[1]} steps of {each_ms[1]} ms are {product / 3600:.2f} h, not {seconds / 3600:.2f} h",
            )
    faces, batch = _face_count(facts), facts.number("batch_size")
    network, iterations, epochs = facts.network(), facts.number("num_iters"), facts.number("num_epochs")
    told_epochs = re.search(r"([\d,]+)\s*(?:epochs|轮)", row[0], re.IGNORECASE)
    if told_epochs and epochs and float(told_epochs[1].replace(",", "")) != epochs and not iterations:
        yield found_at(
            "contradiction", row[1], f"the time is of {told_epochs[1]} epochs, the settings say num_epochs: {epochs:g}"
        )
    if steps_told or not batch or network is None or not (iterations or (epochs and faces)):
        return
    pictures = iterations * batch if iterations else (epochs or 0.0) * (faces[0] if faces else 0)
    what = (
        f"{iterations:,.0f} steps"
        if iterations
        else f"{epochs:g} epochs of {faces[0] if faces else 0:,} faces ({faces[1] if faces else ''})"
    )
    g, d = (
        sum(2.0 * layer.parameters * layer.side_px**2 / (4 if layer.name.startswith("ConvTranspose") else 1) for layer in layers)
        for layers in (generator_layers(network), discriminator_layers(network))
    )
    each = g + 6 * d + 6 * g / (facts.number("n_critic") or 5)
    name, peak = _processor(facts)
    needed = pictures * each / seconds / 1e12
    if needed > peak:
        yield found_at(
            "impossible",
            row[1],
            f"{what} at batch {batch:g} are {pictures / batch:,.0f} steps; in {seconds / 3600:g} h that is {pictures / seconds:,.0f} pictures a second and at "
            f"least {needed:,.0f} TFLOP/s for these networks, more than {name} computes at its peak ({peak:g}): it takes {pictures * each / peak / 1e12 / 3600:,.0f} h or more",
        )


def _processor(facts: Facts) -> tuple[str, float]:
    row = facts.row(r"^(gpu|device|显卡)", "environment")
    text = (row[0] if row else "").lower()
    known = [(name, peak) for name, peak in _PEAK_TFLOPS.items() if re.search(rf"(?<![\w]){re.escape(name)}(?!\d)", text)]
    name, peak = max(known, key=lambda one: len(one[0]), default=("the fastest GPU known here", max(_PEAK_TFLOPS.values())))
    count = re.search(r"(?<!\w)(\d{1,2})\s*[x×]|(?<!\w)[x×]\s*(\d{1,2})\b", text)
    times = int(count[1] or count[2]) if count else max(1, text.count(name))
    return (row[0] if row and known else name), peak * times


def _memory(report: WrittenReport, facts: Facts) -> Iterator[Finding]:
    used, whole = (
        facts.row(r"显存占用|peak memory|memory used|gpu memory", "environment"),
        facts.row(r"^(gpu|显卡)", "environment"),
    )
    if used and whole and (taken := _measure(used[0], _BYTES)) and (there := _measure(whole[0], _BYTES)) and taken > 1.02 * there:
        yield found_at("impossible", used[1], f"{used[0]} of memory were used, the GPU has {whole[0]}")


def _curve(report: WrittenReport, facts: Facts) -> Iterator[Finding]:
    """A training curve stays within the training, and steps, batch and epochs agree."""
    epochs, batch, faces = facts.number("num_epochs"), facts.number("batch_size"), _face_count(facts)
    for table in report.of("table", "evaluation"):
        at, step_at = table.column(r"^(epoch|轮)"), table.column(r"^(step|iteration|步)")
        rows = [row for row in table.rows[1:] if at is not None and _numbers(row[at])]
        if at is None or not rows:
            continue
        last = _numbers(rows[-1][at])[0]
        if epochs and not facts.number("num_iters") and last > 1.01 * epochs:
            yield found_at("contradiction", table, f"the curve reaches epoch {last:g}, the settings say num_epochs: {epochs:g}")
        steps = _numbers(rows[-1][step_at]) if step_at is not None else []
        if not (steps and batch and faces and faces[1] == "by its own words"):
            continue
        reached = steps[0] * batch / faces[0]
        if abs(reached - last) > 0.02 * last + 0.1:
            which = f"step {steps[0]:,.0f} at batch {batch:g} of {faces[0]:,} faces"
            yield found_at("contradiction", table, f"{which} is epoch {reached:,.1f}, not {last:g}")


_FLOAT_ROW, _INT8_ROW, _HALF_ROW = r"fp32|float32|pytorch|\.pth?\b", r"int8", r"fp16|float16|half"
_BYTES_EACH = ((_INT8_ROW, 1, "INT8"), (_HALF_ROW, 2, "float16"), (_FLOAT_ROW, 4, "FP32"))


def _sizes(report: WrittenReport, facts: Facts) -> Iterator[Finding]:
    """Files weigh 4, 2 or 1 bytes a parameter of the network, and INT8 about a quarter of FP32."""
    network = facts.network()
    counted = count_parameters(generator_layers(network)) if network else None
    for table in report.of("table", "quantization"):
        at = table.column(r"size|大小|体积")
        if at is None:
            continue
        sizes = [(first_line(row[0]), size) for row in table.rows[1:] if (size := _measure(row[at], _BYTES))]
        for name, size in sizes:
            kind = next(((each, word) for words, each, word in _BYTES_EACH if re.search(words, name, re.IGNORECASE)), None)
            if counted and kind and not 0.97 * kind[0] * counted <= size <= 1.15 * kind[0] * counted + 3e5:
                if kind[0] == 1 and size > counted and _says_kept_float(report):
                    continue
                yield found_at(
                    "impossible",
                    table,
                    f"'{name}' is said to have {size / 1e6:.1f} MB; the network of the settings has {counted:,} parameters, in {kind[1]} {kind[0] * counted / 1e6:.1f} MB",
                )
        whole = [
            size
            for name, size in sizes
            if re.search(_FLOAT_ROW, name, re.IGNORECASE) and not re.search(_INT8_ROW, name, re.IGNORECASE)
        ]
        for name, size in sizes:
            if re.search(_INT8_ROW, name, re.IGNORECASE) and whole:
                share = size / whole[-1]
                if share < 0.24 or (share > 0.32 and not _says_kept_float(report)):
                    yield found_at(
                        "impossible",
                        table,
                        f"'{name}' has {share:.0%} of the float file's size; weights of 8 bits are a quarter of 32, and what is kept in float is not said",
                    )


def _says_kept_float(report: WrittenReport) -> bool:
    return (
        re.search(r"in float|kept? (in )?float|仍为浮点|保留浮点|混合精度", report.prose("quantization"), re.IGNORECASE)
        is not None
    )


def _known_files(report: WrittenReport, facts: Facts) -> Iterator[Finding]:
    """Published model files are what their authors made: size and kind."""
    for table in report.of("table", "pretrained"):
        named = {known.name: known for known in _PUBLISHED for row in table.rows if _names(known, " ".join(row))}
        for row in table.rows[1:]:
            here = [known for known in named.values() if _names(known, " ".join(row))]
            for known in here[:1]:
                right = {word for word in _KINDS if word.lower() in f"{known.family} {known.used_for}".lower()}
                wrong = [word for word in _KINDS if re.search(rf"\b{word}\b", " ".join(row), re.IGNORECASE) and word not in right]
                if right and wrong:
                    yield found_at(
                        "contradiction", table, f"{known.file} is {' '.join(sorted(right))} ({known.used_for}), not {wrong[0]}"
                    )
            sized = here[0] if len(here) == 1 else next(iter(named.values())) if len(named) == 1 else None
            size = _measure(" ".join(row), _BYTES)
            if sized and size and all(abs(size - sized.size_bytes * unit) > 0.03 * size + 1e6 for unit in (1.0, 1e6 / 2**20)):
                yield found_at(
                    "contradiction",
                    table,
                    f"{sized.file} is published with {sized.size_bytes / 1e6:.1f} MB, not {size / 1e6:.1f} MB",
                )
        yield from _swapped_columns(table)
        if any(known.name == "bisenet-celebamask" for known in named.values()) and not re.search(
            r"\border|顺序", report.prose("pretrained"), re.IGNORECASE
        ):
            yield found_at(
                "unsaid",
                table,
                "the order of the 19 classes: that of 79999_iter.pth is not that of CelebAMask-HQ, on which it was trained",
            )


_PUBLISHED = tuple(known for known in MODEL_FILES if known.package != OUR_PACKAGE)
_KINDS = ("RetinaFace", "SCRFD", "YuNet", "BlazeFace", "MTCNN", "S3FD", "BiSeNet", "ArcFace")


def _names(known: ModelFile, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(Path(known.file).stem)}(?!\w)", text) is not None


def _swapped_columns(table: Block) -> Iterator[Finding]:
    at = table.column(r"file|文件")
    body = table.rows[1:]
    if at is None or len(body) < 2 or len(table.head) < 3:
        return
    shares = [
        sum(bool(re.search(r"\w\.(onnx|pth?|dat|tflite|safetensors|bin|h5)\b", row[place])) for row in body) / len(body)
        for place in range(len(table.head))
    ]
    if shares[at] == 0 and max(shares) > 0.5:
        yield found_at(
            "contradiction",
            table,
            f"the column '{table.head[at]}' names no file; '{table.head[shares.index(max(shares))]}' does: the columns are mixed up",
        )


MEAN = r"^(average|mean|avg|平均)"
_LIMITS = (
    (r"^(fid|kid|lpips)\b", None, None, "is never below 0"),
    (r"^is\b|inception score", 1.0, 1008.0, "lies between 1 and 1,008, the classes of Inception"),
    (r"success|accuracy|成功率|准确率", 0.0, 100.0, "is a share: 0 to 100 %"),
)


def _metrics(report: WrittenReport, facts: Facts) -> Iterator[Finding]:
    """Values that a metric can have, averages that are averages, and which side is better."""
    for table in report.of("table", "evaluation", "quantization"):
        body = table.rows[1:]
        for at, title in enumerate(table.head):
            values = [(row, numbers[0]) for row in body if at and (numbers := _numbers(first_line(row[at])))]
            for words, low, high, rule in _LIMITS:
                if re.search(words, first_line(title), re.IGNORECASE):
                    for row, value in values:
                        if (value < (low or 0.0) and (low is not None or not title.lower().startswith("kid"))) or (
                            high is not None and value > high
                        ):
                            yield found_at(
                                "impossible", table, f"'{first_line(row[0])}': {first_line(title)} {value:g}, which {rule}"
                            )
            yield from _averages(table, at, values)
        for row in body:
            if (
                re.search(r"^lpips", row[0], re.IGNORECASE)
                and not re.search(r"rec|重建|background|背景", row[0], re.IGNORECASE)
                and re.search(r"lower|↓|越低", " ".join(row[1:]), re.IGNORECASE)
            ):
                yield found_at(
                    "contradiction",
                    table,
                    "LPIPS 'lower is better' holds for a reconstruction; of an edit it is 0 when nothing was edited: read it with the success of edits",
                )


def _averages(table: Block, at: int, values: list[tuple[tuple[str, ...], float]]) -> Iterator[Finding]:
    for place, (row, value) in enumerate(values):
        if re.search(MEAN, row[0], re.IGNORECASE) and place:
            mean = sum(one for _, one in values[:place]) / place
            shown = first_line(row[at])
            digits = max((len(found.partition(".")[2]) for found in NUMBER.findall(shown)), default=0)
            coarse = max(
                len(found.partition(".")[2]) for other, _ in values[:place] for found in NUMBER.findall(first_line(other[at]))[:1]
            )
            if abs(mean - value) > 0.51 * 10.0**-digits + 0.51 * 10.0**-coarse:
                yield found_at("contradiction", table, f"'{row[0]}' of {table.head[at]} is {mean:.{digits + 1}f}, not {value:g}")


_SET_METRICS = r"^(fid|kid|is|lpips|inception score)\b"
_PROTOCOL = (
    (
        "the feature weights",
        r"features?\s*[:：]|特征\s*[:：]?\s*[\w-]*(inception|lite|网络)|pt_inception|torch[-_ ]?fidelity|(clean|pytorch)[-_]?fid|权重\s*[:：]|weights?\s*[:：]",
    ),
    (
        "how many real and edited pictures",
        r"\d[\d,]*\s*(real|edited|fake|generated|held-out)?\s*(images|pictures|faces|samples)|(real|edited|fake)\s*(faces|images|pictures)?\s*[:：]?\s*\d|(真实|编辑|生成)\D{0,8}\d|\d[\d,]*\s*张",
    ),
)


def _protocols(report: WrittenReport, facts: Facts) -> Iterator[Finding]:
    """Scores say what they were measured with; times say on what."""
    where = "\n".join(
        block.text for block in report.blocks if block.kind != "code" and block.section in ("evaluation", "quantization")
    )
    plain = re.sub(r"fr[ée]chet inception distance|inception score", "", where, flags=re.IGNORECASE)
    lacking = [name for name, words in _PROTOCOL if not re.search(words, plain, re.IGNORECASE)]
    scored: dict[str, Block] = {}
    for table in report.of("table", "evaluation", "quantization"):
        for at, title in enumerate(table.head):
            if re.search(_SET_METRICS, title.strip(), re.IGNORECASE) and any(_numbers(row[at]) for row in table.rows[1:]):
                scored.setdefault(first_line(title).strip(" ↓↑"), table)
    if scored and lacking:
        yield found_at(
            "unsaid",
            next(iter(scored.values())),
            f"{', '.join(scored)} without {' and '.join(lacking)}: such figures compare with nothing",
        )
    for table in report.of("table", "quantization"):
        if any(re.search(r"\d\s*(ms|毫秒)", cell) for row in table.rows[1:] for cell in row) and not re.search(
            r"\bcpu\b|\bgpu\b|nvidia|intel|\bamd\b|threads?\b|线程|设备|device", report.prose("quantization"), re.IGNORECASE
        ):
            yield found_at("unsaid", table, "times without the processor, threads and batch that they were measured with")


_LOSS_WEIGHTS = (
    (r"adversarial|对抗", "lambda_adv"),
    (r"classif|分类", "lambda_cls"),
    (r"reconstr|cycle|重建", "lambda_rec"),
    (r"penalty|惩罚", "lambda_gp"),
)


def _losses(report: WrittenReport, facts: Facts) -> Iterator[Finding]:
    """The losses are those of the data and of the paper."""
    for table in report.of("table", "configuration"):
        at = table.column(r"^(weight|权重)")
        for row in table.rows[1:] if at is not None else ():
            name = next((setting for words, setting in _LOSS_WEIGHTS if re.search(words, row[0], re.IGNORECASE)), "")
            asked, told = facts.number(name), _numbers(first_line(row[at or 0]))
            if asked is not None and told and told[0] != asked:
                yield found_at(
                    "contradiction",
                    table,
                    f"'{first_line(row[0])}' has the weight {told[0]:g}, the settings say {name}: {asked:g}",
                )
    labels = facts.labels()
    several = [name for name in (labels[0][1] if labels else ()) if not name.endswith("_Hair")]
    for table in report.of("table", "configuration"):
        for row in table.rows[1:]:
            text = " ".join(row)
            if (
                len(several) > 1
                and re.search(r"cross[- ]?entropy|交叉熵", text, re.IGNORECASE)
                and not re.search(r"binary|bce|二元|sigmoid", text, re.IGNORECASE)
            ):
                yield found_at(
                    "contradiction",
                    table,
                    f"'{row[0]}': softmax cross-entropy needs exclusive classes, and {', '.join(several[:2])} hold at once: binary cross-entropy per attribute",
                )
            if re.search(r"penalty|惩罚", row[0], re.IGNORECASE) and re.search(
                r"\(\s*∇[^()]*\([^()]*\)\s*\)?\s*\)?\s*(²|\^2)\s*[-−]\s*1", text
            ):
                yield found_at(
                    "contradiction",
                    table,
                    f"'{row[0]}': the gradient penalty of WGAN-GP is E[(‖∇D(x̂)‖₂ − 1)²]; here the gradient is squared before 1 is taken away",
                )


RULES = (
    _sections,
    _command_against_settings,
    _labels,
    _time,
    _memory,
    _curve,
    _sizes,
    _known_files,
    _metrics,
    _protocols,
    _losses,
)
