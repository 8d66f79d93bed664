// @ts-check
/** The page: a stage with the photo, tiles by theme, history, compare, camera, batch. All pixels are the engine's (`lianpu.js`). */
import { createEditor, EditorError } from "./lianpu.js";
import { zipOf } from "./marks.js";
import { readManifest } from "./models.js";
import { createServedEditor, ServedEditor } from "./server.js";
import { languageNow, say, setLanguage, startLanguage } from "./words.js";

/** @typedef {import("./worker.js").Step} Step */
/** @typedef {{name: () => string, steps: Step[], slot: string}} Tile slot: tiles of one slot exclude each other */

/** @template {HTMLElement} T @param {string} id @returns {T} */
const by = (id) => /** @type {T} */ (document.getElementById(id));
const stage = by("stage"), frame = by("frame"), toast = by("toast");
const before = /** @type {HTMLCanvasElement} */ (by("before")), after = /** @type {HTMLCanvasElement} */ (by("after"));

/** @type {import("./lianpu.js").Editor | ServedEditor | undefined} */
let editor;
/** @type {{name: string, file: Blob, width: number, height: number, faces: import("./lianpu.js").FaceBox[]} | null} */
let photo = null;
/** @type {Step[]} */
let steps = [];
/** @type {Step[][]} */
let past = [];
/** @type {Step[][]} */
let future = [];
/** @type {Set<number>} */
let chosenFaces = new Set();
let theme = "hair", chosen = "";
const view = { zoom: 1, x: 0, y: 0, width: 1, height: 1 };
/** @type {{stream: MediaStream, recorder: MediaRecorder | null, running: boolean, kept: boolean} | null} */
let live = null;

/** @param {string} effect @param {Record<string, any>} [options] @param {number} [strength] @returns {Step} */
const step = (effect, options = {}, strength = 1) => ({ effect, strength, options });

/** @param {string} effect */
const title = (effect) => editor?.manifest.effects[effect]?.title[languageNow()] ?? editor?.manifest.effects[effect]?.title.en ?? effect;

/** @param {string} key @param {Step} one @returns {Tile} */
const tile = (key, one) => ({ name: () => (key ? say(key).replaceAll("_", " ") : title(one.effect)), steps: [one], slot: slotOf(one.effect) });

/** Tiles for the choices of an option. @param {string} effect @param {string} name @param {string[]} [without] */
const choices = (effect, name, without = []) => (editor?.manifest.effects[effect]?.options[name]?.choices ?? []).filter((one) => !without.includes(one)).map((one) => tile(one, step(effect, { [name]: one })));

/** A tile that asks for a picture. @param {string} effect @returns {Tile} */
const ownPicture = (effect) => ({ name: () => say("ownPicture"), steps: [step(effect, { picture: "" })], slot: slotOf(effect) });

const served = () => (editor instanceof ServedEditor ? editor : null);

/** Attributes that the editor or the server sets, hair apart. */
const attributes = () => (served()?.manifest.server.attributes ?? editor?.manifest.editor?.attributes ?? []).filter((name) => !/^(Black|Blond|Brown|Gray)_Hair$/.test(name));

/** Tiles by theme. @returns {Record<string, Tile[]>} */
function themes() {
    const hair = (/** @type {string} */ key, /** @type {Record<string, any>} */ options) => tile(key, step("hair_color", options));
    /** @type {Record<string, Tile[]>} */
    const all = {
        people: [...attributes().flatMap((name) => [true, false].map((value) => tile(`${name}=${value ? "yes" : "no"}`, step(`edit ${name}`, { value })))), tile("remove_beard", step("beard", { way: "remove" })), tile("stubble", step("beard", { way: "stubble" }))],
        hair: [
            hair("blond", { shade: "blond" }), hair("brown", { shade: "brown" }), hair("black", { shade: "black" }), hair("gray", { shade: "gray" }),
            hair("copper", { color: "#8f4a24" }), hair("blue", { color: "#3050b0" }), hair("pink", { color: "#d060a0" }), hair("own", { color: "#6a3fa0" }),
        ],
        makeup: [tile("", step("lipstick")), tile("", step("blush")), tile("", step("eye_shadow"))],
        beauty: [tile("", step("smooth_skin")), tile("", step("whiten_teeth")), tile("", step("brighten_eyes")), tile("", step("under_eye")), ...["tan", "light", "warm", "cool", "rosy"].map((tone) => tile(tone, step("skin_tone", { tone })))],
        face: [tile("", step("slim_face")), tile("", step("larger_eyes"))],
        background: [tile("lens", step("blur_background")), tile("wall", step("replace_background")), ...(served() && !live ? [ownPicture("replace_background")] : [])],
        stickers: [...choices("sticker", "which"), ...(served() && !live && editor?.manifest.effects.sticker ? [ownPicture("sticker")] : [])],
        hide: ["blur", "mosaic", "solid"].map((way) => tile(way, step("anonymise", { way }))),
        presets: (editor?.manifest.presets ?? []).map((preset) => ({ name: () => preset.name, steps: preset.steps, slot: "preset" })),
        mine: looks().map((look) => ({ name: () => look.name, steps: look.steps, slot: "preset" })),
    };
    for (const [name, tiles] of Object.entries(all)) all[name] = tiles.filter((one) => one.steps.some(({ effect }) => isHere(effect)));
    return all;
}

