// @ts-check
/**
 * Effects on a picture, in place: the live forms of the Python package (`lianpu.effects`), whose names, options and strengths they share.
 * What is smooth is computed in a small copy and added at full size.
 */
import {
    addChange, averaged, blurred, boxMean, clamp, compose, dilated, fillPolygon, guidedFilter, interp, inverse, labOf, labOfColor, labPlanes,
    mapPoints, quantile, resized, rgbOf, scaling, smoothstep, strokePolygon, toView, viewOf, warpInPlace, windowAround,
} from "./pixels.js";
import { hairOver, middleOf, outline, points68, shareOver, windowOf, PARTS } from "./faces.js";
import { applyFields, EDIT, editKey } from "./fields.js";
import { lumaTone, shadeTarget } from "./hair.js";
import { sticker } from "./stickers.js";

/** @typedef {import("./pixels.js").Picture} Picture */
/** @typedef {import("./pixels.js").Plane} Plane */
/** @typedef {import("./pixels.js").View} View */
/** @typedef {import("./pixels.js").Matrix} Matrix */
/** @typedef {import("./faces.js").Face} Face */
/** @typedef {import("./faces.js").Scene} Scene */
/** @typedef {{low: number, middle: number, high: number, a: number, b: number}} HairLook lightness at 5, 50, 95 %, and mean a and b */
/** @typedef {Record<string, any>} Options */

/** A view of a picture, and the matrix to it. @param {Picture} picture @param {import("./pixels.js").Window | null} window @param {number} unit @param {number} mostPx */
function opened(picture, window, unit, mostPx) {
    if (!window) return null;
    const view = viewOf(picture, window, unit, mostPx);
    return view.w < 2 || view.h < 2 ? null : { view, to: toView(view), px: unit * view.scale };
}

/** @param {View} view */
const empty = (view) => new Float32Array(view.w * view.h);

/** @param {Plane} plane */
const total = (plane) => plane.reduce((sum, value) => sum + value, 0);

/** @param {Plane} plane @param {View} view @param {number} sigma */
const soften = (plane, view, sigma) => blurred(plane, view.w, view.h, Math.max(0.4, sigma));

/** A probability with an edge about as sharp as that of a mask. @param {Plane} plane */
const sharpened = (plane) => plane.map((value) => smoothstep(value, 0.2, 0.8));

/** Coverage of regions of the mesh. @param {Face} face @param {View} view @param {Matrix} to @param {...string} regions */
function inside(face, view, to, ...regions) {
    const mask = empty(view);
    for (const region of regions) fillPolygon(mask, view.w, view.h, mapPoints(to, outline(face.mesh, region)));
    return mask;
}

/** Parts in a region of the mesh and a little around it; without a parser the region. @param {Face} face @param {View} view @param {Matrix} to @param {string} region @param {string[]} parts */
function seenIn(face, view, to, region, parts) {
    const points = mapPoints(to, outline(face.mesh, region)), mask = fillPolygon(empty(view), view.w, view.h, points);
    if (!face.shares) return mask;
    strokePolygon(mask, view.w, view.h, points, 0.03 * face.unit * view.scale);
    const share = sharpened(shareOver(face, view, to, parts));
    return mask.map((value, i) => value * share[i]);
}

/** Skin, nose and other parts; without a parser the oval without eyes, brows and mouth. @param {Face} face @param {View} view @param {Matrix} to @param {...string} also */
function skinOf(face, view, to, ...also) {
    if (face.shares) return shareOver(face, view, to, ["skin", "nose", ...also]);
    const mask = inside(face, view, to, "face_oval");
    for (const region of ["left_eye", "right_eye", "left_brow", "right_brow", "lips_outer"]) fillPolygon(mask, view.w, view.h, mapPoints(to, outline(face.mesh, region)), 0);
    return mask;
}

/** @param {[Plane, Plane, Plane]} planes @param {Plane} weight @returns {[number, number, number]} */
function weightedMean(planes, weight) {
    const sum = total(weight) || 1e-6;
    return /** @type {[number, number, number]} */ (planes.map((plane) => plane.reduce((all, value, i) => all + value * weight[i], 0) / sum));
}

/**
 * Changes a picture by what `paint` makes of the Lab colour of each pixel of a view, times a weight.
 * @param {Picture} picture @param {View} view @param {Plane} weight
 * @param {(lab: [number, number, number], i: number) => [number, number, number]} paint
 */
function repaint(picture, view, weight, paint) {
    const [red, green, blue] = view.planes, change = [empty(view), empty(view), empty(view)];
    for (let i = 0; i < weight.length; i++) {
        if (weight[i] <= 0) continue;
        const rgb = rgbOf(...paint(labOf(red[i], green[i], blue[i]), i));
        change[0][i] = weight[i] * (rgb[0] - red[i]); change[1][i] = weight[i] * (rgb[1] - green[i]); change[2][i] = weight[i] * (rgb[2] - blue[i]);
    }
    addChange(picture, view, change);
}

/** Lightness of the light parts of a face's crop. @param {Picture} picture @param {Face} face */
function brightness(picture, face) {
    const { x, y, width, height } = windowOf(face, picture), lights = [];
    const across = Math.max(1, Math.floor(width / 64)), down = Math.max(1, Math.floor(height / 64));
    for (let v = y; v < y + height; v += down) {
        for (let u = x; u < x + width; u += across) {
            const i = 4 * (v * picture.width + u);
            lights.push(labOf(picture.data[i] / 255, picture.data[i + 1] / 255, picture.data[i + 2] / 255)[0]);
        }
    }
    return quantile(lights, 0.97);
}

const FINISHES = /** @type {Record<string, number>} */ ({ matte: -0.4, satin: 0.12, gloss: 0.6 });

/** @param {Picture} picture @param {Face} face @param {number} strength @param {Options} options */
function lipstick(picture, face, strength, { color, finish }) {
    const at = opened(picture, windowAround(picture, outline(face.mesh, "lips_outer"), 0.1 * face.unit), face.unit, 100);
    if (!at || !face.mouthVisible) return;
    const { view, to, px } = at, lips = seenIn(face, view, to, "lips_outer", ["u_lip", "l_lip"]);
    if (!face.shares) { const open = inside(face, view, to, "lips_inner"); lips.forEach((value, i) => { lips[i] = Math.max(value - open[i], 0); }); }
    const weight = soften(lips, view, 0.013 * px);
    if (total(weight) < 4) return;
    const mean = weightedMean(labPlanes(view.planes), weight), target = labOfColor(color), apart = target[0] - mean[0];
    const bright = smoothstep(brightness(picture, face), 20, 60), light = apart < 0 ? 0.9 * apart : Math.min(0.55 * apart, (0.3 + 0.4 * bright) * mean[0]);
    const full = Math.min(1, (mean[0] + light + 16 * bright) / Math.max(target[0] + 16 * bright, 1)), shining = FINISHES[finish];
    const chroma = Math.max(Math.hypot(mean[1], mean[2]), 1), covered = 0.72 * strength * face.mouthVisible;
    repaint(picture, view, weight.map((value) => value * covered), ([L, a, b]) => {
        const excess = L - mean[0], own = Math.hypot(a, b) / chroma;
        const pale = smoothstep(excess, 16, 32) * (1 - smoothstep(own, 0.45, 0.8)), hair = smoothstep(-excess, 16, 28) * (1 - smoothstep(own, 0.4, 0.7));
        const shine = clamp((excess - 14) / 30, 0, 1), lit = Math.min(1, (L + 16) / (mean[0] + 16)), kept = 1 - Math.max(pale, hair);
        const lighter = light * Math.min(1, L / Math.max(mean[0], 1)) * (1 - 0.7 * shine) + shining * Math.max(excess - 3, 0) * (1 - shine);
        const toned = (/** @type {number} */ old, /** @type {number} */ c) => (full * lit * target[c] + 0.5 * (old - mean[c])) * (1 - 0.5 * shine) - old;
        return [L + kept * lighter, a + kept * toned(a, 1), b + kept * toned(b, 2)];
    });
}

