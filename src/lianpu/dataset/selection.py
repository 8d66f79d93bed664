"""Selection of the requested attributes from a source's labels."""

from collections.abc import Sequence

from lianpu.attributes import AttributeSet
from lianpu.dataset.faces import Faces
from lianpu.dataset.table import FaceTable, Split
from lianpu.errors import DataError, SettingsError, nearest_name


def check_image_size(size_px: int) -> None:
    """Raise SettingsError for a side of faces that no network takes."""
    if size_px < 16 or size_px % 4:
        lower = max(16, size_px - size_px % 4)
        raise SettingsError(
            f"image_size {size_px} is not a multiple of 4 from 16 up, as two downsamplings need; take {lower} or {lower + 4}."
        )


def select_attributes(table: FaceTable, names: Sequence[str] | None) -> AttributeSet:
    """The attributes `names` of a table, in that order; None takes every class of one-class-per-folder data.

    Raises:
        SettingsError: no names for data that has many attributes, a name twice, or one that the data does not label.
    """
    if names is None and not table.one_class:
        raise SettingsError(
            f"Name the attributes to edit with --selected-attrs. {table.source} here labels: {', '.join(table.attributes)}."
        )
    chosen = table.attributes if names is None else tuple(names)
    unknown = [name for name in chosen if name not in table.attributes]
    if unknown:
        spelled = ", ".join(f"'{name}'{nearest_name(name, table.attributes)}" for name in unknown)
        raise SettingsError(f"selected_attrs: {spelled} not among the labels. Known: {', '.join(table.attributes)}.")
    return AttributeSet.of_classes(chosen) if table.one_class else AttributeSet.of(chosen)


def select_faces(table: FaceTable, attributes: AttributeSet, image_size: int, split: Split) -> Faces:
    """The faces of a split; of one-class-per-folder data only those in one of the selected classes.

    Faces with an unlabelled value among the selected attributes are left out: a guess would be learned as if it were true.

    Raises:
        DataError: there are none.
    """
    rows = table.rows_of([split])
    if attributes.one_class:
        columns = [table.attributes.index(name) for name in attributes.names]
        rows = rows[table.labels[rows][:, columns].any(axis=1)]
    labelled = table.labelled_rows(rows, attributes.names)
    if len(rows) and not len(labelled):
        raise DataError(
            f"{table.root}: all {len(rows)} faces of the split '{split}' lack the value of a selected attribute, so none is left. "
            f"Label them, or select fewer attributes. See: lianpu data check {table.source} DATA_DIR"
        )
    if not len(rows):
        raise DataError(
            f"{table.root} has no faces to {'train on' if split == 'train' else 'judge edits on'}: the split '{split}' is empty. "
            "Fix the split file, or add pictures."
        )
    return Faces(table, labelled, attributes, image_size, split)


def constant_attributes(faces: Faces) -> dict[str, bool]:
    """The attributes that cannot be learned from these faces, and the value that all of them have."""
    means = faces.labels.mean(axis=0)
    return {name: bool(mean) for name, mean in zip(faces.attributes.names, means, strict=True) if mean in (0.0, 1.0)}


def refuse_constant_attributes(faces: Faces) -> None:
    """Raise DataError, naming them, where attributes have no face with, or none without."""
    constant = constant_attributes(faces)
    if constant:
        spelled = "; ".join(
            f"{'every' if value else 'no'} one of the {len(faces)} training faces has {name}" for name, value in constant.items()
        )
        raise DataError(f"{faces.table.root}: {spelled}. That cannot be learned: leave it out of --selected-attrs, or add faces.")
