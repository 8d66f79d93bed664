// @ts-check
/**
 * Finds and understands faces: BlazeFace, MediaPipe's face mesh, the parser's probabilities of parts, and the person's matte.
 * The networks and their order are those of the Python package (`lianpu.faces`); ONNX Runtime Web runs them.
 */
import { clamp, compose, fillPolygon, inverse, mapPoints, Pyramid, scaleOf, scaling, similarity, smoothstep, warpPlane } from "./pixels.js";

/** @typedef {import("./pixels.js").Picture} Picture */
/** @typedef {import("./pixels.js").Plane} Plane */
/** @typedef {import("./pixels.js").Matrix} Matrix */
/** @typedef {import("./pixels.js").Window} Window */

/** CelebAMask-HQ's classes. @type {readonly string[]} */
export const PARTS = [
    "background", "skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear",
    "mouth", "u_lip", "l_lip", "hair", "hat", "ear_r", "neck_l", "neck", "cloth",
];

const UPPER_LIP_TOP = [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291], LOWER_LIP_BOTTOM = [146, 91, 181, 84, 17, 314, 405, 321, 375];
const UPPER_LIP_BOTTOM = [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308], LOWER_LIP_TOP = [95, 88, 178, 87, 14, 317, 402, 318, 324];

/** Points of the mesh around parts of a face, in order; left and right are the person's own. @type {Record<string, number[]>} */
export const REGIONS = {
    face_oval: [
        10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
        152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
    ],
    lips_outer: [...UPPER_LIP_TOP, ...[...LOWER_LIP_BOTTOM].reverse()],
    lips_inner: [...UPPER_LIP_BOTTOM, ...[...LOWER_LIP_TOP].reverse()],
    right_eye: [33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7],
    left_eye: [263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249],
    right_brow: [46, 53, 52, 65, 55, 107, 66, 105, 63, 70],
    left_brow: [276, 283, 282, 295, 285, 336, 296, 334, 293, 300],
    right_iris: [469, 470, 471, 472],
    left_iris: [474, 475, 476, 477],
    nose: [168, 122, 174, 198, 209, 49, 48, 219, 64, 98, 97, 2, 326, 327, 294, 439, 278, 279, 429, 420, 399, 351],
};

const IBUG_68 = [
    127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 168, 197, 5, 4, 98, 97, 2, 326, 327,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 321, 314, 17, 84, 91, 78, 82, 13, 312, 308, 317, 14, 87,
];

const TEMPLATE = [193.82, 246.42, 318.02, 246.72, 254.72, 318.33, 200.0, 376.09, 312.21, 376.31];
const TEMPLATE_PX = 512;

/** How many times as wide as a face's crop the crop is in which hair is looked for that leaves it. */
const AROUND = 1.6;
const MOUTH_HALF_WIDTH = 0.389;
const SURE = 0.5, CONTRADICTS = 0.45, MOST_READINGS = 3, SETTLED = 0.16;
const CANDIDATE = 0.3, MIN_SCORE = 0.6, SAME_FACE = 0.3;

/**
 * One face of a picture.
 * @typedef {object} Face
 * @property {Float32Array} points five points, x, y ...: the eyes (left in the picture first), tip of the nose, corners of the mouth
 * @property {number} unit distance of the eyes in pixels, corrected for the head's pose
 * @property {Float32Array} mesh x, y, x, y ... of MediaPipe's 478 points
 * @property {Pose} pose of the head
 * @property {number} score 0 to 1
 * @property {Matrix} alignment from the picture to the face's crop of 512 pixels
 * @property {Shares | null} shares the parser's probabilities in that crop; null without a parser
 * @property {Shares | null} around the same in a crop that is 1.6 times as wide
 * @property {number} mouthVisible 0 where the mouth is covered, to 1
 * @property {[number, number, number][]} others middle and unit of the picture's other faces
 * @property {Map<string, import("./fields.js").Fields>} edits fields by edit; shared by copies of the face
 * @property {import("./effects.js").HairLook | null} [hair] colour of its hair, averaged over frames
 */