/** Whether an effect can be done now: a camera has fewer. @param {string} effect */
const isHere = (effect) => (effect.startsWith("edit ") ? !live || Boolean(editor?.manifest.editor) : effect in (editor?.manifest.effects ?? {}) && !(live ? editor?.missingLive : editor?.missing)?.includes(effect));

/** @returns {{name: string, steps: Step[]}[]} */
function looks() {
    try { return JSON.parse(localStorage.getItem("lianpu-looks") ?? "[]"); } catch { return []; }
}

/** @param {string} text */
function note(text) {
    toast.textContent = text;
    toast.classList.add("shown");
    clearTimeout(Number(toast.dataset.timer));
    toast.dataset.timer = String(setTimeout(() => toast.classList.remove("shown"), 5000));
}

/** @param {unknown} problem */
function tell(problem) {
    const error = problem instanceof EditorError ? problem : null, known = error && say(error.kind) !== error.kind;
    note(known ? say(error.kind, { message: error.message }) : say("defect", { message: problem instanceof Error ? problem.message : String(problem) }));
}

/* What is asked for */

/** @param {Step[]} next */
function change(next) {
    past.push(steps);
    future = [];
    steps = next;
    refresh();
}

/** @param {Tile} one */
async function take(one) {
    if (one.steps[0]?.options?.picture === "" && !isOn(one)) {
        const file = await pictureFile();
        if (!file) return;
        try { one = { ...one, steps: [step(one.steps[0].effect, { picture: await served()?.picture(file) })] }; } catch (problem) { tell(problem); return; }
    }
    const whole = one.slot === "preset", mine = (/** @type {Step} */ other) => slotOf(other.effect) === one.slot, old = steps.find(mine);
    if (isOn(one)) {
        change(whole ? [] : steps.filter((other) => !mine(other)));
        chosen = "";
    } else {
        const fresh = one.steps.filter(({ effect }) => isHere(effect)).map((other) => structuredClone(other));
        if (old && !whole) fresh[0].strength = old.strength;
        if (old && !whole) note(say("replaces", { now: one.name(), before: nameOf(old) }));
        change(whole ? fresh : [...steps.filter((other) => !mine(other)), ...fresh]);
        chosen = whole ? fresh[0]?.effect ?? "" : one.steps[0].effect;
    }
    draw();
}

/** A picture that the visitor chooses; null for none. @returns {Promise<File | null>} */
const pictureFile = () => new Promise((resolve) => {
    const input = Object.assign(document.createElement("input"), { type: "file", accept: "image/*" });
    input.addEventListener("change", () => resolve(input.files?.[0] ?? null));
    input.addEventListener("cancel", () => resolve(null));
    input.click();
});

/** @param {string} effect */
const slotOf = (effect) => (effect.endsWith("_background") ? "background" : effect);

/** @param {Step} one */
function nameOf(one) {
    const found = Object.values(themes()).flat().find((other) => other.slot !== "preset" && other.steps[0].effect === one.effect && sameOptions(other.steps[0].options, one.options));
    return found ? found.name() : title(one.effect);
}

/** @param {Record<string, any>} [one] @param {Record<string, any>} [other] */
const sameOptions = (one = {}, other = {}) => JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort());

/** @param {Tile} one */
function isOn(one) {
    if (one.slot === "preset") return one.steps.length > 0 && JSON.stringify(one.steps) === JSON.stringify(steps);
    const mine = steps.find((other) => other.effect === one.steps[0].effect);
    if (!mine) return false;
    if (one.steps[0].options?.picture === "") return Boolean(mine.options?.picture);
    if (mine.options?.picture) return false;
    return one.slot === "lipstick" || one.slot === "blush" || one.slot === "eye_shadow" || (one.slot === "background" && mine.effect === one.steps[0].effect) || sameOptions(mine.options, one.steps[0].options);
}

/* The engine's answers: only the newest wish is drawn */

let rendering = false, wanted = false;