/** @param {View} view @param {number[]} middle @param {number[]} along @param {number} length @param {number} breadth @param {Plane} into */
function softEllipse(view, middle, along, length, breadth, into) {
    const size = Math.hypot(along[0], along[1]) || 1, dx = along[0] / size, dy = along[1] / size;
    for (let y = 0, i = 0; y < view.h; y++) {
        for (let x = 0; x < view.w; x++, i++) {
            const u = x - middle[0], v = y - middle[1], far = ((u * dx + v * dy) / Math.max(length, 0.5)) ** 2 + ((u * dy - v * dx) / Math.max(breadth, 0.5)) ** 2;
            if (far < 4.8) into[i] = Math.max(into[i], Math.exp(-0.9 * far) * (1 - smoothstep(far, 3, 4.8)));
        }
    }
}

/** @param {Picture} picture @param {Face} face @param {number} strength @param {Options} options */
function blush(picture, face, strength, { color }) {
    const at = opened(picture, windowAround(picture, outline(face.mesh, "face_oval"), 0.1 * face.unit), face.unit, 32);
    if (!at || !face.mouthVisible) return;
    const { view, to, px } = at, p = mapPoints(to, points68(face.mesh)), weight = empty(view), n = weight.length;
    const point = (/** @type {number} */ i) => [p[2 * i], p[2 * i + 1]];
    for (const [eye, wing, corner, jaw] of [[36, 31, 48, 2], [45, 35, 54, 14]].map((four) => four.map(point))) {
        const middle = [0, 1].map((c) => 0.4 * eye[c] + 0.12 * wing[c] + 0.16 * corner[c] + 0.32 * jaw[c] + 0.1 * (corner[c] - eye[c]));
        const along = [0, 1].map((c) => 0.35 * jaw[c] + 0.65 * eye[c] - wing[c]), wide = Math.hypot(jaw[0] - wing[0], jaw[1] - wing[1]);
        softEllipse(view, middle, along, 0.44 * wide, 0.2 * px, weight);
    }
    const skin = skinOf(face, view, to), eroded = soften(dilated(skin, view.w, view.h, -0.05 * px), view, 0.05 * px);
    for (let i = 0; i < n; i++) weight[i] *= eroded[i] * skin[i];
    if (total(weight) < 1e-3) return;
    const target = labOfColor(color), sigma = 0.1 * px, share = blurred(weight, view.w, view.h, sigma);
    const smooth = /** @type {[Plane, Plane, Plane]} */ (view.planes.map((plane) => blurred(plane.map((value, i) => value * weight[i]), view.w, view.h, sigma).map((value, i) => clamp(value / (share[i] + 1e-4), 0, 1))));
    const low = labPlanes(smooth), mean = weightedMean(low, weight), apart = [target[1] - mean[1], Math.min(target[2] - mean[2], 1.5)];
    const size = interp(mean[0], [8, 25, 45, 62, 80, 92], [6, 13, 15.5, 13, 10.5, 11]) * (1 - 0.5 * smoothstep(mean[1], 14, 26));
    const by = Math.min(0.45, size / Math.max(Math.hypot(apart[0], apart[1]), 1e-3)), darker = clamp(0.14 * (target[0] - mean[0]), -4.5, 0);
    const change = [empty(view), empty(view), empty(view)];
    for (let i = 0; i < n; i++) {
        if (!weight[i]) continue;
        const amount = weight[i] * strength * face.mouthVisible * clamp((low[0][i] + 16) / (mean[0] + 16), 0, 1.05) * Math.min(1, mean[0] / 18);
        const [L, a, b] = [low[0][i], low[1][i], low[2][i]], old = rgbOf(L, a, b), now = rgbOf(L + amount * darker, a + amount * by * apart[0], b + amount * by * apart[1]);
        for (let c = 0; c < 3; c++) change[c][i] = now[c] - old[c];
    }
    addChange(picture, view, change);
}

/** @param {Picture} picture @param {Face} face @param {number} strength @param {Options} options */
function eyeShadow(picture, face, strength, { color }) {
    const all = points68(face.mesh), around = [...all.subarray(34, 54), ...all.subarray(72, 96)];
    const at = opened(picture, windowAround(picture, around, 0.2 * face.unit), face.unit, 64);
    if (!at) return;
    const { view, to, px } = at, p = mapPoints(to, all), weight = empty(view), glasses = face.shares ? shareOver(face, view, to, ["eye_g"]) : weight;
    const point = (/** @type {number} */ i) => [p[2 * i], p[2 * i + 1]];
    for (const [rim, brow] of [[[36, 37, 38, 39], [17, 18, 19, 20, 21]], [[45, 44, 43, 42], [26, 25, 24, 23, 22]]]) {
        const r = rim.map(point), b = brow.map(point), mean = (/** @type {number[][]} */ of, /** @type {number} */ c) => of.reduce((sum, one) => sum + one[c], 0) / of.length;
        const up = [mean(b, 0) - mean(r, 0), mean(b, 1) - mean(r, 1)], height = Math.hypot(up[0], up[1]);
        if (height < 1e-3) continue;
        const mix = (/** @type {number[]} */ base, /** @type {number} */ by, /** @type {number[]} */ along = [0, 0], /** @type {number} */ far = 0) => [0, 1].map((c) => base[c] + by * up[c] + far * along[c]);
        const back = [r[0][0] - r[3][0], r[0][1] - r[3][1]], outer = mix(r[0], 0.28, back, 0.3), inner = mix(r[3], 0, back, -0.05);
        const shape = fillPolygon(empty(view), view.w, view.h, [
            outer, mix(r[0], -0.04), mix(r[1], -0.1), mix(r[2], -0.1), inner, mix(inner, 0.4), mix(r[2], 0.7), mix(r[1], 0.78), mix(r[0], 0.75, back, 0.15),
        ].flat());
        for (let y = 0, i = 0; y < view.h; y++) {
            for (let x = 0; x < view.w; x++, i++) {
                const above = ((x - mean(r, 0)) * up[0] + (y - mean(r, 1)) * up[1]) / height ** 2;
                shape[i] *= 1 - 0.9 * smoothstep(above, 0.15, 0.8);
            }
        }
        const lid = blurred(shape, view.w, view.h, Math.max(0.5, 0.045 * px)), behind = total(lid.map((value, i) => value * glasses[i])) / Math.max(total(lid), 1e-3);
        const bare = 1 - smoothstep(behind, 0.05, 0.2);
        lid.forEach((value, i) => { weight[i] = Math.max(weight[i], bare * value); });
    }
    const skin = soften(sharpened(skinOf(face, view, to)), view, 0.015 * px);
    const seen = face.shares ? sharpened(shareOver(face, view, to, ["l_eye", "r_eye", "l_brow", "r_brow", "eye_g"])) : inside(face, view, to, "left_eye", "right_eye", "left_brow", "right_brow");
    const eyes = soften(seen, view, 0.01 * px);
    for (let i = 0; i < weight.length; i++) weight[i] *= clamp(1.4 * skin[i], 0, 1) * (1 - clamp(1.5 * eyes[i], 0, 1));
    const target = labOfColor(color), mean = weightedMean(labPlanes(view.planes), weight.map((value) => value + 1e-6));
    const bright = smoothstep(brightness(picture, face), 20, 60), shimmer = bright * clamp(0.6 * (target[0] - mean[0]), 0, 10), darker = mean[0] > 1 ? 0.7 * Math.min(0, target[0] - mean[0]) : 0;
    const colder = interp(Math.hypot(target[1], target[2]), [10, 40], [0.35, 1]); // dull colours leave skin its warmth
    const toned = [target[1] - mean[1], target[2] - mean[2]].map((value) => (value < 0 ? colder * value : value));
    const far = Math.max(Math.hypot(darker + shimmer, ...toned), 1), by = clamp(clamp(far, 24, 32) / far, 0.6, 1 + bright);
    const shaded = Math.max(target[0] - bright * Math.max(target[0] - mean[0], 0), 1);
    repaint(picture, view, weight.map((value) => 0.8 * strength * value), ([L, a, b]) => {
        const lit = by * clamp(L / shaded, 0, 1);
        return [L * (1 + by * darker / Math.max(mean[0], 1)) + shimmer * lit, a + lit * toned[0], b + lit * toned[1]];
    });
}

