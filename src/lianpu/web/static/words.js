// @ts-check
/** The page's words. Names of effects come with the build, from the Python package's catalogue. */

/** @type {Record<string, Record<string, string>>} */
const WORDS = {
    en: {
        other: "中文", open: "Open photo", camera: "Camera", example: "Try an example", about: "About", stage: "Photo. Plus and minus zoom, arrows move, hold space for the original.",
        drop: "Drop a photo here, paste one, or open one", private: "Everything runs in this browser. No picture leaves your machine.",
        loading: "Loading the networks: {done} of {total} MB", themes: "Themes", undo: "Undo", redo: "Redo", hold: "Original", compare: "Compare",
        share: "Save look", save: "Download", snapshot: "Snapshot", record: "Record", stop: "Stop camera", batch: "Several photos", close: "Close",
        aboutText: "Lianpu edits faces in the browser: networks of MediaPipe find the face and the person, a small parser finds hair and skin. Pictures are marked as edited (XMP).",
        hair: "Hair", face: "Face", makeup: "Make-up", beauty: "Skin", background: "Background", hide: "Hide faces", presets: "Looks", mine: "My looks",
        people: "Age and sex", "Male=yes": "Masculine", "Male=no": "Feminine", "Young=yes": "Younger", "Young=no": "Older",
stickers: "Stickers", remove_beard: "No beard", stubble: "Stubble", ownPicture: "Own picture", leftOut: "Left out: {what}", known: "The face is now:", queued: "Waiting for its turn", uploading: "Uploading", video: "Video", videoDone: "{frames} frames edited",
        privateServer: "Photos are edited by the machine that runs this page, and removed when you leave.", aboutServer: "Lianpu edits faces. What you open is removed when you leave, or after {minutes} minutes. Pictures are marked as edited (XMP). {signs}", signed: "They are signed (C2PA), too.", unsigned: "They are not signed (C2PA).", card: "Model card of the editor",
        server: "{message}", "server-gone": "The server does not answer. Is it still running?", "no-camera-engine": "This server gave the browser no engine: the camera is off.", noVideo: "Videos are edited by lianpu serve, with pip install 'lianpu[video]'.",
        glasses: "Glasses", round_glasses: "Round glasses", sunglasses: "Sunglasses", star_glasses: "Star glasses", moustache: "Moustache", hat: "Hat", party_hat: "Party hat", paper_crown: "Paper crown", crown: "Crown", flower_crown: "Flowers", halo: "Halo", cat: "Cat", dog: "Dog", bunny: "Bunny", hearts: "Hearts", freckles: "Freckles", clown_nose: "Clown's nose", snowflakes: "Snowflakes", confetti: "Confetti",
        none: "None", strength: "Strength", own: "Own colour", blond: "Blonde", brown: "Brown", black: "Black", gray: "Grey", copper: "Copper", blue: "Blue", pink: "Pink",
        blur: "Blurred", mosaic: "Squares", solid: "Covered", wall: "Plain colour", lens: "Out of focus", tan: "Tanned", light: "Lighter", warm: "Warmer", cool: "Cooler", rosy: "Rosier",
        matte: "Matte", satin: "Satin", gloss: "Gloss", noFace: "No face was found in this photo. Try one in which it is larger, or upright.", oneFace: "One face found.", manyFaces: "{count} faces found. Choose with the numbers who is edited.",
        replaces: "{now} in place of {before}", needsParser: "This build has no face parser (commercial use): hair cannot be coloured.", saved: "Saved as {name}", lookSaved: "Kept under My looks, and saved as a file for lianpu edit --preset",
        noLooks: "Looks that you save appear here.", face1: "Face {number}", speed: "{fps} pictures a second", noCamera: "The camera cannot be used: allow it in the browser's address bar, or open a photo.", insecure: "A camera needs https: or this machine itself.",
        batchDoing: "{done} of {total} edited", batchDone: "{done} of {total} edited. Faces: {faces}", batchNone: "Choose an edit first: with one photo.", remove: "Remove",
        "no-picture": "This file is no picture that the browser can read. Try JPEG, PNG or WebP.", "too-large": "This picture is too large: at most 50 megapixels.", "too-small": "This picture is too small.",
        "no-wasm": "This browser has no WebAssembly, which the networks need. Try a newer one.", "no-canvas": "This browser is too old. Try a newer one.", offline: "There is no connection, and this page was not loaded before.",
        missing: "A file of this page is missing. Ask whoever runs it to build it again.", damaged: "A network was damaged on its way. Load the page again.", defect: "Something went wrong: {message}", "no-photo": "Open a photo first.",
    },
    zh: {
        other: "English", open: "打开照片", camera: "摄像头", example: "试用示例", about: "关于", stage: "照片。加减号缩放，方向键移动，按住空格看原图。",
        drop: "把照片拖到这里、粘贴，或点击打开", private: "一切都在浏览器里完成，图片不会离开您的设备。",
        loading: "正在加载模型：{done} / {total} MB", themes: "主题", undo: "撤销", redo: "重做", hold: "原图", compare: "对比",
        share: "保存妆容", save: "下载", snapshot: "拍照", record: "录像", stop: "关闭摄像头", batch: "多张照片", close: "关闭",
        aboutText: "脸谱在浏览器中编辑人脸：MediaPipe 的网络定位人脸和人物，小型解析网络识别头发与皮肤。图片会带有“已编辑”标记（XMP）。",
        hair: "头发", face: "脸型", makeup: "妆容", beauty: "皮肤", background: "背景", hide: "隐藏人脸", presets: "风格", mine: "我的风格",
        people: "年龄与性别", "Male=yes": "男性化", "Male=no": "女性化", "Young=yes": "更年轻", "Young=no": "更年长",
stickers: "贴纸", remove_beard: "去胡须", stubble: "胡茬", ownPicture: "自选图片", leftOut: "未处理：{what}", known: "人脸现在是：", queued: "排队中", uploading: "正在上传", video: "视频", videoDone: "已编辑 {frames} 帧",
        privateServer: "照片由运行本页面的电脑编辑，离开后即删除。", aboutServer: "脸谱编辑人脸。您打开的文件在离开后或 {minutes} 分钟后删除。图片会带有“已编辑”标记（XMP）。{signs}", signed: "并带有 C2PA 签名。", unsigned: "没有 C2PA 签名。", card: "编辑器的模型卡",
        server: "{message}", "server-gone": "服务器没有响应，它还在运行吗？", "no-camera-engine": "此服务器没有给浏览器提供引擎，摄像头不可用。", noVideo: "视频由 lianpu serve 编辑，需要 pip install 'lianpu[video]'。",
        glasses: "眼镜", round_glasses: "圆框眼镜", sunglasses: "墨镜", star_glasses: "星形眼镜", moustache: "小胡子", hat: "帽子", party_hat: "派对帽", paper_crown: "纸皇冠", crown: "皇冠", flower_crown: "花环", halo: "光环", cat: "猫", dog: "狗", bunny: "兔子", hearts: "爱心", freckles: "雀斑", clown_nose: "小丑鼻", snowflakes: "雪花", confetti: "彩纸",
        none: "无", strength: "强度", own: "自选颜色", blond: "金发", brown: "棕发", black: "黑发", gray: "灰发", copper: "铜红", blue: "蓝色", pink: "粉色",
        blur: "模糊", mosaic: "马赛克", solid: "纯色遮盖", wall: "纯色背景", lens: "背景虚化", tan: "古铜", light: "白皙", warm: "暖调", cool: "冷调", rosy: "红润",
        matte: "哑光", satin: "缎光", gloss: "亮泽", noFace: "照片里没有找到人脸。请换一张脸更大或更正的照片。", oneFace: "找到一张人脸。", manyFaces: "找到 {count} 张人脸。点击数字选择要编辑的人。",
        replaces: "{now}，替换了{before}", needsParser: "此版本没有人脸解析网络（商用版），无法染发。", saved: "已保存为 {name}", lookSaved: "已放入“我的风格”，并存为 lianpu edit --preset 可用的文件",
        noLooks: "您保存的风格会出现在这里。", face1: "人脸 {number}", speed: "每秒 {fps} 帧", noCamera: "无法使用摄像头：请在浏览器地址栏允许，或打开一张照片。", insecure: "摄像头需要 https 或本机访问。",
        batchDoing: "已完成 {done} / {total}", batchDone: "已完成 {done} / {total}，人脸：{faces}", batchNone: "请先用一张照片选择编辑。", remove: "删除",
        "no-picture": "浏览器无法读取此文件。请使用 JPEG、PNG 或 WebP。", "too-large": "图片太大：最多 5000 万像素。", "too-small": "图片太小。",
        "no-wasm": "此浏览器不支持 WebAssembly，请使用更新的浏览器。", "no-canvas": "此浏览器版本过旧，请更新。", offline: "没有网络连接，且此页面此前未加载过。",
        missing: "页面缺少一个文件，请联系网站管理者重新构建。", damaged: "模型在传输中损坏，请重新加载页面。", defect: "出错了：{message}", "no-photo": "请先打开一张照片。",
    },
};