/**
 * How a head is turned, in radians. yaw: positive where it looks to the right of the picture; pitch: up; roll: leans clockwise.
 * eyes, temples: how much longer than seen the lines between the eyes and between the temples are.
 * @typedef {{yaw: number, pitch: number, roll: number, eyes: number, temples: number}} Pose
 */
/** @typedef {{side: number, planes: Uint8Array, matrix: Matrix}} Shares planes: 19 x side x side, 255 is certain; matrix: from the picture */

/** @param {Float32Array} mesh @param {string} region */
export function outline(mesh, region) {
    const chosen = REGIONS[region], points = new Float32Array(2 * chosen.length);
    chosen.forEach((index, i) => { points[2 * i] = mesh[2 * index]; points[2 * i + 1] = mesh[2 * index + 1]; });
    return points;
}

/** iBUG's 68 points of a mesh. @param {Float32Array} mesh */
export function points68(mesh) {
    const points = new Float32Array(136);
    IBUG_68.forEach((index, i) => { points[2 * i] = mesh[2 * index]; points[2 * i + 1] = mesh[2 * index + 1]; });
    return points;
}

/** @param {ArrayLike<number>} points @param {number[]} [chosen] @returns {[number, number]} */
export function middleOf(points, chosen) {
    let x = 0, y = 0;
    const which = chosen ?? [...Array(points.length / 2).keys()];
    for (const i of which) { x += points[2 * i]; y += points[2 * i + 1]; }
    return [x / which.length, y / which.length];
}

/** @param {Float32Array} mesh */
function fivePoints(mesh) {
    const right = middleOf(outline(mesh, "right_eye")), left = middleOf(outline(mesh, "left_eye"));
    return Float32Array.from([...right, ...left, mesh[8], mesh[9], mesh[122], mesh[123], mesh[582], mesh[583]]);
}

/** @param {ArrayLike<number>} five */
export function unitOf(five) {
    const eyes = Math.hypot(five[2] - five[0], five[3] - five[1]);
    const high = Math.hypot((five[0] + five[2] - five[6] - five[8]) / 2, (five[1] + five[3] - five[7] - five[9]) / 2);
    return Math.max(eyes, 0.96 * high, 1);
}

const PAIRS = [[33, 263], [133, 362], [61, 291], [234, 454], [93, 323], [132, 361], [58, 288], [70, 300], [129, 358]];

/** The head's pose by its mesh alone (`lianpu.faces.mesh.head_pose`). @param {ArrayLike<number>} raw x, y, z of each point @returns {Pose} */
function poseOf(raw) {
    const unit = (/** @type {number[]} */ of) => { const size = Math.max(Math.hypot(...of), 1e-9); return of.map((value) => value / size); };
    const across = unit([0, 1, 2].map((c) => PAIRS.reduce((sum, [right, left]) => sum + raw[3 * left + c] - raw[3 * right + c], 0))), long = [0, 1, 2].map((c) => raw[3 * 152 + c] - raw[3 * 10 + c]);
    const both = across.reduce((sum, value, c) => sum + value * long[c], 0), down = unit(long.map((value, c) => value - both * across[c])), inward = across[0] * down[1] - across[1] * down[0];
    const longer = (/** @type {number[]} */ from, /** @type {number[]} */ to) => {
        const [x, y, z] = [0, 1, 2].map((c) => from.reduce((sum, i) => sum + raw[3 * i + c], 0) - to.reduce((sum, i) => sum + raw[3 * i + c], 0));
        return Math.hypot(x, y, z) / Math.max(Math.hypot(x, y), 1e-3);
    };
    return { yaw: Math.asin(clamp(across[2], -1, 1)), pitch: -Math.atan2(down[2], inward), roll: Math.atan2(across[1], across[0]), eyes: longer([33, 133], [263, 362]), temples: longer([127], [356]) };
}

/** @typedef {{x: number, y: number, side: number, angle: number}} Square */

