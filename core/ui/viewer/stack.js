// A stack of slices, fetched one by one, first those that the wheel turns to, and windowed here.

const FETCHED_AHEAD = 4; // at a time; the slice in view waits for none of them
const KEPT_BYTES = 400e6; // of slices; those far from the one in view go first
const FEWEST_KEPT = 8;
const AHEAD_FOR_BEHIND = 3; // slices before the wheel for each one behind it
const HEAD_BYTES = 16; // scale and offset of a slice

class Stack {
  constructor(onArrival) {
    this.onArrival = onArrival;
    this.key = null;
    this.canvas = document.createElement("canvas");
    this.table = new Uint32Array(65536); // red, green, blue, alpha of each stored value
  }

  // facts: {key, columns, rows, count, slices: url, thinned: one row and column in so many is in a preview, 1 for none, overlays: whether the file draws over its slices, inverted, curve, colour}
  show(facts) {
    if (facts.key !== this.key) {
      this.key = facts.key;
      this.slices = new Map(); // index -> {pixels, scale, offset, columns, rows}; pixels: stored units, or red, green, blue, alpha of a colour object
      this.preview = null; // {index, slice: null while it is under way} of the slice in view, while that is under way
      this.waiting = new Set();
      this.failed = new Map(); // index -> why, "" where it may come another time
      this.drawings = new Map(); // index -> {picture, isReady}
      this.heading = 1;
      this.last = null;
      this.painted = "";
    }
    this.facts = facts;
    this.forgive();
  }

  // What a network lost is asked for again; what cannot be decoded is not.
  forgive() {
    for (const [index, why] of this.failed) if (!why) this.failed.delete(index);
  }

  // The value under the cursor; a preview has none, since it is not that of the place.
  value(index, column, row) {
    const slice = this.slices.get(index);
    if (!slice || this.facts.colour) return null;
    const [x, y] = [Math.floor(column), Math.floor(row)];
    if (x < 0 || y < 0 || x >= slice.columns || y >= slice.rows) return null;
    return slice.pixels[y * slice.columns + x] * slice.scale + slice.offset;
  }

  has(index) {
    return this.slices.has(index);
  }

  seen(index) {
    return this.slices.get(index) ?? (this.preview?.index === index ? this.preview.slice : null);
  }

  // The slice in view, then those that come next the way the hand goes, and now and then one behind.
  *around(index) {
    const { count } = this.facts;
    const isThere = (each) => each >= 0 && each < count;
    yield index;
    for (let step = 1; step < AHEAD_FOR_BEHIND * count; step += 1) {
      if (isThere(index + this.heading * step)) yield index + this.heading * step;
      const behind = index - (this.heading * step) / AHEAD_FOR_BEHIND;
      if (step % AHEAD_FOR_BEHIND === 0 && isThere(behind)) yield behind;
    }
  }

  get mostKept() {
    const { columns, rows, count, colour } = this.facts;
    return Math.min(count, Math.max(FEWEST_KEPT, Math.floor(KEPT_BYTES / (columns * rows * (colour ? 4 : 2)))));
  }

  fetchAround(index) {
    if (this.last !== null && index !== this.last) {
      this.heading = Math.sign(index - this.last);
      this.forgive();
    }
    this.last = index;
    if (this.facts.thinned > 1 && !this.slices.has(index) && !this.failed.has(index)) {
      if (this.preview?.index !== index) this.fetchPreview(index);
      if (!this.preview.slice) return; // what is large waits for it
    }
    let wanted = this.mostKept;
    for (const each of this.around(index)) {
      if (wanted === 0 || (each !== index && this.waiting.size >= FETCHED_AHEAD)) return;
      wanted -= 1;
      if (!this.slices.has(each) && !this.waiting.has(each) && !this.failed.has(each)) this.fetchOne(each);
    }
  }

  async fetchPreview(index) {
    const preview = { index, slice: null };
    this.preview = preview;
    const { thinned, slices } = this.facts;
    try {
      const answer = await fetch(`${slices}/${index}/preview`);
      if (!answer.ok) throw new Error(String(answer.status));
      preview.slice = this.unpacked(await answer.arrayBuffer(), thinned);
    } catch {
      preview.slice = { failed: true }; // the slice itself says why
    }
    if (preview === this.preview) this.onArrival();
  }