async function refresh() {
    by("undo").toggleAttribute("disabled", !past.length);
    by("redo").toggleAttribute("disabled", !future.length);
    for (const id of ["save", "hold", "compare"]) by(id).toggleAttribute("disabled", !photo);
    by("share").toggleAttribute("disabled", !steps.length);
    if (!photo || !editor) return;
    wanted = true;
    if (rendering) return;
    rendering = true;
    const slow = setTimeout(() => { by("busy").hidden = false; }, 250);
    while (wanted) {
        wanted = false;
        try {
            const { preview, ms, note: left } = /** @type {{preview: ImageBitmap, ms: number, note?: string}} */ (await editor.render(steps, [...chosenFaces]));
            if (left) note(say("leftOut", { what: left }));
            after.getContext("2d")?.drawImage(preview, 0, 0);
            preview.close();
            stage.dataset.ms = ms.toFixed(0);
        } catch (problem) { tell(problem); }
    }
    clearTimeout(slow);
    by("busy").hidden = true;
    rendering = false;
    stage.dataset.drawn = String(Number(stage.dataset.drawn ?? 0) + 1);
}

/** @param {Blob} file @param {string} name */
async function openPhoto(file, name) {
    if (!editor) return;
    await stopCamera();
    by("busy").hidden = false;
    try {
        const { width, height, faces, preview, notes = [] } = /** @type {import("./lianpu.js").OpenPhoto & {notes?: string[]}} */ (await editor.openPhoto(file));
        photo = { name, file, width, height, faces };
        for (const canvas of [before, after]) { canvas.width = preview.width; canvas.height = preview.height; canvas.getContext("2d")?.drawImage(preview, 0, 0); }
        preview.close();
        past = []; future = [];
        chosenFaces = new Set(faces.keys());
        by("welcome").hidden = true;
        frame.hidden = false;
        fit();
        drawFaces();
        note([say(faces.length ? (faces.length > 1 ? "manyFaces" : "oneFace") : "noFace", { count: faces.length }), ...notes].join(" "));
        drawTiles();
        await refresh();
    } catch (problem) { tell(problem); }
    by("busy").hidden = true;
}

/* Stage: zoom, move, compare, hold */

function fit() {
    const wide = photo ? before.width : after.width || 1, high = photo ? before.height : after.height || 1, room = stage.getBoundingClientRect();
    const scale = Math.min(room.width / wide, room.height / high, photo ? Math.max(1, 1.6) : 4);
    Object.assign(view, { width: wide * scale, height: high * scale, zoom: 1, x: (room.width - wide * scale) / 2, y: (room.height - high * scale) / 2 });
    place();
}

function place() {
    const room = stage.getBoundingClientRect(), wide = view.width * view.zoom, high = view.height * view.zoom;
    view.x = wide <= room.width ? (room.width - wide) / 2 : Math.min(0, Math.max(room.width - wide, view.x));
    view.y = high <= room.height ? (room.height - high) / 2 : Math.min(0, Math.max(room.height - high, view.y));
    Object.assign(frame.style, { left: `${view.x}px`, top: `${view.y}px`, width: `${wide}px`, height: `${high}px` });
}

/** @param {number} zoom @param {number} x @param {number} y of the stage, which stay where they are */
function zoomTo(zoom, x, y) {
    const next = Math.min(12, Math.max(1, zoom)), by_ = next / view.zoom;
    view.x = x - (x - view.x) * by_;
    view.y = y - (y - view.y) * by_;
    view.zoom = next;
    place();
}

/** @type {Map<number, {x: number, y: number}>} */
const fingers = new Map();

stage.addEventListener("wheel", (event) => {
    if (frame.hidden) return;
    event.preventDefault();
    const room = stage.getBoundingClientRect();
    zoomTo(view.zoom * Math.exp(-event.deltaY / 400), event.clientX - room.left, event.clientY - room.top);
}, { passive: false });

stage.addEventListener("pointerdown", (event) => {
    if (/** @type {HTMLElement} */ (event.target).closest("button, #line")) return;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    stage.setPointerCapture(event.pointerId);
});
stage.addEventListener("pointermove", (event) => {
    const old = fingers.get(event.pointerId);
    if (!old) return;
    const room = stage.getBoundingClientRect(), other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
        const far = Math.hypot(event.clientX - other.x, event.clientY - other.y) / (Math.hypot(old.x - other.x, old.y - other.y) || 1);
        zoomTo(view.zoom * far, (event.clientX + other.x) / 2 - room.left, (event.clientY + other.y) / 2 - room.top);
    } else {
        view.x += event.clientX - old.x;
        view.y += event.clientY - old.y;
        place();
    }
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
});
for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, (event) => fingers.delete(/** @type {PointerEvent} */ (event).pointerId));
stage.addEventListener("dblclick", (event) => {
    const room = stage.getBoundingClientRect();
    zoomTo(view.zoom > 1 ? 1 : 3, event.clientX - room.left, event.clientY - room.top);
});
stage.addEventListener("keydown", (event) => {
    if (event.target !== stage || frame.hidden) return;
    const room = stage.getBoundingClientRect(), moves = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] });
    if (event.key === "+" || event.key === "=") zoomTo(view.zoom * 1.3, room.width / 2, room.height / 2);
    else if (event.key === "-") zoomTo(view.zoom / 1.3, room.width / 2, room.height / 2);
    else if (event.key === " ") showOriginal(true);
    else if (moves[event.key]) { view.x += moves[event.key][0]; view.y += moves[event.key][1]; place(); }
    else return;
    event.preventDefault();
});
stage.addEventListener("keyup", (event) => { if (event.key === " ") showOriginal(false); });