/** @param {Square} square @param {number} size @returns {Matrix} */
function squareMatrix({ x, y, side, angle }, size) {
    const c = Math.cos(angle) * size / side, s = Math.sin(angle) * size / side, half = (size - 1) / 2;
    return [c, s, half - c * x - s * y, -s, c, half + s * x - c * y];
}

/** @param {Float32Array} mesh @returns {Square} */
function squareOfMesh(mesh) {
    const angle = Math.atan2(mesh[527] - mesh[67], mesh[526] - mesh[66]), c = Math.cos(angle), s = Math.sin(angle);
    let left = Infinity, top = Infinity, right = -Infinity, bottom = -Infinity;
    for (let i = 0; i < mesh.length; i += 2) {
        const u = mesh[i] * c + mesh[i + 1] * s, v = mesh[i + 1] * c - mesh[i] * s;
        left = Math.min(left, u); right = Math.max(right, u); top = Math.min(top, v); bottom = Math.max(bottom, v);
    }
    const u = (left + right) / 2, v = (top + bottom) / 2;
    return { x: u * c - v * s, y: u * s + v * c, side: Math.max(1, 1.5 * Math.max(right - left, bottom - top)), angle };
}

/** @param {ArrayLike<number>} five @returns {Square} */
function squareOfFive(five) {
    const ex = (five[0] + five[2]) / 2, ey = (five[1] + five[3]) / 2, mx = (five[6] + five[8]) / 2, my = (five[7] + five[9]) / 2;
    let ax = five[2] - five[0], ay = five[3] - five[1];
    if (Math.hypot(ax, ay) < 0.3 * Math.hypot(mx - ex, my - ey)) [ax, ay] = [my - ey, ex - mx];
    return { x: 0.42 * mx + 0.58 * ex, y: 0.42 * my + 0.58 * ey, side: 3.3 * unitOf(five), angle: Math.atan2(ay, ax) };
}

/** @param {Square} one @param {Square} other */
function isNear(one, other) {
    const turned = Math.abs(((one.angle - other.angle + 3 * Math.PI) % (2 * Math.PI)) - Math.PI);
    return Math.max(Math.hypot(one.x - other.x, one.y - other.y) / one.side, Math.abs(other.side / one.side - 1), turned) < SETTLED;
}

/** The matrix from a picture to the aligned crop of a face. @param {ArrayLike<number>} five @param {number} size @returns {Matrix} */
export function alignmentOf(five, size = TEMPLATE_PX) {
    return similarity(five, mapPoints(scaling(size / TEMPLATE_PX), TEMPLATE));
}

/** From the picture to a crop of `side` that is `AROUND` times as wide as that of `matrix`, of `from` pixels. @param {Matrix} matrix @param {number} from @param {number} side @returns {Matrix} */
function aroundMatrix(matrix, from, side) {
    const by = side / (from * AROUND), shift = (side - 1) / 2 - by * (from - 1) / 2;
    return compose([by, 0, shift, 0, by, shift], matrix);
}

/**
 * @typedef {object} Networks sessions of ONNX Runtime by name; a missing parser or person network is allowed
 * @property {any} detector BlazeFace's full range
 * @property {any} quick BlazeFace's short range
 * @property {any} mesh
 * @property {any} [parser]
 * @property {any} [person]
 * @property {any} [editor] gives fields
 */

/** What the manifest says of the editor. @typedef {{attributes: string[], groups: string[][], labelInput: string, side: number}} EditorFacts */

/** Everything that is known of a picture's people. @typedef {{faces: Face[], person: {plane: Plane, w: number, h: number} | null}} Scene */

export class FaceReader {
    /** @param {any} ort the module of ONNX Runtime Web @param {Networks} networks */
    constructor(ort, networks) {
        this.ort = ort;
        this.networks = networks;
        /** @type {EditorFacts | null} */
        this.facts = null;
    }

    /** @param {any} session @param {Float32Array} values @param {number[]} shape @param {string[]} outputs */
    async run(session, values, shape, outputs) {
        return session.run({ image: new this.ort.Tensor("float32", values, shape) }, outputs);
    }

