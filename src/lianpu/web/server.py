"""`lianpu serve`: the page of `static/` with Python behind it, and the same as a REST API (FastAPI, uvicorn).

The engine works in processes of its own (`engine.py`, `workers.TaskProcess`): one for what visitors wait for, one for batches and videos.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ipaddress
import json
import logging
import secrets
import shutil
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from fastapi import APIRouter, Depends, FastAPI, File, Form, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from uvicorn.protocols.http.h11_impl import H11Protocol

from lianpu.editing.presets import PRESET_FOLDER, bundled_presets, dump_preset
from lianpu.effects.catalogue import EFFECTS
from lianpu.errors import LianpuError, Message
from lianpu.extras import missing_modules
from lianpu.version import __version__
from lianpu.web.build import build_site
from lianpu.web.engine import Asked, Call, EngineSettings, open_engine
from lianpu.web.guard import Guard, Logins
from lianpu.web.language import LANGUAGES, Words, error_line, load_words, page_error, translated
from lianpu.web.requests import UPLOAD, read_known, requested_preset
from lianpu.web.visits import Stored, Visit, Visits, private_root, remove
from lianpu.workers import TaskDroppedError, TaskProcess, TaskTimeoutError, WorkerDiedError
from lianpu.yaml_text import load_yaml

log = logging.getLogger(__name__)

COOKIE = "lianpu_visit"

_GRACE_S = 3.0
"""How long work goes on whose caller has left; then its process is ended."""

_FIRST_WORD_S = 20.0
"""How long a connection may be silent before its first call."""

_MOST_CONNECTIONS = 400

_JOB_S = 3600.0
"""The longest that a batch or video may take."""

_MOST_JOBS = 4
"""Batches and videos that one visit may have waiting or running."""

_JSON_BYTES = 1_000_000


@dataclass(frozen=True)
class ServerSettings:
    """Where the page is served, and to whom.

    Args:
        host: the address to bind to.
        port: the port; 0 takes a free one.
        users: passwords by user name; empty for no login.
        names: host names that requests may use besides `host`, for example that of a reverse proxy.
        runtime: where ONNX Runtime Web comes from (`build_site`); `none`: browsers have no engine of their own, and the camera is off.
        language: the page's first language; empty for the browser's.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    users: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    runtime: str = "none"
    language: str = ""


def allowed_hosts(settings: ServerSettings) -> frozenset[str] | None:
    """The host names that requests to a page without login may use; None (any) where it is bound to all addresses."""
    if settings.users or settings.host in ("0.0.0.0", "::"):
        return None
    return frozenset({"localhost", "127.0.0.1", "::1", settings.host.lower(), *(name.lower() for name in settings.names)})