/** @type {"en" | "zh"} */
let language = "en";

export const languageNow = () => language;

/** The language asked for before, else the one that the page was started with, else the browser's. @param {string} [first] */
export function startLanguage(first) {
    let kept = null;
    try { kept = localStorage.getItem("lianpu-language"); } catch { /* storage is off */ }
    if (first === "en" || first === "zh") setLanguage(kept === "en" || kept === "zh" ? kept : first);
    else setLanguage(kept === "en" || kept === "zh" ? kept : navigator.languages?.some((one) => one.toLowerCase().startsWith("zh")) && !navigator.languages[0].toLowerCase().startsWith("en") ? "zh" : "en");
}

/** @param {"en" | "zh"} code */
export function setLanguage(code) {
    language = code;
    document.documentElement.lang = code === "zh" ? "zh-CN" : "en";
    try { localStorage.setItem("lianpu-language", code); } catch { /* storage is off */ }
}

/** A text of the page's language. @param {string} key @param {Record<string, string | number>} [values] */
export function say(key, values = {}) {
    const text = WORDS[language][key] ?? WORDS.en[key] ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** Whether both languages have the same keys. */
export const wordsAreWhole = () => JSON.stringify(Object.keys(WORDS.en).sort()) === JSON.stringify(Object.keys(WORDS.zh).sort());