    /**
     * The people of a photo: searched at several sizes, parsed at 384 pixels, small faces at 256.
     * @param {Picture} picture @param {{person?: boolean}} [wanted] @returns {Promise<Scene>}
     */
    async photo(picture, wanted = {}) {
        const pyramid = new Pyramid(picture);
        /** @type {Face[]} */
        const faces = [];
        for (const found of await this.detect(pyramid)) {
            const face = await this.meshOf(pyramid, found);
            if (face && !faces.some((other) => isSame(other, face))) faces.push(face);
        }
        faces.sort((one, other) => other.unit - one.unit);
        for (const face of faces) await this.parse(pyramid, face, sideFor(face), true, false);
        const real = faces.filter((face) => !face.shares || looksLikeFace(face));
        inform(real);
        return { faces: real, person: wanted.person ? await this.personOf(pyramid) : null };
    }

    /** Reads the wider crops, in which hair leaves the face's own, where that is not done. @param {Picture} picture @param {Face[]} faces */
    async lookAround(picture, faces) {
        const pyramid = new Pyramid(picture);
        for (const face of faces) if (!face.around) await this.parse(pyramid, face, sideFor(face), false, true);
    }

    /** Faces by BlazeFace's full-range network in copies of several sizes (`lianpu.faces.blazeface`). @param {Pyramid} pyramid */
    async detect(pyramid) {
        const { width, height } = pyramid.at(0), longest = Math.max(width, height);
        /** @type {Finding[]} */
        let found = [];
        for (const [side, bordered] of /** @type {[number, boolean][]} */ ([[80, true], [192, false], [384, false], [768, false]])) {
            const by = side / longest;
            if (by > 1.3 && side > 192) break;
            const w = Math.max(1, Math.round(width * by)), h = Math.max(1, Math.round(height * by)), border = bordered ? side >> 1 : 0;
            const W = Math.ceil((w + 2 * border) / 32) * 32, H = Math.ceil((h + 2 * border) / 32) * 32;
            const copy = pyramid.crop(scaling(w / width, h / height), w, h, 1 / 127.5, -1), input = new Float32Array(3 * W * H).fill(-1);
            for (let c = 0; c < 3; c++) for (let y = 0; y < h; y++) input.set(copy.subarray((c * h + y) * w, (c * h + y + 1) * w), (c * H + y + border) * W + border);
            const outputs = await this.run(this.networks.detector, input, [1, 3, H, W], ["boxes", "scores"]);
            const back = inverse(scaling(w / width, h / height));
            const here = suppressed(decoded(outputs.boxes.data, outputs.scores.data, W, H, [4], 1, CANDIDATE)).map((one) => shifted(one, border));
            found.push(...here.filter((one) => {
                const wide = one.box[2] - one.box[0];
                return bordered ? wide >= 0.45 * side && (wide >= 0.65 * side || one.score >= 0.85) : wide >= 10;
            }).map((one) => mapped(one, back)));
            const accepted = joined(found);
            const smallest = Math.min(...accepted.map((one) => (one.box[2] - one.box[0]) * by));
            if (side >= 384 && accepted.length && smallest >= 56) break;
        }
        return joined(found);
    }

    /** The short-range search of a frame, about a millisecond natively. @param {Pyramid} pyramid */
    async detectQuickly(pyramid) {
        const { width, height } = pyramid.at(0), by = 128 / Math.max(width, height);
        const w = Math.max(1, Math.round(width * by)), h = Math.max(1, Math.round(height * by)), input = new Float32Array(3 * 128 * 128).fill(-1);
        const copy = pyramid.crop(scaling(w / width, h / height), w, h, 1 / 127.5, -1);
        for (let c = 0; c < 3; c++) for (let y = 0; y < h; y++) input.set(copy.subarray((c * h + y) * w, (c * h + y + 1) * w), (c * 128 + y) * 128);
        const outputs = await this.run(this.networks.quick, input, [1, 3, 128, 128], ["boxes", "scores"]);
        const back = inverse(scaling(w / width, h / height));
        return suppressed(decoded(outputs.boxes.data, outputs.scores.data, 128, 128, [8, 16, 16, 16], 2, 0.5)).map((one) => mapped(one, back));
    }