/** @param {boolean} shown */
const showOriginal = (shown) => { after.style.visibility = shown ? "hidden" : ""; };
for (const [name, shown] of /** @type {[string, boolean][]} */ ([["pointerdown", true], ["pointerup", false], ["pointercancel", false], ["pointerleave", false], ["blur", false]])) by("hold").addEventListener(name, () => showOriginal(shown));
by("hold").addEventListener("keydown", (event) => { if (event.key === " " || event.key === "Enter") showOriginal(true); });
by("hold").addEventListener("keyup", () => showOriginal(false));

const line = by("line");

/** @param {number | null} share of the width that shows the photo before; null for all after */
function compareAt(share) {
    line.hidden = share === null;
    by("compare").setAttribute("aria-pressed", String(share !== null));
    after.style.clipPath = share === null ? "" : `inset(0 0 0 ${100 * share}%)`;
    if (share !== null) line.style.left = `${100 * share}%`;
}
by("compare").addEventListener("click", () => compareAt(line.hidden ? 0.5 : null));
line.addEventListener("pointerdown", (event) => line.setPointerCapture(event.pointerId));
line.addEventListener("pointermove", (event) => {
    if (!line.hasPointerCapture(event.pointerId)) return;
    const room = frame.getBoundingClientRect();
    compareAt(Math.min(1, Math.max(0, (event.clientX - room.left) / room.width)));
});

function drawFaces() {
    const many = photo && photo.faces.length > 1 ? photo.faces : [];
    by("faces").replaceChildren(...many.map((box, i) => {
        const button = document.createElement("button");
        button.textContent = String(i + 1);
        button.style.left = `${100 * (box.x + box.width / 2)}%`;
        button.style.top = `${100 * box.y}%`;
        button.setAttribute("aria-label", say("face1", { number: i + 1 }));
        button.setAttribute("aria-pressed", String(chosenFaces.has(i)));
        button.addEventListener("click", () => {
            if (!chosenFaces.delete(i)) chosenFaces.add(i);
            button.setAttribute("aria-pressed", String(chosenFaces.has(i)));
            drawTiles();
            refresh();
        });
        return button;
    }));
}

/* Panel */

function draw() {
    for (const element of document.querySelectorAll("[data-say]")) element.textContent = say(/** @type {HTMLElement} */ (element).dataset.say ?? "");
    for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", say(/** @type {HTMLElement} */ (element).dataset.label ?? ""));
    by("language").textContent = say("other");
    const all = themes();
    by("themes").replaceChildren(...Object.keys(all).filter((name) => all[name].length || name === "mine").map((name) => {
        const button = document.createElement("button");
        button.textContent = say(name);
        button.setAttribute("role", "tab");
        button.dataset.theme = name;
        button.setAttribute("aria-selected", String(name === theme));
        button.addEventListener("click", () => { theme = name; chosen = ""; draw(); });
        return button;
    }));
    drawTiles();
    drawControls();
}

/** Where the editor has to be told what the faces are: a box for each attribute. */
function knownBoxes() {
    const there = served(), info = there?.manifest.server.editor;
    if (!there || info?.label_input !== "target") return [];
    const box = document.createElement("p");
    box.textContent = say("known");
    for (const name of info.attributes) {
        const label = document.createElement("label"), input = Object.assign(document.createElement("input"), { type: "checkbox", checked: Boolean(there.known?.[name]) });
        input.addEventListener("change", () => { there.known = { ...Object.fromEntries(info.attributes.map((one) => [one, false])), ...there.known, [name]: input.checked }; refresh(); });
        label.append(input, name.replaceAll("_", " "));
        box.append(" ", label);
    }
    return [box];
}

let thumbs = 0;