/** @param {Picture} picture @param {Face} face @param {number} strength */
function smoothSkin(picture, face, strength) {
    const window = face.shares ? windowOf(face, picture) : windowAround(picture, outline(face.mesh, "face_oval"), 0.1 * face.unit);
    const at = opened(picture, window, face.unit, 64);
    if (!at) return;
    const { view, to, px } = at, { w, h } = view, skin = skinOf(face, view, to, "neck", "l_ear", "r_ear");
    if (total(skin) < 4) return;
    const eroded = soften(dilated(skin, w, h, -0.02 * px), view, 0.02 * px), soft = skin.map((value, i) => value * eroded[i]);
    const fine = Math.max(0.01 * px, 0.7), seen = view.planes.map((plane) => blurred(plane, w, h, fine));
    const radius = Math.max(1, Math.round(0.12 * px)), weight = soft.map((value) => value + 1e-3), sums = boxMean(weight, w, h, radius);
    const mean = (/** @type {Plane} */ plane) => boxMean(plane.map((value, i) => value * weight[i]), w, h, radius).map((value, i) => value / sums[i]);
    const averages = seen.map(mean), slope = empty(view);
    seen.forEach((plane, c) => {
        mean(plane.map((value) => value * value)).forEach((value, i) => {
            const variance = value - averages[c][i] ** 2;
            slope[i] = Math.max(slope[i], variance / (variance + 0.0025));
        });
    });
    const meanSlope = mean(slope), near = blurred(seen[1], w, h, Math.max(0.4, 0.012 * px)), far = blurred(seen[1], w, h, Math.max(0.6, 0.04 * px));
    const reach = Math.max(1, Math.round(0.05 * px)), least = soft.map((value) => value + 1e-3), roughSums = boxMean(least, w, h, reach);
    const rough = boxMean(near.map((value, i) => least[i] * (value - far[i]) ** 2), w, h, reach);
    const amount = soft.map((value, i) => -0.8 * strength * value * (1 - smoothstep(Math.sqrt(Math.max(rough[i] / roughSums[i], 0)), 0.02, 0.045)));
    addChange(picture, view, seen.map((plane, c) => {
        const rest = mean(averages[c].map((value, i) => (1 - slope[i]) * value));
        return plane.map((value, i) => amount[i] * (value - meanSlope[i] * value - rest[i]));
    }));
}

/** @param {Picture} picture @param {Face} face @param {number} strength */
function whitenTeeth(picture, face, strength) {
    const at = opened(picture, windowAround(picture, outline(face.mesh, "lips_inner"), 0.07 * face.unit), face.unit, 150);
    if (!at || !face.mouthVisible) return;
    const { view, to, px } = at, mouth = seenIn(face, view, to, "lips_inner", ["mouth"]), most = Math.max(...mouth);
    if (total(mouth) < 4) return;
    const [L, A, B] = labPlanes(view.planes), seen = [...mouth.keys()].filter((i) => mouth[i] >= Math.min(0.5, most));
    const light = Math.max(1, quantile(seen.map((i) => L[i]), 0.9));
    const like = (/** @type {number} */ l, /** @type {number} */ a, /** @type {number} */ b) => smoothstep(l, 0.5 * light, 0.8 * light) * (1 - smoothstep(a - 0.45 * Math.max(b, 0), 5, 13));
    const teeth = seen.reduce((sum, i) => sum + like(L[i], A[i], B[i]), 0) / seen.length;
    const sure = strength * face.mouthVisible * smoothstep(teeth, 0.03, 0.09) * smoothstep(light, 27, 33);
    repaint(picture, view, soften(mouth, view, 0.012 * px).map((value) => value * sure), ([l, a, b]) => {
        const white = like(l, a, b);
        return [l + white * 0.22 * Math.max(93 - l, 0), a - white * 0.35 * Math.max(a - 1, 0), b - white * 0.75 * Math.max(b - 2, 0)];
    });
}

/** @param {Picture} picture @param {Face} face @param {number} strength */
function brightenEyes(picture, face, strength) {
    for (const [region, part, iris, centre] of /** @type {[string, string, string, number][]} */ ([["right_eye", "r_eye", "right_iris", 468], ["left_eye", "l_eye", "left_iris", 473]])) {
        const at = opened(picture, windowAround(picture, outline(face.mesh, region), 0.12 * face.unit), face.unit, 150);
        if (!at || face.mesh.length <= 2 * centre) continue;
        const { view, to, px } = at, opening = inside(face, view, to, region);
        if (face.shares) {
            const seen = dilated(sharpened(shareOver(face, view, to, [part])), view.w, view.h, 0.02 * px);
            opening.forEach((value, i) => { opening[i] = value * seen[i]; });
        }
        const soft = soften(opening, view, 0.006 * px), most = Math.max(...soft), within = [...soft.keys()].filter((i) => soft[i] > Math.min(0.5, most / 2));
        if (within.length < 12) continue;
        const [L] = labPlanes(view.planes), lights = within.map((i) => L[i]), dark = quantile(lights, 0.12), light = quantile(lights, 0.92), sure = smoothstep(light - dark, 5, 9);
        if (!sure) continue;
        const [cx, cy] = mapPoints(to, face.mesh.subarray(2 * centre, 2 * centre + 2)), rim = mapPoints(to, outline(face.mesh, iris));
        let radius = 0;
        for (let i = 0; i < rim.length; i += 2) radius = Math.max(radius, Math.hypot(rim[i] - cx, rim[i + 1] - cy));
        radius = Math.max(0.5, clamp(radius, 0.8 * 0.093 * px, 1.2 * 0.093 * px));
        const edge = Math.max(0.08, 0.7 / radius), white = empty(view), coloured = empty(view), irises = [];
        for (let i = 0; i < soft.length; i++) {
            const y = Math.floor(i / view.w), away = Math.hypot(i % view.w - cx, y - cy) / radius, own = soft[i] * (1 - smoothstep(away, 0.9 - edge, 0.9 + edge));
            white[i] = strength * sure * soft[i] * smoothstep(away, 1 - edge, 1 + edge);
            coloured[i] = strength * sure * own * smoothstep(away, 0.28, 0.5) * (0.75 + 0.35 * clamp((y - cy) / radius, -1, 1));
            if (own > 0.5 && away > 0.45) irises.push(L[i]);
        }
        const middle = irises.length >= 3 ? quantile(irises, 0.5) : dark + 0.2 * (light - dark), lift = clamp(Math.min(11 + 0.25 * middle, 0.45 * (light - middle)), 5, 18), whitest = Math.min(90, light + 17);
        const brown = 1 - smoothstep(middle, 14, 34); // irises that look black get their brown
        repaint(picture, view, white, ([l, a, b]) => {
            const like = smoothstep(l, dark + 0.3 * (light - dark), dark + 0.7 * (light - dark)) * (1 - smoothstep(Math.hypot(a, b), 22, 38));
            return [l + 0.6 * like * Math.max(whitest - l, 0), a * (1 - 0.65 * like), b * (1 - 0.65 * like)];
        });
        repaint(picture, view, coloured, ([l, a, b]) => {
            const above = l - middle, bare = 1 - smoothstep(above, 14, 30), kept = bare * smoothstep(l, 2, 10), warm = kept * brown * smoothstep(b, 1, 6);
            const glint = 0.2 * (1 - bare) * clamp((92 - l) / 20, 0, 1) * clamp(above, 0, 40);
            const deeper = kept * 0.75 * (b < 0 ? 1 - brown : 1); // a dark iris is blue by the light alone
            const blue = b + clamp(deeper * b, -7, 7) + 6 * warm, red = Math.min(a + clamp(deeper * a, -7, 7) + 3 * warm, Math.max(0.7 * blue, 2)); // no iris is red or purple
            return [l + kept * (lift + 0.4 * clamp(above, -10, 16)) + glint, red, blue];
        });
    }
}