    /** @param {Pyramid} pyramid @param {Square} square */
    async readMesh(pyramid, square) {
        const size = 192, matrix = squareMatrix(square, size);
        const outputs = await this.run(this.networks.mesh, pyramid.crop(matrix, size, size, 1 / 255, 0), [1, 3, size, size], ["points", "presence"]);
        const raw = outputs.points.data, crop = new Float32Array(raw.length / 3 * 2);
        for (let i = 0; i < raw.length / 3; i++) { crop[2 * i] = raw[3 * i] - 0.5; crop[2 * i + 1] = raw[3 * i + 1] - 0.5; }
        const pose = poseOf(raw);
        return { points: mapPoints(inverse(matrix), crop), presence: 1 / (1 + Math.exp(-outputs.presence.data[0])), pose: { ...pose, roll: pose.roll + square.angle } };
    }

    /** The mesh of a found face; null where it is not believed. @param {Pyramid} pyramid @param {Finding} found @returns {Promise<Face | null>} */
    async meshOf(pyramid, found) {
        const five = fiveOf(found.keys);
        let square = squareOfFive(five), mesh = await this.readMesh(pyramid, square);
        for (let reading = 1; reading < MOST_READINGS && mesh.presence >= SURE; reading++) {
            const onward = squareOfMesh(mesh.points);
            if (isNear(onward, square)) break;
            square = onward;
            mesh = await this.readMesh(pyramid, onward);
        }
        const own = fivePoints(mesh.points);
        let apart = 0;
        for (let i = 0; i < 5; i++) apart += Math.hypot(own[2 * i] - five[2 * i], own[2 * i + 1] - five[2 * i + 1]) / 5;
        return mesh.presence >= SURE && apart / unitOf(five) <= CONTRADICTS ? faceOf(mesh.points, mesh.pose, found.score) : null;
    }

    /** The face in the next frame, by its mesh before; null where it is lost. @param {Pyramid} pyramid @param {Face} before @returns {Promise<Face | null>} */
    async follow(pyramid, before) {
        const mesh = await this.readMesh(pyramid, squareOfMesh(before.mesh));
        if (mesh.presence < SURE) return null;
        const face = faceOf(mesh.points, mesh.pose, before.score);
        for (const name of /** @type {("shares" | "around")[]} */ (["shares", "around"])) {
            const old = before[name];
            if (!old) continue;
            const base = compose(scaling(old.side / TEMPLATE_PX), face.alignment); // the mask moves with the mesh
            face[name] = { ...old, matrix: name === "shares" ? base : aroundMatrix(base, old.side, old.side) };
        }
        face.mouthVisible = before.mouthVisible;
        face.hair = before.hair;
        face.edits = before.edits;
        return face;
    }

    /**
     * Reads the probabilities of parts in the face's crop, in the wider one, or both.
     * @param {Pyramid} pyramid @param {Face} face @param {number} size side of the crops @param {boolean} near @param {boolean} wide
     */
    async parse(pyramid, face, size, near, wide) {
        if (!this.networks.parser) return;
        const matrix = alignmentOf(face.points, size);
        const read = async (/** @type {Matrix} */ to) => {
            const outputs = await this.run(this.networks.parser, pyramid.crop(to, size, size, 1 / 127.5, -1), [1, 3, size, size], ["shares"]);
            const side = size / 2;
            return { side, planes: /** @type {Uint8Array} */ (outputs.shares.data), matrix: compose(scaling(0.5), to) };
        };
        if (near) {
            face.shares = await read(matrix);
            face.mouthVisible = mouthVisible(face);
        }
        if (wide) face.around = await read(aroundMatrix(matrix, size, size));
    }

    /** The matte of all people of a picture; null without the network. @param {Pyramid} pyramid */
    async personOf(pyramid) {
        if (!this.networks.person) return null;
        const { width, height } = pyramid.at(0), side = 256;
        const outputs = await this.run(this.networks.person, pyramid.crop(scaling(side / width, side / height), side, side, 1 / 255, 0), [1, 3, side, side], ["person"]);
        return { plane: Float32Array.from(outputs.person.data), w: side, h: side };
    }
}

