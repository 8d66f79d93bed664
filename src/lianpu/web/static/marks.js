// @ts-check
/** What a saved picture says of itself: the XMP mark of an edit, and the photo's own EXIF without what is no longer true. */

const SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/";

/** @param {string} text */
const escaped = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** The XMP packet (ISO 16684-1) of an edited picture. @param {string} what @param {string} tool @param {boolean} generative whether a network painted @param {Date} [when] */
export function editedXmp(what, tool, generative, when = new Date()) {
    const at = when.toISOString().replace(/\.\d+Z/, "+00:00");
    return `<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmp:CreatorTool="${escaped(tool)}" xmp:ModifyDate="${at}" xmp:MetadataDate="${at}"
 Iptc4xmpExt:DigitalSourceType="${SOURCE_TYPES}${generative ? "compositeWithTrainedAlgorithmicMedia" : "algorithmicallyEnhanced"}"><xmpMM:History><rdf:Seq><rdf:li rdf:parseType="Resource"><stEvt:action>edited</stEvt:action>
<stEvt:softwareAgent>${escaped(tool)}</stEvt:softwareAgent><stEvt:when>${at}</stEvt:when><stEvt:parameters>${escaped(what)}</stEvt:parameters>
</rdf:li></rdf:Seq></xmpMM:History></rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>`;
}

/**
 * The file of an edited picture with its marks.
 * @param {Uint8Array} bytes a JPEG or PNG as a canvas writes it @param {string} xmp
 * @param {Uint8Array | null} original the photo's file, whose EXIF is kept; null where nothing of it may stay (hidden faces)
 */
export function marked(bytes, xmp, original) {
    const packet = new TextEncoder().encode(xmp);
    if (bytes[0] === 0x89) return withPngText(bytes, packet);
    const exif = original && exifOf(original), segments = [];
    if (exif) segments.push(segment(exif));
    segments.push(segment(joined(new TextEncoder().encode("http://ns.adobe.com/xap/1.0/\0"), packet)));
    const after = bytes[2] === 0xff && bytes[3] === 0xe0 ? 4 + (bytes[4] << 8 | bytes[5]) : 2; // behind JFIF's segment
    return joined(bytes.subarray(0, after), ...segments, bytes.subarray(after));
}

/** @param {...Uint8Array} parts */
function joined(...parts) {
    const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    parts.reduce((at, part) => { all.set(part, at); return at + part.length; }, 0);
    return all;
}

/** An APP1 segment. @param {Uint8Array} body */
const segment = (body) => joined(Uint8Array.of(0xff, 0xe1, (body.length + 2) >> 8, (body.length + 2) & 255), body);

/** The EXIF segment of a JPEG, upright and without its thumbnail, which shows the photo before the edit; null without a sound one. @param {Uint8Array} file */
export function exifOf(file) {
    if (file[0] !== 0xff || file[1] !== 0xd8) return null;
    for (let at = 2; at + 4 < file.length && file[at] === 0xff && file[at + 1] !== 0xda;) {
        const length = file[at + 2] << 8 | file[at + 3];
        if (file[at + 1] === 0xe1 && length > 16 && String.fromCharCode(...file.subarray(at + 4, at + 8)) === "Exif") return upright(file.slice(at + 4, at + 2 + length));
        at += 2 + length;
    }
    return null;
}

/** @param {Uint8Array} exif */
function upright(exif) {
    const view = new DataView(exif.buffer, exif.byteOffset + 6, exif.length - 6), little = view.getUint16(0) === 0x4949;
    const short = (/** @type {number} */ at) => view.getUint16(at, little), long = (/** @type {number} */ at) => view.getUint32(at, little);
    try {
        const first = long(4), count = short(first);
        for (let i = 0; i < count; i++) {
            const entry = first + 2 + 12 * i;
            if (short(entry) === 0x0112) view.setUint16(entry + 8, 1, little);
        }
        const link = first + 2 + 12 * count, second = long(link);
        if (second) {
            let start = 0, length = 0;
            for (let i = 0; i < short(second); i++) {
                const entry = second + 2 + 12 * i;
                if (short(entry) === 0x0201) start = long(entry + 8);
                if (short(entry) === 0x0202) length = long(entry + 8);
            }
            exif.fill(0, 6 + start, Math.min(exif.length, 6 + start + length));
            view.setUint32(link, 0, little);
        }
        return exif;
    } catch {
        return null; // offsets that lead out of it
    }
}

/** @param {Uint8Array} png @param {Uint8Array} packet */
function withPngText(png, packet) {
    const body = joined(new TextEncoder().encode("iTXtXML:com.adobe.xmp\0\0\0\0\0"), packet), chunk = new Uint8Array(body.length + 8), view = new DataView(chunk.buffer);
    view.setUint32(0, body.length - 4);
    chunk.set(body, 4);
    view.setUint32(body.length + 4, crc32(body));
    return joined(png.subarray(0, 33), chunk, png.subarray(33)); // behind the header
}

/** @param {Uint8Array} bytes */
export function crc32(bytes) {
    let crc = -1;
    for (const byte of bytes) {
        crc ^= byte;
        for (let k = 0; k < 8; k++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
    }
    return ~crc >>> 0;
}

/** A zip file without compression: pictures are compressed already. @param {{name: string, bytes: Uint8Array}[]} files */
export function zipOf(files) {
    const parts = [], directory = [];
    let offset = 0;
    for (const { name, bytes } of files) {
        const path = new TextEncoder().encode(name), sum = crc32(bytes);
        const header = (/** @type {boolean} */ central) => {
            const view = new DataView(new ArrayBuffer(central ? 46 : 30)), at = central ? 2 : 0;
            view.setUint32(0, central ? 0x02014b50 : 0x04034b50, true);
            if (central) view.setUint16(4, 20, true);
            view.setUint16(4 + at, 20, true); view.setUint16(6 + at, 0x0800, true);
            view.setUint32(14 + at, sum, true); view.setUint32(18 + at, bytes.length, true); view.setUint32(22 + at, bytes.length, true);
            view.setUint16(26 + at, path.length, true);
            if (central) view.setUint32(42, offset, true);
            return new Uint8Array(view.buffer);
        };
        directory.push(header(true), path);
        const local = header(false);
        parts.push(local, path, bytes);
        offset += local.length + path.length + bytes.length;
    }
    const end = new DataView(new ArrayBuffer(22)), size = directory.reduce((sum, part) => sum + part.length, 0);
    end.setUint32(0, 0x06054b50, true); end.setUint16(8, files.length, true); end.setUint16(10, files.length, true);
    end.setUint32(12, size, true); end.setUint32(16, offset, true);
    return joined(...parts, ...directory, new Uint8Array(end.buffer));
}