const UNDER = {
    right_eye: [[130, 25, 110, 24, 23, 22, 26, 112, 243], [143, 111, 117, 118, 119, 120, 121, 128, 245], [50, 101, 100, 36, 205]],
    left_eye: [[359, 255, 339, 254, 253, 252, 256, 341, 463], [372, 340, 346, 347, 348, 349, 350, 357, 465], [280, 330, 329, 266, 425]],
};

/** Lightens the skin under the eyes towards the tone of the cheeks. @param {Picture} picture @param {Face} face @param {number} strength */
function underEye(picture, face, strength) {
    const at = opened(picture, windowAround(picture, outline(face.mesh, "face_oval"), 0.1 * face.unit), face.unit, 64);
    if (!at) return;
    const { view, to, px } = at, { w, h } = view, n = w * h, change = [empty(view), empty(view), empty(view)], skin = skinOf(face, view, to), lens = face.shares ? shareOver(face, view, to, ["eye_g"]) : empty(view);
    const fine = /** @type {[Plane, Plane, Plane]} */ (view.planes.map((plane) => blurred(plane, w, h, Math.max(0.4, 0.012 * px)))), [L, A, B] = labPlanes(fine), eyes = inside(face, view, to, "left_eye", "right_eye"), grown = dilated(eyes, w, h, 0.02 * px), free = skin.map((value, i) => clamp(value - grown[i], 0, 1));
    const coarse = [L, A, B].map((plane) => soften(plane, view, 0.03 * px)); // a dark crease is no other thing than the skin around it
    const seen = (/** @type {number[]} */ points) => mapPoints(to, points.flatMap((i) => [face.mesh[2 * i], face.mesh[2 * i + 1]]));
    for (const [lid, edge, cheek] of Object.values(UNDER).map((groups) => groups.map(seen))) {
        const near = empty(view), radius = Math.max(0.11 * px, 1);
        for (let i = 0; i < n; i++) {
            if (free[i] > 0.7) for (let k = 0; k < cheek.length; k += 2) near[i] = Math.max(near[i], Math.exp(-2 * ((i % w - cheek[k]) ** 2 + (Math.floor(i / w) - cheek[k + 1]) ** 2) / radius ** 2));
        }
        if (total(near) < 3) continue;
        const own = weightedMean([L, A, B], near), alike = (/** @type {Plane[]} */ [l, a, b], /** @type {number} */ i) => 1 - smoothstep(Math.hypot(0.7 * (l[i] - own[0]), a[i] - own[1], b[i] - own[2]), 16, 28);
        const bare = free.map((value, i) => value * alike(coarse, i) + lens[i] * (1 - eyes[i]) * alike([L, A, B], i));
        const upper = lid.map((value, i) => value + 0.2 * (edge[i] - value)), back = [...Array(edge.length / 2).keys()].reverse().flatMap((i) => [edge[2 * i], edge[2 * i + 1]]);
        const region = soften(fillPolygon(empty(view), w, h, [...upper, ...back]), view, 0.06 * px), seenBare = soften(bare, view, 0.012 * px), share = blurred(bare, w, h, 0.04 * px);
        const low = /** @type {[Plane, Plane, Plane]} */ (fine.map((plane) => blurred(plane.map((value, i) => value * bare[i]), w, h, 0.04 * px).map((value, i) => clamp(plane[i] + (value / (share[i] + 1e-4) - plane[i]) * clamp(4 * share[i], 0, 1), 0, 1))));
        const [x, y] = edge, along = [edge[edge.length - 2] - x, edge[edge.length - 1] - y], length = Math.max(along[0] ** 2 + along[1] ** 2, 1e-6);
        for (let i = 0; i < n; i++) {
            const weight = strength * region[i] * seenBare[i] * bare[i] * smoothstep(((i % w - x) * along[0] + (Math.floor(i / w) - y) * along[1]) / length, 0.04, 0.42);
            if (!weight) continue;
            const [l, a, b] = labOf(low[0][i], low[1][i], low[2][i]), old = rgbOf(l, a, b), now = rgbOf(l + clamp(own[0] + 3 - l, 0, 16), a + 0.9 * (own[1] - a), b + 0.9 * (own[2] - b));
            for (let c = 0; c < 3; c++) change[c][i] += weight * (now[c] - old[c] + 0.8 * (low[c][i] - fine[c][i]));
        }
    }
    addChange(picture, view, change);
}

/** @type {Record<string, {gamma?: number, shift?: [number, number], chroma?: number, calm?: number, hue?: [number, number]}>} */
const TONES = {
    tan: { gamma: 1.32, shift: [2.2, 2.8], chroma: 1.06, calm: 0.4, hue: [54, 66] }, light: { gamma: 0.82, shift: [-1, -2], chroma: 0.94 },
    warm: { shift: [1.5, 6] }, cool: { shift: [1, -6] }, rosy: { gamma: 0.98, shift: [5, -0.5] },
};

