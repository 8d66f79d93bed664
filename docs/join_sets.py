"""One data set of several in CelebAMask-HQ's layout: `python docs/join_sets.py OUT DATA...`.

OUT gets links to the pictures (named after their set), the labels that all sets have, and one train.txt and val.txt; nothing is copied. Masks stay where
they are: the teacher `transforms` finds faces by itself. All licences are written down, for all of them hold for what is trained on OUT.
"""

import sys
from pathlib import Path

from lianpu.dataset.sources import read_table
from lianpu.dataset.table import UNLABELLED
from lianpu.dataset.text_files import ALIGNMENT_FILE, LICENCE_FILE


def main(out: Path, folders: list[Path]) -> None:
    """Link and write."""
    tables = [read_table("CelebAMask-HQ", folder) for folder in folders]
    alignments = {table.alignment for table in tables}
    if len(alignments) > 1:
        sys.exit(f"the sets are cut out in different ways ({', '.join(sorted(alignments))}): they cannot be joined")
    names = [name for name in tables[0].attributes if all(name in table.attributes for table in tables)]
    (out / "images").mkdir(parents=True)
    rows: list[str] = []
    splits: dict[str, list[str]] = {"train": [], "val": []}
    for folder, table in zip(folders, tables, strict=True):
        columns = [table.attributes.index(name) for name in names]
        for file, labels, split in zip(table.files, table.labels[:, columns], table.splits, strict=True):
            if (labels == UNLABELLED).any():
                continue
            name = f"{folder.name}_{Path(file).name}"
            (out / "images" / name).symlink_to((table.root / file).resolve())
            rows.append(f"{name} " + " ".join("1" if value else "-1" for value in labels))
            splits["train" if split == "train" else "val"].append(name)
    (out / "list_attr.txt").write_text("\n".join([str(len(rows)), " ".join(names), *rows]) + "\n")
    for split, listed in splits.items():
        (out / f"{split}.txt").write_text("".join(f"{name}\n" for name in listed))
    (out / ALIGNMENT_FILE).write_text(f"{alignments.pop()}\n")
    (out / LICENCE_FILE).write_text("; ".join(dict.fromkeys(table.licence for table in tables)) + "\n")
    print(f"{len(splits['train'])} faces to train on, {len(splits['val'])} held out, labels {', '.join(names)}: {out}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(word) for word in sys.argv[2:]])