async function drawTiles() {
    const tiles = themes()[theme] ?? [], turn = ++thumbs;
    const buttons = tiles.map((one) => {
        const button = document.createElement("button"), picture = document.createElement("canvas"), name = document.createElement("span");
        picture.width = picture.height = 168;
        name.className = "name";
        name.textContent = one.name();
        button.append(picture, name);
        button.setAttribute("aria-pressed", String(isOn(one)));
        button.dataset.tile = `${one.slot} ${JSON.stringify(one.steps[0]?.options ?? {})}`;
        button.addEventListener("click", () => take(one));
        return button;
    });
    const empty = document.createElement("p");
    empty.textContent = theme === "hair" && editor?.missing.includes("hair_color") ? say("needsParser") : say("noLooks");
    by("tiles").classList.toggle("many", buttons.length > 12);
    by("tiles").replaceChildren(...(theme === "people" ? knownBoxes() : []), ...(buttons.length ? buttons : [empty]));
    if (!editor || !(photo?.faces.length || live?.kept)) return;
    const face = [...chosenFaces][0] ?? 0;
    for (const [i, one] of tiles.entries()) { // one after the other, so that a click is answered between them
        const { pictures: [picture] } = await editor.thumbnails([one.steps.filter(({ effect, options }) => isHere(effect) && options?.picture !== "")], face).catch(() => ({ pictures: [] }));
        if (turn !== thumbs) return;
        if (picture) { buttons[i].querySelector("canvas")?.getContext("2d")?.drawImage(picture, 0, 0); picture.close(); }
    }
}

const SWATCHES = /** @type {Record<string, string[]>} */ ({
    lipstick: ["#b3263e", "#8e1b34", "#c75b5b", "#d9788a", "#7a1030", "#a3503f", "#e0457b"], blush: ["#d8665f", "#d9566b", "#c98a6a", "#b05878"], eye_shadow: ["#7a4a6e", "#6b5040", "#4a5a78", "#8a6a3a", "#3a3a40"],
    hair_color: ["#8f4a24", "#803018", "#3050b0", "#d060a0", "#6a3fa0", "#2f7a6a", "#c9b48a"], replace_background: ["#8fb8d8", "#f2f0ec", "#d9c7b0", "#35383d", "#b8c7a6"], anonymise: ["#303030", "#000000", "#ffffff", "#8a8a8a"],
});

function drawControls() {
    const one = steps.find(({ effect }) => effect === chosen), box = by("controls");
    if (!one) { box.replaceChildren(); return; }
    const parts = [];
    const label = document.createElement("label"), range = document.createElement("input"), output = document.createElement("output"), caption = document.createElement("span");
    caption.textContent = nameOf(one);
    Object.assign(range, { type: "range", min: "0", max: "1.5", step: "0.05", value: String(one.strength ?? 1) });
    range.setAttribute("aria-label", `${nameOf(one)}: ${say("strength")}`);
    output.textContent = `${Math.round(100 * (one.strength ?? 1))} %`;
    range.addEventListener("pointerdown", remember);
    range.addEventListener("keydown", remember);
    range.addEventListener("input", () => {
        output.textContent = `${Math.round(100 * Number(range.value))} %`;
        steps = steps.map((other) => (other.effect === chosen ? { ...other, strength: Number(range.value) } : other));
        refresh();
    });
    label.append(caption, range, output);
    parts.push(label);
    const picks = one.effect === "hair_color" && (one.options?.shade ?? "picked") !== "picked" ? null : one.effect === "anonymise" && one.options?.way !== "solid" ? null : SWATCHES[one.effect];
    if (picks) {
        const row = document.createElement("div");
        row.className = "swatches";
        const facts = editor?.manifest.effects[one.effect], now = one.options?.color ?? facts?.options.color?.default;
        for (const color of picks) {
            const button = document.createElement("button");
            button.style.background = color;
            button.setAttribute("aria-label", color);
            button.setAttribute("aria-pressed", String(color === now));
            button.addEventListener("click", () => { option("color", color); draw(); });
            row.append(button);
        }
        const own = document.createElement("input");
        Object.assign(own, { type: "color", value: now, title: say("own") });
        own.setAttribute("aria-label", say("own"));
        own.addEventListener("change", () => { option("color", own.value); draw(); });
        row.append(own);
        if (facts?.options.finish) {
            const select = document.createElement("select");
            select.setAttribute("aria-label", facts.options.finish.title[languageNow()] ?? "");
            for (const finish of facts.options.finish.choices) select.add(new Option(say(finish), finish, false, finish === (one.options?.finish ?? facts.options.finish.default)));
            select.addEventListener("change", () => option("finish", select.value));
            row.append(select);
        }
        parts.push(row);
    }
    box.replaceChildren(...parts);
}

/** One entry of the history for a whole drag. */
function remember() {
    past.push(steps);
    future = [];
}

/** @param {string} name @param {string} value */
function option(name, value) {
    change(steps.map((other) => (other.effect === chosen ? { ...other, options: { ...other.options, [name]: value } } : other)));
}