/** @param {Picture} picture @param {Face} face @param {number} strength @param {Options} options */
function skinTone(picture, face, strength, { tone }) {
    const window = face.shares ? windowOf(face, picture) : windowAround(picture, outline(face.mesh, "face_oval"), 0.1 * face.unit);
    const at = opened(picture, window, face.unit, 64);
    if (!at) return;
    const { view, to, px } = at, skin = skinOf(face, view, to, "neck", "l_ear", "r_ear");
    if (total(skin) < 4) return;
    const lips = face.shares ? sharpened(shareOver(face, view, to, ["u_lip", "l_lip"])) : inside(face, view, to, "lips_outer");
    const brows = face.shares && (TONES[tone].gamma ?? 1) > 1 ? shareOver(face, view, to, ["l_brow", "r_brow"]) : empty(view);
    const seen = face.shares ? sharpened(skin) : skin, weight = soften(seen.map((value, i) => Math.min(1, value + 0.6 * lips[i] + 0.8 * brows[i])), view, 0.015 * px);
    const fade = borderFade(face, view, to, picture), sure = skin.map((value) => (value > 0.6 ? value : 0));
    const mean = weightedMean(labPlanes(view.planes), total(sure) >= 1 ? sure : skin), { gamma = 1, shift = [0, 0], chroma = 1, calm = 0, hue } = TONES[tone];
    const own = Math.hypot(mean[1], mean[2]), darkens = gamma > 1, colorful = (/** @type {number} */ less) => interp(own, [20, 36], [1, less]);
    const power = darkens ? 1 + (gamma ** strength - 1) * interp(mean[0], [15, 50], [0.4, 1]) : gamma ** strength; // dark skin would get muddy
    const even = calm * Math.min(strength, 1), full = chroma ** strength * colorful(darkens ? 1 - 0.06 * Math.min(strength, 1) : 1) - even, by = strength * clamp((mean[0] + 20) / 80, 0.5, 1.1);
    const add = shift.map((value) => by * value);
    if (hue && own > 3) {
        const angle = clamp(Math.atan2(mean[2], mean[1]) * 180 / Math.PI, hue[0], hue[1]) * Math.PI / 180, there = [own * Math.cos(angle), own * Math.sin(angle)];
        for (const c of [0, 1]) add[c] = add[c] * colorful(0.3) + 0.35 * strength * (there[c] - mean[1 + c]);
    }
    for (const c of [0, 1]) add[c] += even * mean[1 + c];
    repaint(picture, view, weight.map((value, i) => value * fade[i]), ([L, a, b]) => {
        const lit = clamp((L + 16) / (mean[0] + 16), 0, 1.2), lighter = (100 * (Math.max(L, 0) / 100) ** power - L) * smoothstep(L, 0.1 * mean[0], 0.65 * Math.max(mean[0], 1));
        return [L + lighter, a * full + add[0] * lit, b * full + add[1] * lit];
    });
}

/** 1, falling to 0 at those borders of the face's crop (or of a wider one) that are none of the picture. @param {Face} face @param {View} view @param {Matrix} to @param {Picture} picture @param {number} [wide] */
function borderFade(face, view, to, picture, wide = 0) {
    const back = compose(face.alignment, inverse(to)), out = empty(view), size = 512, reach = wide * size, edge = 0.06 * size;
    const picturewards = inverse(to);
    for (let v = 0, i = 0; v < view.h; v++) {
        for (let u = 0; u < view.w; u++, i++) {
            const x = back[0] * u + back[1] * v + back[2], y = back[3] * u + back[4] * v + back[5];
            const far = Math.min(x + reach, y + reach, size - 1 - x + reach, size - 1 - y + reach);
            const px = picturewards[0] * u + picturewards[2], py = picturewards[4] * v + picturewards[5];
            const rim = Math.min(px, py, picture.width - 1 - px, picture.height - 1 - py) < 2 / view.scale;
            out[i] = rim ? 1 : smoothstep(far, 0, edge);
        }
    }
    return out;
}

/** The colour of a face's hair. @param {Picture} picture @param {Face} face @returns {HairLook | null} */
export function hairLook(picture, face) {
    if (!face.shares) return null;
    const at = opened(picture, windowOf(face, picture), face.unit, 32);
    if (!at) return null;
    const { view, to } = at, share = shareOver(face, view, to, ["hair"]), least = Math.min(0.7, Math.max(0.25, Math.max(...share)));
    const lights = [], sums = [0, 0];
    for (let i = 0; i < share.length; i++) {
        if (share[i] < least) continue;
        const [L, a, b] = labOf(view.planes[0][i], view.planes[1][i], view.planes[2][i]);
        lights.push(L); sums[0] += a; sums[1] += b;
    }
    if (lights.length < 12) return null;
    return { low: quantile(lights, 0.05), middle: quantile(lights, 0.5), high: quantile(lights, 0.95), a: sums[0] / lights.length, b: sums[1] / lights.length };
}

/** @param {Plane} light @param {Plane} core @param {View} view @param {number} sigma */
function lightAround(light, core, view, sigma) {
    const weight = core.map((value) => value * value + 1e-4), sums = blurred(weight, view.w, view.h, sigma);
    return blurred(light.map((value, i) => value * weight[i]), view.w, view.h, sigma).map((value, i) => value / sums[i]);
}

/** @param {Picture} picture @param {Face} face @param {number} strength @param {Options} options */
function hairColor(picture, face, strength, { color, shade }) {
    const look = face.hair ?? hairLook(picture, face);
    if (!look) return;
    const at = opened(picture, windowOf(face, picture, !!face.around), face.unit, 24);
    if (!at) return;
    const { view, to, px } = at, { w, h } = view, n = w * h, core = hairOver(face, view, to);
    if (total(core) < 4) return;
    const skin = shareOver(face, view, to, ["skin", "nose"]), [target, wanted] = shadeTarget(shade, color, look, skinLook(view, skin));
    if (!wanted) return;
    const amount = strength * wanted, tone = lumaTone(look, target), reach = 0.11 * px, luma = empty(view);
    for (let i = 0; i < n; i++) luma[i] = 0.299 * view.planes[0][i] + 0.587 * view.planes[1][i] + 0.114 * view.planes[2][i];
    const fade = borderFade(face, view, to, picture, face.around ? 0.3 : 0);
    const share = soften(dilated(core, w, h, 0.5 * reach), view, 0.3 * reach).map((value, i) => smoothstep(value, 0.05, 0.6) * fade[i]);
    const [slope, offset] = guidedFilter(core, luma, w, h, Math.max(1, Math.round(reach)), 2e-4);
    const well = dilated(core, w, h, -0.6 * reach).map((value, i) => value + 0.03 * core[i]), around = lightAround(luma, well, view, Math.max(1, reach));
    const inner = soften(dilated(core, w, h, -0.5 * reach), view, 0.3 * reach);
    const ceiling = around.map((value, i) => 255 * value + 70 * inner[i] + 255 * smoothstep(inner[i], 0.8, 1));
    const spread = Math.max(1, 0.4 * px), light = luma.map((value) => tone.light[clamp(Math.round(255 * value), 0, 255)]);
    const middleLight = lightAround(light, core, view, spread), shadow = middleLight.map((value) => Math.min(tone.depth * Math.max(tone.middle - value, 0), 30));
    darkenBesideShadow(view, skin, light, around, tone, spread, shadow);
    const smooth = [empty(view), empty(view), empty(view)];
    for (let i = 0; i < n; i++) {
        const matte = smoothstep(slope[i] * luma[i] + offset[i], 0.12, 0.9) * share[i];
        if (!matte) continue;
        const here = clamp(Math.round(255 * luma[i]), 0, 255), lit = Math.min(here, clamp(Math.round(ceiling[i]), 0, 255)), now = tone.newLight[lit];
        const darker = clamp((now - shadow[i] + 6) / (now + 6), 0.1, 1) - 1;
        for (let c = 0; c < 3; c++) smooth[c][i] = 255 * (-0.65 * matte * (view.planes[c][i] - tone.old[3 * here + c] / 255)) + tone.now[3 * lit + c] * matte * darker;
    }
    recolor(picture, view, amount, { share, slope, offset, ceiling, smooth }, tone);
}