/** Side of the crop in which a face is parsed: more than its own pixels shows nothing more. @param {Face} face */
const sideFor = (face) => (face.unit < 48 ? 256 : 384);

/** Tells each face where the others are. @param {Face[]} faces */
export function inform(faces) {
    for (const face of faces) face.others = faces.filter((other) => other !== face).map((other) => [...middleOf(other.points), other.unit]);
}

/** @param {Float32Array} mesh @param {Pose} pose @param {number} score @returns {Face} */
function faceOf(mesh, pose, score) {
    const points = fivePoints(mesh);
    return { points, unit: unitOf(points), mesh, pose, score, alignment: alignmentOf(points), shares: null, around: null, mouthVisible: 1, others: [], edits: new Map(), hair: null };
}

/** @param {Face} one @param {Face} other */
function isSame(one, other) {
    const [x, y] = middleOf(one.points), [u, v] = middleOf(other.points);
    return Math.hypot(x - u, y - v) < 0.6 * Math.min(one.unit, other.unit);
}

/**
 * Whether what a detector took for a face is one, by parser and mesh together: it sees no brows on a dog, and the lips elsewhere
 * (`lianpu.faces.mesh.is_face`). @param {Face} face
 */
function looksLikeFace(face) {
    const { side, planes, matrix } = /** @type {Shares} */ (face.shares), size = side * side;
    const seen = new Uint8Array(size), best = new Uint8Array(size);
    for (let part = 0; part < PARTS.length; part++) for (let i = 0, at = part * size; i < size; i++, at++) if (planes[at] > best[i]) { best[i] = planes[at]; seen[i] = part; }
    const meshed = (/** @type {string} */ region) => fillPolygon(new Float32Array(size), side, side, mapPoints(matrix, outline(face.mesh, region)));
    const share = (/** @type {string[]} */ names, /** @type {Plane} */ mesh) => {
        const wanted = names.map((name) => PARTS.indexOf(name));
        let both = 0, either = 1e-6;
        for (let i = 0; i < size; i++) {
            const one = wanted.includes(seen[i]), other = mesh[i] > 0.5;
            both += one && other ? 1 : 0; either += one || other ? 1 : 0;
        }
        return both / either;
    };
    const count = (/** @type {string[]} */ names) => seen.reduce((sum, part) => sum + (names.includes(PARTS[part]) ? 1 : 0), 0);
    const whole = Math.max(1, meshed("face_oval").reduce((sum, value) => sum + (value > 0.5 ? 1 : 0), 0)), lips = ["u_lip", "l_lip", "mouth"];
    if (face.unit * scaleOf(matrix) < 14) return true;
    if (share(["nose"], meshed("nose")) < 0.35) return count(["l_brow", "r_brow", "l_eye", "r_eye", "eye_g", ...lips]) / whole >= 0.012;
    return share(lips, meshed("lips_outer")) + Math.min(count(["l_brow", "r_brow"]) / whole / 0.02, 1) >= 0.8;
}

/** How far the parser sees lips or an open mouth where the mesh has them. @param {Face} face */
function mouthVisible(face) {
    const lips = outline(face.mesh, "lips_outer"), [x, y] = middleOf(lips), { side, planes, matrix } = /** @type {Shares} */ (face.shares);
    let seen = 0, all = 0;
    for (let i = 0; i < lips.length; i += 2) {
        for (const share of [0.2, 0.5, 0.8]) {
            const [u, v] = mapPoints(matrix, [x + share * (lips[i] - x), y + share * (lips[i + 1] - y)]).map(Math.round);
            if (u < 0 || v < 0 || u >= side || v >= side) continue;
            all++;
            for (const name of ["u_lip", "l_lip", "mouth"]) seen += planes[PARTS.indexOf(name) * side * side + v * side + u] / 255;
        }
    }
    return all ? smoothstep(seen / all, 0.15, 0.45) : 1;
}

/** @typedef {{box: number[], keys: number[], score: number}} Finding box: left, top, right, bottom; keys: six points */