  async fetchOne(index) {
    const { key, slices, waiting, failed } = this;
    waiting.add(index);
    try {
      const answer = await fetch(`${this.facts.slices}/${index}`);
      if (answer.status === 422) failed.set(index, await answer.text());
      else if (!answer.ok) throw new Error(String(answer.status));
      else slices.set(index, this.unpacked(await answer.arrayBuffer()));
    } catch {
      failed.set(index, "");
    }
    waiting.delete(index);
    if (key !== this.key) return;
    this.forgetTheFarthest();
    this.onArrival();
  }

  unpacked(bytes, thinned = 1) {
    const head = new DataView(bytes);
    const pixels = this.facts.colour ? new Uint32Array(bytes, HEAD_BYTES) : new Int16Array(bytes, HEAD_BYTES);
    const [columns, rows] = [this.facts.columns, this.facts.rows].map((side) => Math.ceil(side / thinned));
    return { pixels, columns, rows, scale: head.getFloat64(0, true), offset: head.getFloat64(8, true) };
  }

  forgetTheFarthest() {
    if (this.slices.size <= this.mostKept) return;
    const farthest = [...this.around(this.last)].reverse();
    for (const index of farthest) {
      if (this.slices.size <= this.mostKept) return;
      this.slices.delete(index);
    }
  }

  // Why a slice is not shown, "" where it is or will be.
  whyMissing(index) {
    return this.failed.has(index) ? this.failed.get(index) || "This slice did not arrive; it is asked for again when you come back to it." : "";
  }

  // What the file draws over a slice: {picture, isReady}, picture null where it draws nothing.
  overlay(index) {
    if (!this.facts.overlays) return { picture: null, isReady: true };
    if (!this.drawings.has(index)) this.fetchDrawing(index);
    return this.drawings.get(index);
  }

  async fetchDrawing(index) {
    const drawing = { picture: null, isReady: false };
    this.drawings.set(index, drawing);
    try {
      const answer = await fetch(`${this.facts.slices}/${index}/overlay`);
      if (answer.status === 200) drawing.picture = await createImageBitmap(await answer.blob());
    } catch {
      this.drawings.delete(index);
    }
    drawing.isReady = true;
    this.onArrival();
  }

  get hasOverlays() {
    return this.facts.overlays;
  }

  get fetchedShare() {
    return (this.slices.size + this.failed.size) / Math.max(1, this.mostKept);
  }

  // Grey of each stored value: DICOM PS3.3 C.11.2.1.2 (LINEAR), C.11.2.1.3 (LINEAR_EXACT, SIGMOID). A VOI LUT comes as `curve`.
  fillTable(view, { scale, offset }) {
    const { inverted, curve } = this.facts;
    const state = [scale, offset, view.centre, view.width, view.shape, view.inverted, view.usesCurve, this.key].join("|");
    if (state === this.filled) return;
    this.filled = state;
    const flip = inverted !== view.inverted;
    const grey = view.usesCurve && curve ? curveOf(curve) : windowOf(view);
    for (let stored = -32768; stored < 32768; stored += 1) {
      const shown = Math.min(255, Math.max(0, grey(stored * scale + offset)));
      this.table[stored & 0xffff] = 0xff000000 | (Math.round(flip ? 255 - shown : shown) * 0x010101);
    }
  }

  // The windowed slice as a canvas of its own size; null while it is under way.
  paint(index, view) {
    const slice = this.seen(index);
    if (!slice?.pixels) return null;
    const { columns, rows } = slice;
    const state = [this.key, index, columns, view.centre, view.width, view.shape, view.inverted, view.usesCurve].join("|");
    if (state === this.painted) return this.canvas;
    const { colour } = this.facts;
    const context = this.canvas.getContext("2d");
    if (this.canvas.width !== columns || this.canvas.height !== rows || !this.image) {
      Object.assign(this.canvas, { width: columns, height: rows });
      this.image = context.createImageData(columns, rows);
    }
    const words = new Uint32Array(this.image.data.buffer);
    const { pixels } = slice;
    if (colour) words.set(pixels);
    else {
      this.fillTable(view, slice);
      const { table } = this;
      for (let i = 0; i < words.length; i += 1) words[i] = table[pixels[i] & 0xffff];
    }
    context.putImageData(this.image, 0, 0);
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