/** @param {View} view @param {Plane} skin */
function skinLook(view, skin) {
    const lights = [], as = [], bs = [];
    for (let i = 0; i < skin.length; i++) {
        if (skin[i] <= 0.5) continue;
        const [L, a, b] = labOf(view.planes[0][i], view.planes[1][i], view.planes[2][i]);
        lights.push(L); as.push(a); bs.push(b);
    }
    return lights.length ? { light: quantile(lights, 0.45), chroma: Math.hypot(quantile(as, 0.5), quantile(bs, 0.5)) } : { light: 66, chroma: 24 };
}

/** Hair next to a shadowed cheek lies in that shadow as well. @param {View} view @param {Plane} skin @param {Plane} light @param {Plane} around @param {import("./hair.js").LumaTone} tone @param {number} spread @param {Plane} shadow is added to */
function darkenBesideShadow(view, skin, light, around, tone, spread, shadow) {
    const sure = [...skin.keys()].filter((i) => skin[i] > 0.5);
    if (total(skin) < 16 || !sure.length) return;
    const lit = quantile(sure.map((i) => light[i]), 0.45), weight = skin.map((value) => value ** 4), all = total(weight);
    const far = light.reduce((sum, value, i) => sum + value * weight[i], 0) / all;
    const near = blurred(light.map((value, i) => value * weight[i]), view.w, view.h, spread), sums = blurred(weight, view.w, view.h, spread);
    for (let i = 0; i < shadow.length; i++) {
        const seen = (near[i] + 1e-3 * far) / (sums[i] + 1e-3) / Math.max(lit, 1), at = clamp(Math.round(255 * around[i]), 0, 255);
        shadow[i] += Math.max(tone.newLight[at] - shadow[i] - tone.light[at], 0) * (1 - clamp(seen, 0.35, 1));
    }
}

/**
 * The part of a hair colour at full size: luma, the matte along the luma's edges, the table.
 * @param {Picture} picture @param {View} view @param {number} strength
 * @param {{share: Plane, slope: Plane, offset: Plane, ceiling: Plane, smooth: Plane[]}} fields over the view
 * @param {import("./hair.js").LumaTone} tone
 */
function recolor(picture, view, strength, { share, slope, offset, ceiling, smooth }, tone) {
    const { x, y, width, height } = view.window, { w, h } = view, data = picture.data, planes = [share, slope, offset, ceiling, ...smooth];
    const upper = planes.map(() => new Float32Array(w));
    for (let v = 0; v < height; v++) {
        const down = clamp((v + 0.5) * h / height - 0.5, 0, h - 1), y0 = Math.min(down | 0, Math.max(0, h - 2)), q = down - y0, next = h > 1 ? w : 0;
        let any = false;
        for (let k = 0; k < planes.length; k++) {
            const plane = planes[k], row = upper[k];
            for (let u = 0, i = y0 * w; u < w; u++, i++) row[u] = plane[i] + q * (plane[i + next] - plane[i]);
            if (k === 0 && !(any = row.some((value) => value > 0.002))) break;
        }
        if (!any) continue;
        for (let u = 0, i = 4 * ((y + v) * picture.width + x); u < width; u++, i += 4) {
            const across = clamp((u + 0.5) * w / width - 0.5, 0, w - 1), x0 = Math.min(across | 0, Math.max(0, w - 2)), p = across - x0, x1 = w > 1 ? x0 + 1 : x0;
            const own = upper[0][x0] + p * (upper[0][x1] - upper[0][x0]);
            if (own <= 0.002) continue;
            const at = (/** @type {number} */ k) => upper[k][x0] + p * (upper[k][x1] - upper[k][x0]);
            const luma = 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2], matte = smoothstep(at(1) * luma / 255 + at(2), 0.12, 0.9) * own * strength;
            const lit = 3 * (Math.min(luma, clamp(at(3), 0, 255)) | 0);
            for (let c = 0; c < 3; c++) data[i + c] += matte * (tone.now[lit + c] - tone.old[lit + c]) + strength * at(4 + c);
        }
    }
}

/** The head's axes of a warp. @param {Face} face @param {Matrix} to */
function axes(face, to) {
    const p = mapPoints(to, points68(face.mesh)), five = mapPoints(to, face.points);
    let dx = (five[6] + five[8] - five[0] - five[2]) / 2, dy = (five[7] + five[9] - five[1] - five[3]) / 2;
    const length = Math.hypot(dx, dy) || 1;
    dx /= length; dy /= length;
    return { p, down: [dx, dy], across: [dy, -dx] };
}

/** Displacement fields never fold: gradients stay below .8. @param {Plane} fx @param {Plane} fy @param {View} view */
function unfolded(fx, fy, view) {
    let steepest = 0;
    for (let y = 1; y + 1 < view.h; y++) {
        for (let x = 1; x + 1 < view.w; x++) {
            const i = y * view.w + x, a = fx[i + 1] - fx[i - 1], b = fx[i + view.w] - fx[i - view.w], c = fy[i + 1] - fy[i - 1], d = fy[i + view.w] - fy[i - view.w];
            steepest = Math.max(steepest, Math.sqrt(a * a + b * b + c * c + d * d) / 2);
        }
    }
    return Math.min(1, 0.8 / Math.max(steepest, 1e-9)) / view.scale;
}

/** @param {View} view */
function viewBorder(view) {
    return empty(view).map((_, i) => {
        const x = i % view.w, y = Math.floor(i / view.w);
        return smoothstep(Math.min(Math.min(x, view.w - 1 - x) / Math.max(1, 0.1 * view.w), Math.min(y, view.h - 1 - y) / Math.max(1, 0.1 * view.h)), 0, 1);
    });
}

/** @param {Picture} picture @param {Face} face @param {number} strength */
function slimFace(picture, face, strength) {
    const at = opened(picture, windowOf(face, picture), face.unit, 24);
    if (!at) return;
    const { view, to, px } = at, { p, down, across } = axes(face, to), { w, h } = view;
    const point = (/** @type {number} */ i) => [p[2 * i], p[2 * i + 1]], along = (/** @type {number[]} */ one, /** @type {number[]} */ axis) => one[0] * axis[0] + one[1] * axis[1];
    const between = [0, 1].map((c) => (point(0)[c] + point(16)[c]) / 2), centre = [0, 1].map((c) => (point(27)[c] + point(30)[c] + point(8)[c]) / 3);
    const off = along([centre[0] - between[0], centre[1] - between[1]], across), middle = [between[0] + off * across[0], between[1] + off * across[1]];
    const jaw = [...Array(17).keys()].map((i) => { const one = [point(i)[0] - middle[0], point(i)[1] - middle[1]]; return [along(one, across), along(one, down)]; });
    const chin = Math.max(...jaw.map((one) => one[1]), 0.5 * px), nose = along([point(30)[0] - point(0)[0], point(30)[1] - point(0)[1]], [point(16)[0] - point(0)[0], point(16)[1] - point(0)[1]]);
    const share = nose / Math.max((point(16)[0] - point(0)[0]) ** 2 + (point(16)[1] - point(0)[1]) ** 2, 1e-6), frontal = smoothstep(Math.min(share, 1 - share), 0.02, 0.28);
    const widths = [jaw.slice(0, 9).map(([u, v]) => [v, -u]), jaw.slice(8).map(([u, v]) => [v, u])].map((side) => halfWidth(side, px));
    const own = face.shares ? shareOver(face, view, to, PARTS.slice(1)).map((value) => (value > 0.5 ? 1 : 0)) : inside(face, view, to, "face_oval");
    const held = soften(soften(dilated(own, w, h, 0.17 * px), view, 0.12 * px), view, 0.06 * px), border = viewBorder(view), fx = empty(view), fy = empty(view);
    for (let i = 0; i < fx.length; i++) {
        const one = [i % w - middle[0], Math.floor(i / w) - middle[1]], u = along(one, across), v = along(one, down), half = widths[u < 0 ? 0 : 1](v), out = Math.abs(u) / half;
        const profile = smoothstep(out, 0.15, 0.95) * (1 - smoothstep(out, 1, 1.75)), height = smoothstep(v, -0.1 * chin, 0.55 * chin) * (1 - smoothstep(v, chin, 1.45 * chin));
        const amount = 0.12 * strength * frontal * profile * height * half * Math.sign(u) * held[i] * border[i];
        fx[i] = amount * across[0]; fy[i] = amount * across[1];
    }
    const by = unfolded(fx, fy, view);
    warpInPlace(picture, view, fx.map((value) => value * by), fy.map((value) => value * by));
}

