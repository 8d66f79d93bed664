"""One number for a set of labelled faces, so that a run notices when it is given another."""

import hashlib

from lianpu.dataset.table import FaceTable


def fingerprint_of(table: FaceTable) -> str:
    """SHA-256 over the kind of source, crop, picture names, attributes, labels and splits: 64 hexadecimal digits.

    Everything that the source labels counts, not only what was selected. Where the folder lies does not count, nor do the
    pictures' pixels: reading those would cost as much as an epoch.
    """
    digest = hashlib.sha256()
    for part in (table.source, str(table.crop_px), *table.attributes, "", *table.files, "", *table.splits):
        digest.update(part.encode() + b"\n")
    digest.update(table.labels.tobytes())
    return digest.hexdigest()