def is_loopback(host: str) -> bool:
    """Whether an address can only be reached from this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class Lane:
    """The calls to one process of the engine, one at a time, in the order in which they came.

    Args:
        process: answers them.
        most_waiting: calls that may wait; further ones are told to come again.
    """

    def __init__(self, process: TaskProcess[Call, Any], most_waiting: int) -> None:
        self.process, self.most_waiting, self.waiting = process, most_waiting, 0
        self._turn = asyncio.Lock()

    async def run(
        self,
        call: Call,
        limit_s: float,
        has_left: Callable[[], Awaitable[bool]],
        on_report: Callable[[Any], None] = lambda value: None,
    ) -> Any:
        """The answer to a call.

        Args:
            call: what is asked.
            limit_s: seconds that it may take.
            has_left: whether its caller went away: then it does not begin, and soon ends.
            on_report: gets what it reports, in another thread.

        Raises:
            LianpuError: of the engine; or the server is busy, the call took too long, or it ended the process.
            TaskDroppedError: its caller has left.
        """
        if self.waiting >= self.most_waiting:
            raise page_error("busy")
        self.waiting += 1
        try:
            async with self._turn:
                if await has_left():
                    raise TaskDroppedError
                return await self._watched(call, limit_s, has_left, on_report)
        except TaskTimeoutError:
            raise page_error("too_slow", seconds=f"{limit_s:g}") from None
        except WorkerDiedError:
            log.error("the engine's process died during '%s'", call.method)
            raise page_error("engine_died") from None
        finally:
            self.waiting -= 1

    async def _watched(
        self, call: Call, limit_s: float, has_left: Callable[[], Awaitable[bool]], on_report: Callable[[Any], None]
    ) -> Any:
        dropped, left_since = threading.Event(), None
        work = asyncio.create_task(asyncio.to_thread(self.process.run, call, limit_s, on_report, dropped))
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=0.5)
                if left_since is None and await has_left():
                    left_since = time.monotonic()
                if left_since is not None and time.monotonic() - left_since > _GRACE_S:
                    dropped.set()
            return work.result()
        finally:
            if not work.done():  # this task was cancelled: the server stops
                dropped.set()


@dataclass(eq=False)
class Job:
    """A batch or video of one visit, which runs while its caller asks for its state."""

    visit: Visit
    call: Call
    uploads: tuple[Stored, ...]
    state: str = "waiting"
    done: int = 0
    total: int = 0
    result: Mapping[str, Any] | None = None
    problem: Exception | None = None
    cancelled: bool = False


class Service:
    """The server's state: the engine's processes, visits and jobs.

    Args:
        engine: what the engine opens.
        root: the private folder for files.
    """

    def __init__(self, engine: EngineSettings, root: Path) -> None:
        self.limits = engine.limits
        self.root = root
        self._opener = partial(open_engine, engine)
        self.quick_process: TaskProcess[Call, Any] = TaskProcess(self._opener, engine.threads)
        self.slow_process: TaskProcess[Call, Any] = TaskProcess(self._opener, engine.threads)
        self.quick_process.start()
        self.facts: dict[str, Any] = self.quick_process.run(Call("describe", {}))
        self.facts["video"] = not missing_modules("video")
        limits = self.limits
        self.visits = Visits(root, 60 * limits.keep_minutes, limits.max_visit_mb * 1e6, limits.max_stored_mb * 1e6)
        self.jobs: dict[str, Job] = {}
        self.quick: Lane
        self.slow: Lane
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self, app: FastAPI) -> AsyncIterator[None]:
        """While the server runs: the lanes, and a sweep of what is old."""
        self.quick = Lane(self.quick_process, self.limits.max_waiting)
        self.slow = Lane(self.slow_process, self.limits.max_waiting)
        sweep = asyncio.create_task(self._sweep())
        yield
        for task in (sweep, *self._tasks):
            task.cancel()
        self.quick_process.close()
        self.slow_process.close()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(min(60.0, self.visits.keep_s / 4))
            self.visits.remove_expired()
            for number, job in list(self.jobs.items()):
                if not job.visit.folder.is_dir():
                    self.cancel(self.jobs.pop(number))

    def begin(self, visit: Visit, uploads: Sequence[Stored], method: str, **values: Any) -> str:
        """Begin a job of a visit, and return its id; its uploads go when it ends. Raises PageError for a visit that has too many."""
        mine = [job for job in self.jobs.values() if job.visit is visit and job.state in ("waiting", "running")]
        if len(mine) >= _MOST_JOBS:
            raise page_error("too_many_jobs", limit=_MOST_JOBS)
        number = secrets.token_urlsafe(12)
        job = self.jobs[number] = Job(visit, Call(method, {**values, "folder": visit.new_folder()}), tuple(uploads))
        task = asyncio.create_task(self._work(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return number

    async def _work(self, job: Job) -> None:
        async def is_cancelled() -> bool:
            return job.cancelled or not job.visit.folder.is_dir()

        def on_report(value: tuple[int, int]) -> None:
            job.state, (job.done, job.total) = "running", value
            job.visit.last_call_s = max(job.visit.last_call_s, time.time() - self.visits.keep_s / 2)

        try:
            job.result = await self.slow.run(job.call, _JOB_S, is_cancelled, on_report)
            job.state = "done"
        except TaskDroppedError:
            job.state = "cancelled"
        except Exception as problem:
            if not isinstance(problem, LianpuError):
                log.error("a job failed", exc_info=problem)
            job.state, job.problem = "failed", problem
        finally:
            remove(*job.uploads)
            if job.cancelled:
                shutil.rmtree(job.call.values["folder"], ignore_errors=True)

    def job(self, number: str, visit: Visit) -> Job:
        """A job of a visit. Raises PageError for one that is not its own, or not here any more."""
        job = self.jobs.get(number)
        if job is None or job.visit is not visit:
            raise page_error("forgotten_job")
        return job

    def cancel(self, job: Job) -> None:
        """End a job, and remove its files."""
        job.cancelled = True
        if job.state in ("done", "failed", "cancelled"):
            shutil.rmtree(job.call.values["folder"], ignore_errors=True)


class Edit(BaseModel):
    """An edit of an open photo, as the page asks for it."""

    preset: str | dict[str, Any] = Field(description="a preset's name, YAML, or {'steps': [...]}")
    faces: str = Field("all", description="all, largest, or numbers as 0,2 (0 is the largest face)", max_length=200)
    known: dict[str, bool] | None = Field(None, description="current attributes, for an editor that needs all labels")
    file_format: str = Field("same", max_length=10)
    face: int = Field(0, ge=0, le=10_000, description="of a tile")

    def asked(self, visit: Visit) -> Asked:
        """For the engine. Raises SettingsError for a preset that is none."""
        pictures = {number: stored.file for number, stored in visit.pictures.items()}
        return Asked(dump_preset(requested_preset(self.preset, pictures=pictures)), self.faces, self.known)


def build_app(service: Service, site: Path) -> FastAPI:
    """The application, without its guard (`serve` puts it before): the REST API, and the files of `site`."""
    app = FastAPI(
        title="Lianpu",
        version=__version__,
        summary="Face effects on photos and videos.",
        docs_url=None,  # they would load scripts from elsewhere
        redoc_url=None,
        lifespan=service.running,
    )
    app.state.service = service
    app.include_router(calls)
    _add_errors(app)
    app.mount("/", StaticFiles(directory=site, html=True))
    return app


@dataclass(frozen=True)
class Caller:
    """Who calls.

    Args:
        service: that is called.
        request: the call.
        visit: whose files it may use.
        token: of the visit, where a cookie names it.
    """

    service: Service
    request: Request
    visit: Visit
    token: str | None

    async def ask(self, method: str, **values: Any) -> Any:
        """The engine's answer. Raises as `Lane.run` does."""
        return await self.service.quick.run(Call(method, values), self.service.limits.max_s, self.request.is_disconnected)

    async def store(self, upload: UploadFile, most_mb: float | None = None) -> Stored:
        """Write an upload to the visit's folder. Raises PageError where it is too large, or there is no room."""
        service, size = self.service, upload.size or 0
        most_mb = service.limits.max_mb if most_mb is None else most_mb
        stored = self.visit.new_file(upload.filename or "photo")
        try:
            if size > most_mb * 1e6:
                raise page_error("too_many_bytes", name=stored.name, size=f"{size / 1e6:.1f}", limit=f"{most_mb:g}")
            service.visits.check_room(self.visit, size)
            with stored.file.open("wb") as out:
                await asyncio.to_thread(shutil.copyfileobj, upload.file, out)
        except BaseException:
            remove(stored)
            raise
        return stored

    async def export(self, stored: Stored, asked: Asked, file_format: str) -> FileResponse:
        """The edited file as an answer, removed when it was sent; what was done is in the header X-Lianpu, as JSON."""
        folder = self.visit.new_folder()
        try:
            values = {"file": stored.file, "name": stored.name, "asked": asked, "folder": folder, "file_format": file_format}
            done = await self.ask("export", **values)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        said = {key: done[key] for key in ("faces", "done", "lost")} | self.left(done["left"])
        after = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
        return FileResponse(done["file"], filename=done["file"].name, headers={"X-Lianpu": json.dumps(said)}, background=after)

    def left(self, words: Message | None) -> dict[str, str]:
        """What was left out of an edit, in the caller's language; empty where nothing was."""
        return {} if words is None else {"left": translated(words, _words(self.request))}