/** @param {Float32Array} boxes @param {Float32Array} logits @param {number} width @param {number} height @param {number[]} strides @param {number} perLayer @param {number} least */
function decoded(boxes, logits, width, height, strides, perLayer, least) {
    /** @type {Finding[]} */
    const found = [];
    let row = 0;
    for (const stride of new Set(strides)) {
        const each = perLayer * strides.filter((one) => one === stride).length, columns = Math.ceil(width / stride), rows = Math.ceil(height / stride);
        for (let cell = 0; cell < rows * columns; cell++) {
            const x = (cell % columns + 0.5) * stride - 0.5, y = (Math.floor(cell / columns) + 0.5) * stride - 0.5;
            for (let k = 0; k < each; k++, row++) {
                const score = 1 / (1 + Math.exp(-clamp(logits[row], -100, 100)));
                if (score < least) continue;
                const raw = boxes.subarray(16 * row, 16 * row + 16), w = raw[2] / 2, h = raw[3] / 2;
                if (w <= 0 || h <= 0) continue;
                const keys = Array.from(raw.subarray(4), (value, i) => value + (i % 2 ? y : x));
                found.push({ box: [x + raw[0] - w, y + raw[1] - h, x + raw[0] + w, y + raw[1] + h], keys, score });
            }
        }
    }
    return found;
}

/** @param {number[]} a @param {number[]} b */
function overlap(a, b) {
    const w = Math.min(a[2], b[2]) - Math.max(a[0], b[0]), h = Math.min(a[3], b[3]) - Math.max(a[1], b[1]), shared = Math.max(0, w) * Math.max(0, h);
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared);
}

/** @param {Finding[]} found @returns {Finding[][]} each group's surest first */
function grouped(found) {
    let left = [...found].sort((a, b) => b.score - a.score);
    const groups = [];
    while (left.length) {
        const [first] = left, same = left.filter((one) => one === first || overlap(first.box, one.box) > SAME_FACE);
        groups.push(same);
        left = left.filter((one) => !same.includes(one));
    }
    return groups;
}

/** Overlapping findings averaged by their scores, as MediaPipe does. @param {Finding[]} found */
function suppressed(found) {
    return grouped(found).map((group) => {
        const total = group.reduce((sum, one) => sum + one.score, 0);
        const mean = (/** @type {"box" | "keys"} */ name) => group[0][name].map((_, i) => group.reduce((sum, one) => sum + one.score * one[name][i], 0) / total);
        return { box: mean("box"), keys: mean("keys"), score: group[0].score };
    });
}

/** The findings of all copies: the surest of each face, with the score of all together. @param {Finding[]} found */
function joined(found) {
    return grouped(found).map((group) => ({ ...group[0], score: 1 - group.reduce((odds, one) => odds * (1 - one.score), 1) })).filter((one) => one.score >= MIN_SCORE);
}

/** @param {Finding} one @param {number} by @returns {Finding} */
const shifted = (one, by) => ({ ...one, box: one.box.map((value) => value - by), keys: one.keys.map((value) => value - by) });

/** @param {Finding} one @param {Matrix} matrix @returns {Finding} */
const mapped = (one, matrix) => ({ ...one, box: Array.from(mapPoints(matrix, one.box)), keys: Array.from(mapPoints(matrix, one.keys)) });

/** The five points of BlazeFace's six. @param {number[]} keys */
function fiveOf(keys) {
    const dx = MOUTH_HALF_WIDTH * (keys[2] - keys[0]), dy = MOUTH_HALF_WIDTH * (keys[3] - keys[1]);
    return Float32Array.from([...keys.slice(0, 6), keys[6] - dx, keys[7] - dy, keys[6] + dx, keys[7] + dy]);
}

/**
 * The probability, 0 to 1, of some parts together over a view. Without a parser it is 0.
 * @param {Face} face @param {import("./pixels.js").View} view @param {Matrix} to from the picture to the view @param {string[]} names
 */