by("undo").addEventListener("click", () => { const last = past.pop(); if (last) { future.push(steps); steps = last; draw(); refresh(); } });
by("redo").addEventListener("click", () => { const next = future.pop(); if (next) { past.push(steps); steps = next; draw(); refresh(); } });
document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
    event.preventDefault();
    by(event.shiftKey ? "redo" : "undo").click();
});

/* Saving */

/** @param {Blob} file @param {string} name */
function download(file, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    note(say("saved", { name }));
}

/** @param {string} name */
const stem = (name) => name.replace(/\.[^.]*$/, "") || "photo";

by("save").addEventListener("click", async () => {
    if (!photo || !editor) return;
    by("busy").hidden = false;
    try {
        const { file, ending, note: left } = /** @type {{file: Blob, ending: string, note?: string}} */ (await editor.save(steps, { faces: [...chosenFaces] }));
        download(file, `${stem(photo.name)}-lianpu${ending}`);
        if (left) note(say("leftOut", { what: left }));
    } catch (problem) { tell(problem); }
    by("busy").hidden = true;
});

by("share").addEventListener("click", () => {
    const name = `${languageNow() === "zh" ? "风格" : "Look"} ${looks().length + 1}`, lines = [`name: ${name}`, "steps:"];
    for (const { effect, strength = 1, options = {} } of steps.filter(({ options }) => !options?.picture)) lines.push(...(effect.startsWith("edit ") ? [`  - edit: {${effect.slice(5)}: ${options.value === false ? "no" : "yes"}}`, `    strength: ${strength}`] : [`  - effect: ${effect}`, `    strength: ${strength}`, ...Object.entries(options).map(([key, value]) => `    ${key}: ${JSON.stringify(value)}`)]));
    try { localStorage.setItem("lianpu-looks", JSON.stringify([...looks(), { name, steps: steps.filter(({ options }) => !options?.picture) }].slice(-24))); } catch { /* storage is off: the file is there */ }
    download(new Blob([`${lines.join("\n")}\n`], { type: "application/yaml" }), "look.yaml");
    note(say("lookSaved"));
    draw();
});

/* Sources */

by("choose").addEventListener("click", () => by("file").click());
by("file").addEventListener("change", (event) => { const input = /** @type {HTMLInputElement} */ (event.target); taken([...(input.files ?? [])]); input.value = ""; });
by("example").addEventListener("click", async () => {
    try { await openPhoto(await (await fetch("example.jpg")).blob(), "example.jpg"); } catch (problem) { tell(problem); }
});
for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
        event.preventDefault();
        stage.classList.toggle("over", name === "dragover");
        if (name === "drop") taken([.../** @type {DragEvent} */ (event).dataTransfer?.files ?? []]);
    });
}
document.addEventListener("paste", (event) => taken([...event.clipboardData?.files ?? []]));

/** @param {File[]} files */
function taken(files) {
    if (files.length === 1 && files[0].type.startsWith("video/")) film(files[0]);
    else if (files.length === 1) openPhoto(files[0], files[0].name);
    else if (files.length > 1) (served() ? batchThere : batch)(files);
}