/** A smooth half width of a face by height, from points (height, width). @param {number[][]} points @param {number} px @returns {(v: number) => number} */
function halfWidth(points, px) {
    const sorted = [...points].sort((a, b) => a[0] - b[0]), low = sorted[0][0] - px, high = sorted[sorted.length - 1][0] + px, count = 200;
    const raw = Float32Array.from({ length: count }, (_, k) => {
        const v = low + (high - low) * k / (count - 1), after = sorted.findIndex((one) => one[0] >= v);
        if (after <= 0) return Math.max(0.45 * px, (after === 0 ? sorted[0] : sorted[sorted.length - 1])[1]);
        const [a, b] = [sorted[after - 1], sorted[after]], t = (v - a[0]) / Math.max(b[0] - a[0], 1e-6);
        return Math.max(0.45 * px, a[1] + t * (b[1] - a[1]));
    });
    const smooth = blurred(raw, count, 1, 5.9);
    return (v) => {
        const at = clamp((v - low) / (high - low) * (count - 1), 0, count - 1), i = Math.min(at | 0, count - 2);
        return smooth[i] + (at - i) * (smooth[i + 1] - smooth[i]);
    };
}

/** @param {Picture} picture @param {Face} face @param {number} strength */
function largerEyes(picture, face, strength) {
    const at = opened(picture, windowOf(face, picture), face.unit, 24);
    if (!at) return;
    const { view, to, px } = at, { p } = axes(face, to), border = viewBorder(view), fx = empty(view), fy = empty(view);
    for (const eye of [[36, 37, 38, 39, 40, 41], [42, 43, 44, 45, 46, 47]]) {
        const [cx, cy] = middleOf(p, eye), reach = Math.max(1, Math.min(0.48 * px, 0.95 * Math.hypot(p[72] - p[78], p[73] - p[79]) + 0.12 * px));
        for (let i = 0; i < fx.length; i++) {
            const x = i % view.w - cx, y = Math.floor(i / view.w) - cy, amount = -0.14 * strength * (1 - smoothstep(Math.hypot(x, y) / reach, 0.25, 1)) * border[i];
            fx[i] += amount * x; fy[i] += amount * y;
        }
    }
    const by = unfolded(fx, fy, view);
    warpInPlace(picture, view, fx.map((value) => value * by), fy.map((value) => value * by));
}

const AROUND_A_FACE = [-1.2, 0.1, 1.2, 0.1, -1, -0.9, 1, -0.9, -0.5, -1.3, 0.5, -1.3, 0, 1.95, -0.75, 1.65, 0.75, 1.65];

/** Covers the head by cells of half the eyes' distance: a plain blur could be undone. @param {Picture} picture @param {Face} face @param {number} strength @param {Options} options */
function anonymise(picture, face, strength, { way, color }) {
    const at = opened(picture, windowOf(face, picture), face.unit, 32);
    if (!at) return;
    const { view, to, px } = at, { w, h } = view, { down, across } = axes(face, to), five = mapPoints(to, face.points);
    const ex = (five[0] + five[2]) / 2, ey = (five[1] + five[3]) / 2, points = [...mapPoints(to, face.mesh)];
    for (let i = 0; i < AROUND_A_FACE.length; i += 2) {
        const [u, v] = [AROUND_A_FACE[i] * px, AROUND_A_FACE[i + 1] * px];
        points.push(ex + u * across[0] * 1 + v * down[0], ey + u * across[1] + v * down[1]);
    }
    if (face.shares) {
        const parts = shareOver(face, view, to, ["skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip", "l_ear", "r_ear"]);
        for (let i = 0; i < parts.length; i++) if (parts[i] > 0.3) points.push(i % w, Math.floor(i / w));
    }
    const cover = fillPolygon(empty(view), w, h, hull(points)), wide = dilated(cover, w, h, 0.14 * px + 1), weight = soften(dilated(wide, w, h, 0.07 * px), view, 0.05 * px).map((value, i) => Math.max(value, wide[i]));
    const columns = Math.max(1, Math.round(w / Math.max(0.5 * px, 1))), rows = Math.max(1, Math.round(h / Math.max(0.5 * px, 1)));
    const cells = view.planes.map((plane) => averaged(plane, w, h, columns, rows)), { x, y, width, height } = view.window, data = picture.data, full = Math.min(1, strength);
    const smooth = way === "blur" ? cells.map((plane) => blurred(resized(plane, columns, rows, w, h), w, h, Math.max(0.5, 0.4 * h / rows))) : null;
    const value = parseInt(color.slice(1), 16), flat = [value >> 16, (value >> 8) & 255, value & 255];
    const share = resized(weight, w, h, width, height), blur = smooth ? smooth.map((plane) => resized(plane, w, h, width, height)) : null;
    for (let v = 0, i = 0; v < height; v++) {
        const cell = Math.min(rows - 1, Math.floor((v + 0.5) * rows / height)) * columns;
        for (let u = 0; u < width; u++, i++) {
            if (share[i] <= 0) continue;
            const to = 4 * ((y + v) * picture.width + x + u), at = cell + Math.min(columns - 1, Math.floor((u + 0.5) * columns / width));
            for (let c = 0; c < 3; c++) {
                const now = way === "solid" ? flat[c] : 255 * (blur ? blur[c][i] : cells[c][at]);
                data[to + c] += full * Math.min(1, share[i]) * (now - data[to + c]);
            }
        }
    }
}

/** The convex hull of points x, y, x, y ... (Andrew's monotone chain). @param {number[]} points */
function hull(points) {
    const sorted = [];
    for (let i = 0; i < points.length; i += 2) sorted.push([points[i], points[i + 1]]);
    sorted.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const half = (/** @type {number[][]} */ of) => {
        /** @type {number[][]} */
        const chain = [];
        for (const one of of) {
            while (chain.length > 1) {
                const [a, b] = chain.slice(-2);
                if ((b[0] - a[0]) * (one[1] - a[1]) - (b[1] - a[1]) * (one[0] - a[0]) > 0) break;
                chain.pop();
            }
            chain.push(one);
        }
        return chain.slice(0, -1);
    };
    return [...half(sorted), ...half([...sorted].reverse())].flat();
}

