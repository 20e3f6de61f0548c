// A stack of slices in stored units, fetched in chunks around the one in view and windowed here.

const PARALLEL_FETCHES = 3;

class Stack {
  constructor(onArrival) {
    this.onArrival = onArrival;
    this.key = null;
    this.canvas = document.createElement("canvas");
    this.table = new Uint8Array(65536);
  }

  // facts: {key, columns, rows, count, reduced, chunks: [{url, first, count}], sharp: {url, slice}|null, scale, offset, inverted, curve,
  // overlays: {slice: url}}
  show(facts) {
    if (facts.key !== this.key) {
      this.key = facts.key;
      this.chunks = new Map(); // url -> Int16Array in stored units, or Uint32Array of red, green, blue, alpha for a colour object
      this.waiting = new Set();
      this.failed = new Set();
      this.overlays = new Map(); // url -> HTMLImageElement
      this.painted = "";
    }
    this.facts = facts;
    this.failed.clear(); // a run that another one overtook takes its files away for a moment
  }

  get shape() {
    const { columns, rows, reduced } = this.facts;
    return [Math.ceil(columns / reduced), Math.ceil(rows / reduced)];
  }

  // The slice as {pixels, columns, rows, sharp}, null while it is under way.
  slice(index) {
    const { sharp, columns, rows, chunks } = this.facts;
    if (sharp && sharp.slice === index && this.chunks.has(sharp.url)) {
      return { pixels: this.chunks.get(sharp.url), columns, rows, sharp: true };
    }
    const chunk = chunks.find((each) => index >= each.first && index < each.first + each.count);
    const pixels = chunk && this.chunks.get(chunk.url);
    if (!pixels) return null;
    const [width, height] = this.shape;
    const start = (index - chunk.first) * width * height;
    return { pixels: pixels.subarray(start, start + width * height), columns: width, rows: height, sharp: this.facts.reduced === 1 };
  }

  value(index, column, row) {
    const slice = this.slice(index);
    if (!slice || this.facts.colour) return null;
    const x = Math.floor((column * slice.columns) / this.facts.columns);
    const y = Math.floor((row * slice.rows) / this.facts.rows);
    if (x < 0 || y < 0 || x >= slice.columns || y >= slice.rows) return null;
    return slice.pixels[y * slice.columns + x] * this.facts.scale + this.facts.offset;
  }

  // Nearest chunks first, a few at a time; what is far away comes last.
  fetchAround(index) {
    const distance = (chunk) => Math.abs(chunk.first + chunk.count / 2 - index);
    const wanted = [...this.facts.chunks].sort((a, b) => distance(a) - distance(b));
    const { sharp } = this.facts;
    if (sharp && sharp.slice === index) wanted.unshift(sharp);
    for (const chunk of wanted) {
      if (this.waiting.size >= PARALLEL_FETCHES) return;
      if (!this.chunks.has(chunk.url) && !this.waiting.has(chunk.url) && !this.failed.has(chunk.url)) this.fetchOne(chunk.url);
    }
  }

  async fetchOne(url) {
    const { key, chunks, waiting, failed } = this;
    waiting.add(url);
    try {
      const answer = await fetch(url);
      if (!answer.ok) throw new Error(String(answer.status));
      const bytes = await answer.arrayBuffer();
      chunks.set(url, this.facts.colour ? new Uint32Array(bytes) : new Int16Array(bytes));
    } catch {
      failed.add(url);
    }
    waiting.delete(url);
    if (key === this.key) this.onArrival();
  }

  // What the file draws over a slice: {picture, isReady}, picture null where it draws nothing.
  overlay(index) {
    const url = this.facts.overlays[index];
    if (!url) return { picture: null, isReady: true };
    if (!this.overlays.has(url)) {
      const picture = new Image();
      picture.onload = () => this.onArrival();
      picture.onerror = () => this.onArrival();
      picture.src = url;
      this.overlays.set(url, picture);
    }
    const picture = this.overlays.get(url);
    return { picture: picture.naturalWidth ? picture : null, isReady: picture.complete };
  }

  get hasOverlays() {
    return Object.keys(this.facts.overlays).length > 0;
  }

  get fetchedShare() {
    const wanted = this.facts.chunks;
    return wanted.filter((chunk) => this.chunks.has(chunk.url)).length / Math.max(1, wanted.length);
  }

  // Grey of each stored value: DICOM PS3.3 C.11.2.1.2 (LINEAR), C.11.2.1.3 (LINEAR_EXACT, SIGMOID). A VOI LUT comes as `curve`.
  fillTable(view) {
    const { scale, offset, inverted, curve } = this.facts;
    const flip = inverted !== view.inverted;
    const grey = view.usesCurve && curve ? curveOf(curve) : windowOf(view);
    for (let stored = -32768; stored < 32768; stored += 1) {
      const shown = Math.min(255, Math.max(0, grey(stored * scale + offset)));
      this.table[stored & 0xffff] = Math.round(flip ? 255 - shown : shown);
    }
  }

  // The windowed slice as a canvas of its own size; null while it is under way.
  paint(index, view) {
    const slice = this.slice(index);
    if (!slice) return null;
    const state = [this.key, index, slice.sharp, view.centre, view.width, view.inverted, view.usesCurve].join("|");
    if (state === this.painted) return this.canvas;
    if (!this.facts.colour) this.fillTable(view);
    this.canvas.width = slice.columns;
    this.canvas.height = slice.rows;
    const context = this.canvas.getContext("2d");
    const image = context.createImageData(slice.columns, slice.rows);
    const words = new Uint32Array(image.data.buffer);
    const { pixels } = slice;
    const { table } = this;
    if (this.facts.colour) words.set(pixels);
    else for (let i = 0; i < words.length; i += 1) words[i] = 0xff000000 | (table[pixels[i] & 0xffff] * 0x010101);
    context.putImageData(image, 0, 0);
    this.painted = state;
    return this.canvas;
  }
}

function windowOf({ centre, width, shape }) {
  if (shape === "SIGMOID") return (value) => 255 / (1 + Math.exp((-4 * (value - centre)) / width));
  const exact = shape === "LINEAR_EXACT";
  const middle = exact ? centre : centre - 0.5;
  const span = Math.max(exact ? width : width - 1, 1e-9);
  return (value) => ((value - middle) / span + 0.5) * 255;
}

function curveOf({ low, high, grey }) {
  const last = grey.length - 1;
  return (value) => grey[Math.min(last, Math.max(0, Math.round(((value - low) / (high - low)) * last)))];
}