/** A dialog with the progress of something long, which closing it ends. @param {string} title @param {(report: (text: string) => void, signal: AbortSignal) => Promise<{file: Blob | null, name: string, text: string, lines: string[]}>} work */
async function long(title, work) {
    const box = /** @type {HTMLDialogElement} */ (by("batch")), list = by("batchlist"), ending = new AbortController();
    list.replaceChildren();
    by("batchtitle").textContent = title;
    box.dataset.ended = "";
    by("batchsave").setAttribute("disabled", "");
    box.showModal();
    box.addEventListener("close", () => ending.abort(), { once: true });
    try {
        const { file, name, text, lines } = await work((line) => { by("batchtext").textContent = line; }, ending.signal);
        by("batchtext").textContent = text;
        list.replaceChildren(...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
        by("batchsave").toggleAttribute("disabled", !file);
        by("batchsave").onclick = () => { if (file) download(file, name); };
    } catch (problem) {
        if (problem instanceof EditorError && problem.kind === "stopped") return;
        by("batchtext").textContent = problem instanceof EditorError ? say(problem.kind, { message: problem.message }) : String(problem);
    }
    box.dataset.ended = "yes";
}

/** @param {import("./server.js").JobState} state */
const progress = ({ state, done, total }) => (state === "waiting" ? say("queued") : say("batchDoing", { done, total: total || "…" }));

/** @param {File[]} files */
function batchThere(files) {
    const there = served();
    if (!there) return;
    if (!steps.length) { note(say("batchNone")); return; }
    long(say("batch"), async (report, signal) => {
        report(say("uploading"));
        const { file, state } = await there.batch(files, steps, (now) => report(progress(now)), signal), photos = state.photos ?? [];
        const done = photos.filter(({ edited }) => edited).length, faces = photos.reduce((sum, one) => sum + one.faces, 0);
        return { file, name: "lianpu-edited.zip", text: say("batchDone", { done, total: photos.length, faces }), lines: photos.map((one) => `${one.photo}: ${one.result}`) };
    });
}

/** @param {File} file */
function film(file) {
    const there = served();
    if (!there?.manifest.server.video) { note(say("noVideo")); return; }
    if (!steps.length) { note(say("batchNone")); return; }
    long(say("video"), async (report, signal) => {
        report(say("uploading"));
        const { file: edited, state } = await there.video(file, steps, (now) => report(progress(now)), signal);
        return { file: edited, name: `${stem(file.name)}-lianpu.mp4`, text: say("videoDone", { frames: state.total }), lines: state.notes ?? [] };
    });
}

/** @param {File[]} files */
async function batch(files) {
    if (!editor) return;
    const box = /** @type {HTMLDialogElement} */ (by("batch")), list = by("batchlist"), names = new Set();
    /** @type {{name: string, bytes: Uint8Array}[]} */
    const results = [];
    if (!steps.length) { note(say("batchNone")); return; }
    let done = 0, faces = 0;
    list.replaceChildren();
    by("batchsave").setAttribute("disabled", "");
    by("batchtext").textContent = say("batchDoing", { done, total: files.length });
    by("batchtitle").textContent = say("batch");
    box.showModal();
    for (const file of files) {
        if (!box.open) break;
        const row = document.createElement("li");
        try {
            faces += (await editor.openPhoto(file)).faces.length;
            const { file: edited, ending } = await editor.save(steps);
            let name = `${stem(file.name)}-lianpu${ending}`;
            for (let k = 2; names.has(name); k++) name = `${stem(file.name)}-lianpu-${k}${ending}`;
            names.add(name);
            results.push({ name, bytes: new Uint8Array(await edited.arrayBuffer()) });
            row.textContent = name;
            done++;
        } catch (problem) {
            row.textContent = `${file.name}: ${problem instanceof EditorError ? say(problem.kind, { message: problem.message }) : problem}`;
        }
        list.append(row);
        by("batchtext").textContent = say("batchDoing", { done, total: files.length });
    }
    by("batchtext").textContent = say("batchDone", { done, total: files.length, faces });
    by("batchsave").toggleAttribute("disabled", !results.length);
    by("batchsave").onclick = () => download(new Blob([/** @type {BlobPart} */ (zipOf(results))], { type: "application/zip" }), "lianpu.zip");
    if (photo) await editor.openPhoto(photo.file).catch(tell); // the photo on the stage is open again
}
by("batchclose").addEventListener("click", () => /** @type {HTMLDialogElement} */ (by("batch")).close());

/* Camera */

by("camera").addEventListener("click", async () => {
    if (!editor) return;
    if (!navigator.mediaDevices?.getUserMedia) { note(say("insecure")); return; }
    try {
        const stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 }, height: { ideal: 720 } } }), video = /** @type {HTMLVideoElement} */ (by("video"));
        video.srcObject = stream;
        await video.play();
        photo = null;
        live = { stream, recorder: null, running: true, kept: false };
        for (const id of ["snapshot", "record", "stop"]) by(id).hidden = false;
        for (const id of ["save", "compare"]) by(id).hidden = true;
        by("faces").replaceChildren();
        compareAt(null);
        by("welcome").hidden = true;
        frame.hidden = false;
        draw();
        refresh();
        watch(video);
    } catch { note(say("noCamera")); }
});

/** @param {HTMLVideoElement} video */
async function watch(video) {
    const times = [];
    let shown = "";
    while (live?.running && editor) {
        const bitmap = await createImageBitmap(video);
        try {
            const { frame: picture, faces, kept, ms } = await editor.frame(bitmap, steps);
            if (!live) { picture.close(); break; }
            if (kept && !live.kept) { live.kept = true; drawTiles(); }
            const size = `${picture.width} ${picture.height}`;
            if (size !== shown) { for (const canvas of [before, after]) { canvas.width = picture.width; canvas.height = picture.height; } shown = size; fit(); }
            after.getContext("2d")?.drawImage(picture, 0, 0);
            picture.close();
            times.push(performance.now());
            if (times.length > 40) times.shift();
            Object.assign(stage.dataset, { fps: times.length > 9 ? (1000 * (times.length - 1) / (times[times.length - 1] - times[0])).toFixed(1) : "", faces: String(faces), ms: ms.toFixed(1) });
            if (times.length % 20 === 0 && stage.dataset.fps) note(say("speed", { fps: Math.round(Number(stage.dataset.fps)) }));
        } catch (problem) { tell(problem); break; }
        await new Promise((resolve) => { if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(resolve); else requestAnimationFrame(resolve); setTimeout(resolve, 120); });
    }
}