/** The people's matte along the edges of the picture, and what the new ground gets so that the old one is gone. @param {Picture} picture @param {Scene} scene */
function people(picture, scene) {
    const whole = { x: 0, y: 0, width: picture.width, height: picture.height }, longest = Math.max(picture.width, picture.height);
    const view = viewOf(picture, whole, longest, 320), { w, h } = view, { plane, w: from, h: high } = /** @type {{plane: Plane, w: number, h: number}} */ (scene.person);
    const rough = resized(plane, from, high, w, h), luma = empty(view), unit = (scene.faces[0]?.unit ?? 0.1 * longest) * view.scale;
    for (let i = 0; i < luma.length; i++) luma[i] = 0.299 * view.planes[0][i] + 0.587 * view.planes[1][i] + 0.114 * view.planes[2][i];
    const [slope, offset] = guidedFilter(rough, luma, w, h, Math.max(2, Math.round(0.1 * unit)), 1e-3);
    const matte = luma.map((value, i) => smoothstep(slope[i] * value + offset[i], 0.12, 0.88));
    const own = (/** @type {Plane} */ weight) => {
        const sums = blurred(weight, w, h, Math.max(1, 0.12 * unit));
        return view.planes.map((colour) => blurred(colour.map((value, i) => value * weight[i]), w, h, Math.max(1, 0.12 * unit)).map((value, i) => value / (sums[i] + 1e-4)));
    };
    const front = own(matte.map((value) => value * value)), back = own(matte.map((value) => (1 - value) ** 2));
    return { view, slope, offset, matte, fringe: front.map((colour, c) => colour.map((value, i) => (value - back[c][i]) * matte[i])) };
}

/** @param {Picture} picture @param {ReturnType<typeof people>} cut @param {Plane[]} ground over the view @param {number} share */
function putBefore(picture, { view, slope, offset, fringe }, ground, share) {
    const { x, y, width, height } = view.window, { w, h } = view, data = picture.data;
    const [slopes, offsets] = [slope, offset].map((plane) => resized(plane, w, h, width, height));
    const new_ = ground.map((plane, c) => resized(plane.map((value, i) => clamp(value + fringe[c][i], 0, 1)), w, h, width, height));
    for (let v = 0, i = 0; v < height; v++) {
        for (let u = 0, to = 4 * ((y + v) * picture.width + x); u < width; u++, i++, to += 4) {
            const luma = (0.299 * data[to] + 0.587 * data[to + 1] + 0.114 * data[to + 2]) / 255, behind = share * (1 - smoothstep(slopes[i] * luma + offsets[i], 0.12, 0.88));
            for (let c = 0; c < 3; c++) data[to + c] += behind * (255 * new_[c][i] - data[to + c]);
        }
    }
}

/** @param {Picture} picture @param {Scene} scene @param {number} strength */
function blurBackground(picture, scene, strength) {
    if (!scene.person) return;
    const cut = people(picture, scene), { view, matte } = cut, { w, h } = view, radius = Math.max(0.6, 0.016 * Math.max(strength, 0.25) * Math.max(w, h)), reach = Math.ceil(radius);
    const weight = matte.map((value) => (1 - value) ** 2), planes = [...view.planes.map((plane) => plane.map((value, i) => value ** 2.2 * weight[i])), weight];
    const sums = planes.map(() => empty(view));
    for (let dy = -reach; dy <= reach; dy++) {
        for (let dx = -reach; dx <= reach; dx++) {
            const by = clamp(radius + 0.5 - Math.hypot(dx, dy), 0, 1);
            if (!by) continue;
            for (let y = 0; y < h; y++) {
                const row = clamp(y + dy, 0, h - 1) * w;
                for (let k = 0; k < 4; k++) for (let x = 0, i = y * w; x < w; x++, i++) sums[k][i] += by * planes[k][row + clamp(x + dx, 0, w - 1)];
            }
        }
    }
    putBefore(picture, cut, sums.slice(0, 3).map((plane) => plane.map((value, i) => (value / (sums[3][i] + 1e-4)) ** (1 / 2.2))), Math.min(1, strength / 0.25));
}

/** @param {Picture} picture @param {Scene} scene @param {number} strength @param {Options} options */
function replaceBackground(picture, scene, strength, { color }) {
    if (!scene.person) return;
    const cut = people(picture, scene), value = parseInt(color.slice(1), 16);
    putBefore(picture, cut, [value >> 16, (value >> 8) & 255, value & 255].map((level) => empty(cut.view).fill(level / 255)), Math.min(1, strength));
}

/**
 * The effects of the browser by name. `needs` names the network without which an effect does nothing.
 * @type {Record<string, {scope: "face" | "photo", apply: (picture: Picture, at: any, strength: number, options: Options) => void, options: Options, needs?: "parser" | "person"}>}
 */
export const EFFECTS = {
    hair_color: { scope: "face", apply: hairColor, options: { color: "#b8936a", shade: "picked" }, needs: "parser" },
    smooth_skin: { scope: "face", apply: smoothSkin, options: {} },
    skin_tone: { scope: "face", apply: skinTone, options: { tone: "tan" } },
    lipstick: { scope: "face", apply: lipstick, options: { color: "#b3263e", finish: "satin" } },
    blush: { scope: "face", apply: blush, options: { color: "#d8665f" } },
    eye_shadow: { scope: "face", apply: eyeShadow, options: { color: "#7a4f4c" } },
    brighten_eyes: { scope: "face", apply: brightenEyes, options: {} },
    under_eye: { scope: "face", apply: underEye, options: {} },
    whiten_teeth: { scope: "face", apply: whitenTeeth, options: {} },
    slim_face: { scope: "face", apply: slimFace, options: {} },
    larger_eyes: { scope: "face", apply: largerEyes, options: {} },
    blur_background: { scope: "photo", apply: blurBackground, options: {}, needs: "person" },
    replace_background: { scope: "photo", apply: replaceBackground, options: { color: "#8fb8d8" }, needs: "person" },
    sticker: { scope: "face", apply: sticker, options: { which: "glasses" } },
    anonymise: { scope: "face", apply: anonymise, options: { way: "blur", color: "#303030" } },
};

/** The order in which steps are applied, whatever the order in which they were chosen. */
const ORDER = ["slim_face", "larger_eyes", "smooth_skin", "skin_tone", "under_eye", "brighten_eyes", "whiten_teeth", "blush", "eye_shadow", "lipstick", "hair_color", "blur_background", "replace_background", "sticker", "anonymise"];

/**
 * Applies steps to a picture, in place. The fields of edits are in `Face.edits` already (`planEdits`).
 * @param {Picture} picture @param {Scene} scene
 * @param {{effect: string, strength?: number, options?: Options}[]} steps @param {number[]} [which] numbers of the faces; all without
 */
export function applySteps(picture, scene, steps, which) {
    const known = steps.map((step) => {
        if (!(step.effect in EFFECTS) && !step.effect.startsWith(EDIT)) throw new RangeError(`no effect is called ${step.effect}; known: ${Object.keys(EFFECTS).join(", ")}`);
        return step;
    });
    for (const { effect, strength = 1, options = {} } of [...known].sort((a, b) => ORDER.indexOf(a.effect) - ORDER.indexOf(b.effect))) {
        if (!(strength > 0)) continue;
        if (effect.startsWith(EDIT)) {
            scene.faces.forEach((face, i) => {
                const fields = face.edits?.get(editKey(effect, options));
                if (fields && (!which || which.includes(i))) applyFields(picture, face, Math.min(1.5, strength), fields);
            });
            continue;
        }
        const { scope, apply, options: defaults } = EFFECTS[effect], all = { ...defaults, ...options }, most = Math.min(1.5, strength);
        if (scope === "photo") apply(picture, scene, most, all);
        else scene.faces.forEach((face, i) => { if (!which || which.includes(i)) apply(picture, face, most, all); });
    }
}
