"""Figures of edits in whole photos: `python docs/measure_edits.py DATA JUDGE [FACES [EDITOR]]`.

DATA is a CelebAMask-HQ folder, JUDGE the `classifier` folder of an evaluated run, FACES how many held-out faces (40), EDITOR a run or model file (lite). For
each attribute: how often the judge sees the edit in the crop as the editor gave it back, and in the photo; how often the label rules of `lianpu prepare` see it
in the photo (hair colour in Lab, sex and age from dlib's encoder: they share nothing with the guide of the training); identity kept in the photo (dlib);
bytes changed outside of the mask.
"""

import sys
from pathlib import Path

import numpy as np

from lianpu.attributes import AttributeSet
from lianpu.dataset.sources import open_dataset
from lianpu.editing.attributes import apply_attribute_edits, plan_attribute_edits
from lianpu.editors.loading import load_editor
from lianpu.evaluation.identity import IdentityOfCrops
from lianpu.faces.alignment import TEMPLATES, align
from lianpu.faces.analyzer import open_analyzer
from lianpu.faces.results import Face
from lianpu.imaging.picture import Picture
from lianpu.metrics.attribute_classifier import load_classifier
from lianpu.preparation.analysis import measured
from lianpu.preparation.label_rules import load_rules
from lianpu.preparation.models import open_analysis_models
from lianpu.preparation.settings import PrepareSettings


def main(data: Path, judge_folder: Path, count: int, source: str) -> None:
    """Measure and print a table."""
    kept = load_classifier(judge_folder)
    assert kept is not None, f"no classifier in {judge_folder}"
    judge = kept[0]
    names = list(judge.attributes.names)
    test = open_dataset("CelebAMask-HQ", data, image_size=512, attributes=names).test
    analyzer, editor, identity = open_analyzer(threads=1), load_editor(source, threads=1), IdentityOfCrops("celebamask-hq")
    seeing, rules = open_analysis_models(PrepareSettings(), threads=1), load_rules()

    def by_rules(picture: Picture, face: Face, name: str) -> bool:
        vector, measures = next(iter(measured(picture, [face], seeing)))
        estimate = rules.estimate(name, measures, vector)
        return estimate is not None and estimate.chance > 0.5

    attributes: AttributeSet = judge.attributes
    rows: dict[str, list[tuple[float, ...]]] = {}
    for number in range(min(count, len(test))):
        photo, labels = test.read(number), test.labels[number]
        subjects = analyzer.subjects(photo)[:1]
        if not subjects:
            continue
        own = identity.vectors(photo[None])[0]
        for place, name in enumerate(names):
            wanted = not labels[place]
            if name in attributes.groups[0] and not wanted:
                continue
            edit = plan_attribute_edits(photo, subjects, editor, {name: wanted})[0]
            after = apply_attribute_edits(photo, [edit], 1.0)
            crop = align(after, subjects[0].face, TEMPLATES["celebamask-hq"], editor.info.image_size).picture
            seen = judge.see(np.stack([edit.aligned.picture, edit.edited, crop]))[:, place] == wanted
            mask = edit.change.mask(photo)
            window = subjects[0].window if mask.shape == subjects[0].parts.mask.shape else subjects[0].wide().window
            outside = np.ones(photo.shape[:2], dtype=bool)
            outside[window] = mask == 0
            kept_identity = float(own @ identity.vectors(after[None])[0])
            changed = int((after != photo)[outside].sum())
            ruled = [float(by_rules(picture, subjects[0].face, name) == wanted) for picture in (photo, after)]
            rows.setdefault(name, []).append((*seen.astype(float).tolist(), *ruled, kept_identity, changed))
    print(
        "| attribute | edits | unedited | editor's crop | in the photo | rules: unedited | rules: photo | identity, worst | bytes outside |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name, values in rows.items():
        table = np.array(values)
        shares = " | ".join(f"{100 * share:.0f} %" for share in table[:, :5].mean(axis=0))
        print(
            f"| {name} | {len(table)} | {shares} | {table[:, 5].mean():.3f}, {table[:, 5].min():.3f} | {int(table[:, 6].sum())} |"
        )


if __name__ == "__main__":
    _, folder, judge, *rest = sys.argv
    main(Path(folder), Path(judge), int(rest[0]) if rest else 40, rest[1] if len(rest) > 1 else "lite")