async function stopCamera() {
    if (!live) return;
    live.running = false;
    if (live.recorder?.state === "recording") live.recorder.stop();
    for (const track of live.stream.getTracks()) track.stop();
    live = null;
    for (const id of ["snapshot", "record", "stop"]) by(id).hidden = true;
    for (const id of ["save", "compare"]) by(id).hidden = false;
    await editor?.closeLive();
    if (!photo) { frame.hidden = true; by("welcome").hidden = false; }
}
by("stop").addEventListener("click", stopCamera);
by("snapshot").addEventListener("click", () => after.toBlob((blob) => { if (blob) download(blob, "snapshot.png"); }, "image/png"));
by("record").addEventListener("click", () => {
    if (!live) return;
    if (live.recorder?.state === "recording") { live.recorder.stop(); return; }
    const chunks = /** @type {Blob[]} */ ([]), recorder = new MediaRecorder(after.captureStream(30));
    recorder.ondataavailable = ({ data }) => chunks.push(data);
    recorder.onstop = () => { by("record").setAttribute("aria-pressed", "false"); download(new Blob(chunks, { type: recorder.mimeType }), recorder.mimeType.includes("mp4") ? "lianpu.mp4" : "lianpu.webm"); };
    recorder.start();
    live.recorder = recorder;
    by("record").setAttribute("aria-pressed", "true");
});

/* Start */

by("language").addEventListener("click", () => { setLanguage(languageNow() === "en" ? "zh" : "en"); const there = served(); if (there) there.language = languageNow(); draw(); });
by("about").addEventListener("click", () => {
    const list = document.createElement("ul");
    for (const [name, entry] of Object.entries(editor?.manifest.models ?? {})) {
        const row = document.createElement("li");
        row.textContent = `${name} (${(entry.bytes / 1e6).toFixed(1)} MB): ${entry.licence}`;
        list.append(row);
    }
    const there = served()?.manifest.server;
    for (const [name, licence] of Object.entries({ ...there?.models, ...(there?.editor ? { [`editor: ${there.editor.name}`]: there.editor.licence } : {}) })) list.append(Object.assign(document.createElement("li"), { textContent: `${name}: ${licence}` }));
    by("licences").replaceChildren(list);
    if (there) by("abouttext").textContent = say("aboutServer", { minutes: there.limits.keepMinutes, signs: say(there.signs ? "signed" : "unsigned") });
    const card = there?.card[languageNow()] ?? there?.card.en;
    if (card) {
        const details = document.createElement("details");
        details.append(Object.assign(document.createElement("summary"), { textContent: say("card") }), Object.assign(document.createElement("pre"), { textContent: card }));
        by("licences").append(details);
    }
    /** @type {HTMLDialogElement} */ (by("aboutbox")).showModal();
});
by("aboutclose").addEventListener("click", () => /** @type {HTMLDialogElement} */ (by("aboutbox")).close());
new ResizeObserver(() => (view.zoom > 1 ? place() : fit())).observe(stage); // the panel below a phone's stage grows and shrinks
navigator.serviceWorker?.register("offline.js").catch(() => {}); // plain HTTP has none, and then the page needs its server

startLanguage();
draw();
for (const id of ["choose", "camera", "example"]) by(id).toggleAttribute("disabled", true);
try {
    const onProgress = (/** @type {number} */ loaded, /** @type {number} */ total) => {
        /** @type {HTMLProgressElement} */ (by("loading")).value = loaded / total;
        by("loadingtext").textContent = say("loading", { done: (loaded / 1e6).toFixed(0), total: (total / 1e6).toFixed(0) });
    };
    const base = new URL(".", import.meta.url), manifest = await readManifest(String(base));
    if (manifest.server) {
        startLanguage(manifest.server.language);
        const there = await createServedEditor(/** @type {any} */ (manifest), { base, onProgress });
        there.language = languageNow();
        window.addEventListener("pagehide", () => there.leave());
        /** @type {HTMLInputElement} */ (by("file")).accept = manifest.server.video ? "image/*,video/*" : "image/*";
        by("camera").hidden = !there.browser;
        for (const one of document.querySelectorAll("[data-say=private]")) /** @type {HTMLElement} */ (one).dataset.say = "privateServer";
        editor = there;
    } else editor = await createEditor({ base, onProgress });
    by("loading").hidden = true;
    by("loadingtext").textContent = "";
    for (const id of ["choose", "camera", "example"]) by(id).toggleAttribute("disabled", false);
    draw();
    document.body.dataset.ready = "yes";
} catch (problem) {
    by("loading").hidden = true;
    by("loadingtext").textContent = problem instanceof EditorError ? say(problem.kind, { message: problem.message }) : say("defect", { message: String(problem) });
    document.body.dataset.ready = "no";
}