export function shareOver(face, view, to, names) {
    const out = new Float32Array(view.w * view.h);
    if (!face.shares) return out;
    const { side, planes, matrix } = face.shares, back = compose(matrix, inverse(to)), total = new Float32Array(side * side);
    for (const name of names) {
        const from = PARTS.indexOf(name) * side * side;
        for (let i = 0; i < total.length; i++) total[i] += planes[from + i];
    }
    return warpPlane(total, side, side, back, view.w, view.h, 1 / 255, out);
}

/**
 * The probability of the face's own hair over a view, also beyond its crop, without that of other faces.
 * @param {Face} face @param {import("./pixels.js").View} view @param {Matrix} to
 */
export function hairOver(face, view, to) {
    const near = shareOver(face, view, to, ["hair"]);
    if (!face.shares) return near;
    if (face.around) {
        const { side, planes, matrix } = face.around, from = PARTS.indexOf("hair") * side * side;
        const far = warpPlane(planes.subarray(from, from + side * side), side, side, compose(matrix, inverse(to)), view.w, view.h, 1 / 255);
        const inside = face.shares.side, back = compose(face.shares.matrix, inverse(to)), edge = 0.045 * inside;
        for (let v = 0, at = 0; v < view.h; v++) {
            for (let u = 0; u < view.w; u++, at++) {
                const x = back[0] * u + back[1] * v + back[2], y = back[3] * u + back[4] * v + back[5];
                const known = clamp(Math.min(x, y, inside - 1 - x, inside - 1 - y) / (2 * edge), 0, 1);
                near[at] = known * near[at] + (1 - known) * far[at];
            }
        }
    }
    const close = face.others.filter(([x, y, unit]) => Math.hypot(x - middleOf(face.points)[0], y - middleOf(face.points)[1]) < 4 * (unit + face.unit));
    if (close.length) {
        const [x, y] = middleOf(face.points), back = inverse(to);
        for (let v = 0, at = 0; v < view.h; v++) {
            for (let u = 0; u < view.w; u++, at++) {
                const px = back[0] * u + back[2], py = back[4] * v + back[5], own = Math.hypot(px - x, py - y) / face.unit;
                const theirs = Math.min(...close.map(([a, b, unit]) => Math.hypot(px - a, py - b) / unit));
                near[at] *= clamp((theirs - own) / 0.1 + 0.5, 0, 1);
            }
        }
    }
    return near;
}

/** The part of a picture that a face's crop covers, or the wider crop. @param {Face} face @param {Picture} picture @param {boolean} [wide] @returns {Window} */
export function windowOf(face, picture, wide = false) {
    const reach = wide ? (AROUND - 1) / 2 * TEMPLATE_PX : 0, far = TEMPLATE_PX - 0.5 + reach, near = -0.5 - reach;
    const corners = mapPoints(inverse(face.alignment), [near, near, far, near, near, far, far, far]);
    const xs = [corners[0], corners[2], corners[4], corners[6]], ys = [corners[1], corners[3], corners[5], corners[7]];
    const left = clamp(Math.floor(Math.min(...xs)), 0, picture.width - 1), top = clamp(Math.floor(Math.min(...ys)), 0, picture.height - 1);
    const right = clamp(Math.ceil(Math.max(...xs)) + 1, left + 1, picture.width), bottom = clamp(Math.ceil(Math.max(...ys)) + 1, top + 1, picture.height);
    return { x: left, y: top, width: right - left, height: bottom - top };
}

/** A face in a copy of its picture that is `by` times as large. @param {Face} face @param {number} by @returns {Face} */
export function scaledFace(face, by) {
    const to = scaling(by), back = inverse(to), points = mapPoints(to, face.points);
    const moved = (/** @type {Shares | null} */ shares) => shares && { ...shares, matrix: compose(shares.matrix, back) };
    return {
        ...face, points, unit: face.unit * by, mesh: mapPoints(to, face.mesh), alignment: compose(face.alignment, back),
        shares: moved(face.shares), around: moved(face.around), others: face.others.map(([x, y, unit]) => { const [u, v] = mapPoints(to, [x, y]); return [u, v, unit * by]; }),
    };
}