def _caller_of(request: Request) -> Caller:
    service: Service = request.app.state.service
    address = request.client.host if request.client else ""
    return Caller(service, request, *service.visits.of(request.cookies.get(COOKIE), address))


CallerHere = Annotated[Caller, Depends(_caller_of)]
PhotoHere = Annotated[UploadFile, File()]
PresetHere = Annotated[str, Form(description="a preset's name, YAML, or JSON {'steps': [...]}", max_length=200_000)]
FacesHere = Annotated[str, Form(description="all, largest, or numbers as 0,2 (0 is the largest face)", max_length=200)]
StrengthHere = Annotated[float, Form(description="multiplies the strength of every step, 0 to 1.5")]
KnownHere = Annotated[str, Form(description="current attributes as JSON, for an editor that needs all labels", max_length=10_000)]
FormatHere = Annotated[str, Form(description="same, jpg, png or webp", max_length=10)]
PicturesHere = Annotated[list[UploadFile] | None, File(description="pictures that steps name as upload:0, upload:1")]
FastHere = Annotated[bool, Form(description="edit as the camera does, in a fifth of the time")]

calls = APIRouter(prefix="/api")
"""The REST API."""


@calls.get("/catalogue")
def catalogue(caller: CallerHere) -> dict[str, Any]:
    """The effects with their options, the presets with their steps, the editor, licences and limits."""
    facts = caller.service.facts
    effects = {
        name: {
            "title": dict(EFFECTS[name].title),
            "summary": dict(EFFECTS[name].summary),
            "options": [
                {"name": one.name, "kind": one.kind, "default": one.default, "choices": list(one.choices)}
                | ({"low": one.low, "high": one.high} if one.kind == "number" else {})
                for one in EFFECTS[name].options
            ],
        }
        for name in facts["effects"]
    }
    presets = {name: load_yaml((PRESET_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")) for name in bundled_presets()}
    known = {key: facts[key] for key in ("attributes", "editor", "models")}
    return {"effects": effects, "presets": presets, **known, "limits": caller.service.limits.values()}


@calls.post("/photos")
async def open_photo(caller: CallerHere, photo: PhotoHere) -> Response:
    """Open a photo: its id, size, faces, and a preview (JPEG, base64). It is removed with the visit, which a cookie names."""
    if caller.token is None:
        visit, token = caller.service.visits.begin()
        caller = replace(caller, visit=visit, token=token)
    stored = await caller.store(photo)
    try:
        answer = await caller.ask("open_photo", file=stored.file, name=stored.name)
    except BaseException:
        remove(stored)
        raise
    words = _words(caller.request)
    answer["id"] = caller.visit.keep(stored)
    answer["preview"] = base64.b64encode(answer["preview"]).decode()
    answer["notes"] = [translated(note, words) for note in answer["notes"]]
    response = JSONResponse(answer)
    response.set_cookie(COOKIE, str(caller.token), httponly=True, samesite="strict")
    return response


@calls.post("/photos/{number}/preview", response_class=Response)
async def preview(caller: CallerHere, number: str, edit: Edit) -> Response:
    """The open photo with an edit, at the size of a screen (JPEG)."""
    stored = caller.visit.photo(number)
    picture, left = await caller.ask("preview", file=stored.file, name=stored.name, asked=edit.asked(caller.visit))
    return Response(picture, media_type="image/jpeg", headers={"X-Lianpu": json.dumps(caller.left(left))})


@calls.post("/photos/{number}/tile", response_class=Response)
async def tile(caller: CallerHere, number: str, edit: Edit) -> Response:
    """A small picture of one face of the open photo with an edit (JPEG)."""
    stored = caller.visit.photo(number)
    picture = await caller.ask("tile", file=stored.file, name=stored.name, asked=edit.asked(caller.visit), face=edit.face)
    return Response(picture, media_type="image/jpeg")


@calls.post("/photos/{number}/edit", response_class=FileResponse)
async def edit_open(caller: CallerHere, number: str, edit: Edit) -> Response:
    """The open photo edited at full size, marked as edited. The header X-Lianpu says what was done (JSON)."""
    return await caller.export(caller.visit.photo(number), edit.asked(caller.visit), edit.file_format)


@calls.post("/pictures")
async def keep_picture(caller: CallerHere, picture: PhotoHere) -> dict[str, str]:
    """Keep a picture for steps that take one (a background, a sticker). Answers what such a step names."""
    stored = await caller.store(picture)
    try:
        await caller.ask("check", file=stored.file, name=stored.name)
    except BaseException:
        remove(stored)
        raise
    return {"picture": UPLOAD + caller.visit.keep_picture(stored)}


@calls.delete("/photos/{number}", status_code=204)
def close_photo(caller: CallerHere, number: str) -> None:
    """Remove an open photo."""
    caller.visit.drop(number)


@calls.post("/leave", status_code=204)
def leave(caller: CallerHere) -> None:
    """End the visit: all its files are removed."""
    caller.service.visits.end(caller.token)


@calls.post("/faces")
async def faces(caller: CallerHere, photo: PhotoHere) -> dict[str, Any]:
    """The faces of a photo, largest first: number, box (left, top, right, bottom), score, and five points, in pixels."""
    stored = await caller.store(photo)
    try:
        answer = await caller.ask("open_photo", file=stored.file, name=stored.name)
    finally:
        remove(stored)
    return {key: answer[key] for key in ("width", "height", "faces")}


@calls.post("/edit", response_class=FileResponse)
async def edit(
    caller: CallerHere,
    photo: PhotoHere,
    preset: PresetHere,
    faces: FacesHere = "all",
    strength: StrengthHere = 1.0,
    known: KnownHere = "",
    file_format: FormatHere = "same",
    pictures: PicturesHere = None,
) -> Response:
    """A photo edited at full size, marked as edited; the upload is removed. The header X-Lianpu says what was done (JSON)."""
    kept: list[Stored] = []
    try:
        for one in pictures or []:
            kept.append(await caller.store(one))
            await caller.ask("check", file=kept[-1].file, name=kept[-1].name)
        wanted = requested_preset(_preset_value(preset), strength, {str(number): one.file for number, one in enumerate(kept)})
        kept.append(await caller.store(photo))
        return await caller.export(kept[-1], Asked(dump_preset(wanted), faces, read_known(known)), file_format)
    finally:
        remove(*kept)


@calls.post("/batch", status_code=202)
async def batch(
    caller: CallerHere,
    photos: Annotated[list[UploadFile], File()],
    preset: PresetHere,
    faces: FacesHere = "all",
    strength: StrengthHere = 1.0,
    known: KnownHere = "",
) -> dict[str, str]:
    """Begin to edit several photos at full size; the result is a zip. Answers the job's id."""
    service = caller.service
    if len(photos) > service.limits.max_photos:
        raise page_error("too_many_photos", count=len(photos), limit=service.limits.max_photos)
    asked = Asked(dump_preset(requested_preset(_preset_value(preset), strength)), faces, read_known(known))
    kept: list[Stored] = []
    try:
        for one in photos:
            kept.append(await caller.store(one))
        files = [(one.file, one.name) for one in kept]
        return {"job": service.begin(caller.visit, kept, "batch", files=files, asked=asked)}
    except BaseException:
        remove(*kept)
        raise


@calls.post("/video", status_code=202)
async def video(
    caller: CallerHere,
    video: Annotated[UploadFile, File()],
    preset: PresetHere,
    faces: FacesHere = "all",
    strength: StrengthHere = 1.0,
    fast: FastHere = False,
) -> dict[str, str]:
    """Begin to edit a video; the result is an MP4. Answers the job's id."""
    service = caller.service
    if not service.facts["video"]:
        raise page_error("no_video")
    asked = Asked(dump_preset(requested_preset(_preset_value(preset), strength)), faces)
    stored = await caller.store(video, service.limits.max_video_mb)
    try:
        return {"job": service.begin(caller.visit, [stored], "video", file=stored.file, name=stored.name, asked=asked, fast=fast)}
    except BaseException:
        remove(stored)
        raise


@calls.get("/jobs/{number}")
def state(caller: CallerHere, number: str) -> dict[str, Any]:
    """A job's state: waiting, running (`done` of `total`), done, failed (`error`) or cancelled; and a batch's photos, a line each."""
    job, words, root = caller.service.job(number, caller.visit), _words(caller.request), caller.service.root
    answer: dict[str, Any] = {"state": job.state, "done": job.done, "total": job.total}
    if job.problem is not None:
        answer["error"] = error_line(job.problem, words, root)
    if job.result is not None:
        answer["has_file"] = job.result["file"] is not None
        answer["notes"] = [translated(note, words) for note in job.result.get("notes", [])]
        answer["photos"] = [_photo_line(row, words, root) for row in job.result.get("rows", [])]
    return answer


@calls.get("/jobs/{number}/file", response_class=FileResponse)
def result(caller: CallerHere, number: str) -> Response:
    """The file of a job that is done."""
    job = caller.service.job(number, caller.visit)
    file = None if job.result is None else job.result["file"]
    if file is None or not file.is_file():
        raise page_error("forgotten_job")
    return FileResponse(file, filename=file.name)


@calls.delete("/jobs/{number}", status_code=204)
def cancel(caller: CallerHere, number: str) -> None:
    """End a job, and remove its files."""
    caller.service.cancel(caller.service.job(number, caller.visit))


def _preset_value(text: str) -> Any:
    """A field `preset`: JSON where it is some, else a name or YAML."""
    try:
        return json.loads(text) if text.lstrip()[:1] in ("{", "[") else text
    except (ValueError, RecursionError):
        return text


def _photo_line(row: Mapping[str, Any], words: Words, root: Path) -> dict[str, Any]:
    """What became of a photo of a batch."""
    problem, left = row["problem"], row["left"]
    done = words.line("batch.done") if problem is None else error_line(problem, words, root)
    if left is not None:
        done = f"{done} {words.line('status.left_out', what=translated(left, words))}"
    return {"photo": row["name"], "faces": row["faces"], "edited": problem is None, "result": done}


def _words(request: Request) -> Words:
    language = request.query_params.get("language", "en")
    return load_words(language if language in LANGUAGES else "en")


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(LianpuError)
    async def refused(request: Request, problem: LianpuError) -> Response:
        status = {"page.busy": 503, "page.full": 507, "page.too_slow": 504, "page.forgotten": 404, "page.forgotten_job": 404}
        status |= {"page.too_much": 413, "page.too_many_bytes": 413, "page.too_many_jobs": 429, "page.engine_died": 422}
        code = status.get(problem.key, 422)
        headers = {"Retry-After": "3"} if code == 503 else {}
        line = error_line(problem, _words(request), request.app.state.service.root)
        return JSONResponse({"error": line, "kind": problem.key}, code, headers)

    @app.exception_handler(TaskDroppedError)
    async def nobody_listens(request: Request, problem: TaskDroppedError) -> Response:
        return Response(status_code=499)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, problem: RequestValidationError) -> Response:
        first: dict[str, Any] = next(iter(problem.errors()), {})
        where = ".".join(str(part) for part in first.get("loc", ()))[:80]
        return JSONResponse({"error": f"{where}: {str(first.get('msg', 'malformed'))[:200]}", "kind": "malformed"}, 422)

    @app.exception_handler(HTTPException)
    async def plain(request: Request, problem: HTTPException) -> Response:
        return JSONResponse({"error": str(problem.detail)[:200], "kind": "http"}, problem.status_code, problem.headers)

    @app.exception_handler(Exception)
    async def defect(request: Request, problem: Exception) -> Response:
        log.error("a call failed", exc_info=problem)
        return JSONResponse({"error": _words(request).line("problems.defect"), "kind": "defect"}, 500)


class _ImpatientProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, which also closes connections that never finish their first call."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.loop.call_later(_FIRST_WORD_S, lambda: transport.close() if self.cycle is None else None)


class RunningServer:
    """A page that is being served."""

    def __init__(
        self, server: uvicorn.Server, thread: threading.Thread, url: str, root: Path, lock: Any, editor: Mapping[str, Any] | None
    ) -> None:
        self.url = url
        self.editor_line = "No editor." if editor is None else f"Editor {editor['name']} ({editor['licence']})."
        self._server, self._thread, self._root, self._lock = server, thread, root, lock
        self._stop = threading.Event()

    def wait(self) -> None:
        """Block until `stop` is called."""
        self._stop.wait()

    def stop(self) -> None:
        """End `wait`; may be called from a signal handler."""
        self._stop.set()

    def close(self) -> None:
        """Stop serving and remove all files of visitors."""
        self.stop()
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self._server.force_exit = True
        self._thread.join()
        self._lock.release()
        shutil.rmtree(self._root, ignore_errors=True)


def serve(engine: EngineSettings, settings: ServerSettings, note: Callable[[str], None] = lambda line: None) -> RunningServer:
    """Start serving the page.

    Args:
        engine: what analyzes and edits.
        settings: address and users.
        note: gets a line before something slow.

    Raises:
        LianpuError: the port is in use, the address is not one of this machine, or the engine cannot be opened.
    """
    listener = _listener(settings.host, settings.port)
    root, lock = private_root()
    try:
        service = Service(engine, root)
        facts = server_facts(service, settings.language)
        model = engine.model if engine.model.endswith(".onnx") else "lite" if engine.model in ("auto", "lite") else "none"
        build_site(root / "site", settings.runtime, model, note, server=facts)
        app = build_app(service, root / "site")
        guard = Guard(app, Logins(settings.users), allowed_hosts(settings), _body_limits(service))
        config = uvicorn.Config(
            guard,
            http=_ImpatientProtocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=3,
        )
        server = uvicorn.Server(config)
        for name in ("uvicorn", "python_multipart", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # malformed calls of strangers are no news
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True, name="lianpu-serve")
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.02)
    except BaseException:
        listener.close()
        lock.release()
        shutil.rmtree(root, ignore_errors=True)
        raise
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return RunningServer(server, thread, f"http://{host}:{listener.getsockname()[1]}", root, lock, service.facts["editor"])


def server_facts(service: Service, language: str = "") -> dict[str, Any]:
    """What the page has to know of the server (`server.js`, `ServerFacts`)."""
    facts, limits = service.facts, service.limits
    return {
        **{key: facts[key] for key in ("effects", "attributes", "editor", "models", "card", "signs", "video")},
        "limits": {
            "mb": limits.max_mb,
            "photos": limits.max_photos,
            "videoMb": limits.max_video_mb,
            "keepMinutes": limits.keep_minutes,
        },
        "language": language,
    }


def _body_limits(service: Service) -> Callable[[str], float]:
    limits, spare = service.limits, 100_000
    most = {
        "/api/photos": limits.max_mb * 1e6 + spare,
        "/api/pictures": limits.max_mb * 1e6 + spare,
        "/api/faces": limits.max_mb * 1e6 + spare,
        "/api/edit": 3 * limits.max_mb * 1e6 + spare,
        "/api/batch": min(limits.max_photos * limits.max_mb, limits.max_visit_mb) * 1e6 + spare,
        "/api/video": limits.max_video_mb * 1e6 + spare,
    }
    return lambda path: most.get(path, _JSON_BYTES)


def _listener(host: str, port: int) -> socket.socket:
    """A socket that is bound to the address; for port 0 to any free one."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host.strip("[]"), port))
        listener.listen(128)
    except (OSError, OverflowError) as problem:
        listener.close()
        reason = getattr(problem, "strerror", None) or problem
        raise LianpuError(f"The page cannot be served on {host}:{port} ({reason}). Choose another --port or --host.") from None
    return listener
