// The image viewer: slices windowed by drag, pictures over them, two dates side by side. The other scripts of this folder stand above it in one module.
// What comes from a file reaches the page as data and textContent, never as HTML.

const SETTLED_AFTER_MS = 220;
const FIRST_IMAGE = "sightline: first image";

class Viewer {
  constructor(root) {
    const find = (selector) => root.querySelector(selector);
    this.root = find(".viewer");
    this.stage = find(".stage");
    this.canvas = find("canvas");
    this.swipe = find(".swipe");
    this.slider = find(".slices");
    this.find = find;
    this.camera = new Camera();
    const redraw = () => this.redraw();
    this.stack = new Stack(redraw);
    this.layers = new Layers(redraw);
    this.controls = new Controls(find, (preset) => this.take(preset), (id, difference) => this.change(id, difference));
    this.readout = new Readout(find);
    this.key = null;
    this.brush = new Brush(this);
    this.hands = new Hands(this);
    this.dates = new Dates(this);
    this.keys = new Keys(this);
    this.listen();
    new ResizeObserver(() => this.measure()).observe(this.stage);
  }

  // ------------------------------------------------------------ what the server says

  show(data, setStateValue, setTriggerValue) {
    this.send = (view) => setStateValue("view", view);
    this.pick = (place) => setTriggerValue("clicked", place);
    this.sendPainted = (painted) => setStateValue("painted", painted);
    this.sendSeen = (seen) => setStateValue("seen", seen);
    const isNew = data.key !== this.key;
    this.data = data;
    this.key = data.key;
    this.camera.look(data.columns, data.rows, data.aspect);
    if (data.stack) this.stack.show(data.stack);
    this.layers.show(data.layers);
    this.brush.show(data.grid);
    if (isNew) {
      this.camera.reset();
      this.view = { ...data.initial, ...data.view };
    }
    this.obey(data.command, isNew);
    this.dress();
    this.measure();
  }

  // A command comes once: {id, slice?, box?, window?}. A viewer that opens has the view that was left last: an older command must not undo it.
  obey(command, isNew) {
    if (!command || command.id === this.obeyed) return;
    this.obeyed = command.id;
    const hasSlice = Number.isInteger(command.slice);
    if (isNew) {
      if (!hasSlice || command.slice === this.view.slice) this.waitingBox = command.box;
      return;
    }
    if (hasSlice) this.view.slice = command.slice;
    if (command.window) Object.assign(this.view, command.window, { usesCurve: false });
    if (hasSlice) this.settle(0);
    if (command.box) this.camera.goTo(command.box);
  }

  dress() {
    const { data } = this;
    this.root.classList.add("dressed");
    this.root.classList.toggle("plain", Boolean(data.plain));
    this.root.classList.toggle("pans", !data.stack);
    this.root.classList.toggle("brushes", this.brush.isOn);
    this.stage.style.height = data.height;
    const marks = data.marks ?? {};
    for (const side of ["north", "south", "west", "east"]) this.find(`.${side}`).textContent = marks[side] ?? "";
    this.find(".corner.top.left").textContent = data.texts?.[0] ?? "";
    this.find(".corner.top.right").textContent = data.texts?.[1] ?? "";
    this.find(".invert").hidden = !data.stack;
    this.find(".hide").hidden = !data.layers.some((layer) => !layer.ground) && !(data.stack && this.stack.hasOverlays);
    this.dates.dress();
    this.slider.hidden = !data.stack || data.stack.count < 2;
    this.slider.max = data.stack?.count ?? 1;
    this.controls.dressPresets(data.presets);
    this.controls.dressLayers(data.layers, this.layers);
    this.controls.dressColours(data.colours);
  }

  // Layers of one name (a date each) are switched together.
  change(id, difference) {
    const { name } = this.data.layers.find((layer) => layer.id === id);
    const twins = this.data.layers.filter((layer) => layer.id === id || layer.twin === name);
    for (const twin of twins) Object.assign(this.layers.setting(twin.id), difference);
    this.controls.dressLayers(this.data.layers, this.layers);
    this.redraw();
  }

  // ------------------------------------------------------------ drawing

  measure() {
    const { width, height } = this.stage.getBoundingClientRect();
    if (!width || !height || !this.data) return;
    const density = window.devicePixelRatio || 1;
    const [wide, high] = [Math.round(width * density), Math.round(height * density)];
    if (this.canvas.width !== wide || this.canvas.height !== high) Object.assign(this.canvas, { width: wide, height: high });
    this.camera.resize(width, height);
    if (this.waitingBox) {
      this.camera.goTo(this.waitingBox);
      this.waitingBox = null;
    }
    this.redraw();
  }

  redraw() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = null;
      if (this.data && this.camera.width && this.canvas.isConnected) this.draw();
    });
  }

  draw() {
    const { camera, data, view } = this;
    const context = this.canvas.getContext("2d");
    const density = this.canvas.width / camera.width;
    context.setTransform(density, 0, 0, density, 0, 0);
    context.fillStyle = "#000";
    context.fillRect(0, 0, camera.width, camera.height);
    const isReady = this.drawStack(context) && this.layers.isReady;
    this.dates.draw(context, (swipeX) => {
      if (this.layers.draw(context, camera, swipeX, this.isHidden)) this.tellFirst();
      this.drawGrid(context);
      for (const box of data.boxes ?? []) this.outline(context, box, "#ffffff", 1.5);
    });
    this.readout.tell(this);
    this.tellSeen();
    this.controls.pressPreset(data.presets, view);
    Object.assign(this.canvas.dataset, {
      ready: isReady, slice: view.slice + 1, centre: Math.round(view.centre), width: Math.round(view.width), zoom: camera.zoom.toFixed(2),
    });
  }

  // For whoever measures: when there was something to see.
  tellFirst() {
    if (this.key === this.toldFirst) return;
    this.toldFirst = this.key;
    performance.mark(FIRST_IMAGE);
    this.canvas.dataset.seen = true;
  }

  // Where the eye is close the server may draw sharper; it hears of the place once the hand rests. A whole view that nobody left is no news.
  tellSeen() {
    const seen = this.camera.seen.map(Math.round).join(" ");
    if (!this.data.tellsSeen || seen === this.seen || (!this.seen && this.camera.zoom <= 1)) return;
    this.seen = seen;
    clearTimeout(this.telling);
    this.telling = setTimeout(() => this.sendSeen({ key: this.key, box: this.camera.seen }), 2 * SETTLED_AFTER_MS);
  }

  drawStack(context) {
    const { stack, camera, view, data } = this;
    const missing = this.find(".missing");
    missing.hidden = true;
    if (!data.stack) return true;
    stack.fetchAround(view.slice);
    const picture = stack.paint(view.slice, view);
    missing.textContent = stack.whyMissing(view.slice);
    missing.hidden = !missing.textContent;
    if (!picture) return false;
    const [x, y, width, height] = camera.place([0, 0, data.columns, data.rows]);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, x, y, width, height);
    const overlay = stack.overlay(view.slice);
    if (overlay.picture && !this.isHidden) context.drawImage(overlay.picture, x, y, width, height);
    this.tellFirst();
    return overlay.isReady && stack.has(view.slice);
  }

  drawGrid(context) {
    const { grid } = this.data;
    if (!grid) return;
    const cell = (row, column) => [
      grid.box[0] + (column * grid.box[2]) / grid.columns, grid.box[1] + (row * grid.box[3]) / grid.rows,
      grid.box[2] / grid.columns, grid.box[3] / grid.rows,
    ];
    this.brush.draw(context, cell);
    const { cursor, drag } = this.hands;
    const under = cursor && !drag && this.cellAt(...this.camera.toSource(...cursor));
    if (under) this.outline(context, cell(...under), "rgba(255, 255, 255, 0.55)", 1);
    if (grid.clicked) this.outline(context, cell(...grid.clicked), "#ffffff", 2);
  }

  cellAt(column, row) {
    const { box, rows, columns } = this.data.grid;
    const x = Math.floor(((column - box[0]) / box[2]) * columns);
    const y = Math.floor(((row - box[1]) / box[3]) * rows);
    return x >= 0 && y >= 0 && x < columns && y < rows ? [y, x] : null;
  }

  outline(context, box, colour, line) {
    const [x, y, width, height] = this.camera.place(box);
    context.lineWidth = line + 2;
    context.strokeStyle = "rgba(0, 0, 0, 0.6)";
    context.strokeRect(x, y, width, height);
    context.lineWidth = line;
    context.strokeStyle = colour;
    context.strokeRect(x, y, width, height);
  }

  // ------------------------------------------------------------ what the user does

  listen() {
    this.canvas.ondblclick = () => { this.camera.reset(); this.redraw(); };
    this.slider.oninput = () => this.goTo(Number(this.slider.value) - 1);
    this.find(".invert").onclick = () => this.invert();
    this.find(".reset").onclick = () => this.restore();
    this.find(".hide").onclick = () => this.hide();
    this.find(".keys").onclick = () => this.keys.tell();
    this.root.onpointerenter = () => { this.isPointedAt = true; };
    this.root.onpointerleave = () => { this.isPointedAt = false; };
  }

  zoomBy(factor) {
    this.camera.zoomAt(this.camera.width / 2, this.camera.height / 2, factor);
    this.redraw();
  }

  goTo(slice) {
    const last = (this.data.stack?.count ?? 1) - 1;
    const wanted = Math.min(last, Math.max(0, slice));
    if (wanted === this.view.slice) return;
    this.view.slice = wanted;
    this.redraw();
    this.settle();
  }

  take(preset) {
    Object.assign(this.view, { centre: preset.centre, width: preset.width, shape: preset.shape ?? "LINEAR", usesCurve: Boolean(preset.usesCurve) });
    this.redraw();
    this.settle(0);
  }

  invert() {
    if (!this.data.stack) return;
    this.view.inverted = !this.view.inverted;
    this.redraw();
    this.settle();
  }

  restore() {
    const { slice } = this.view;
    this.view = { ...this.data.initial, slice };
    this.camera.reset();
    this.redraw();
    this.settle();
  }

  hide() {
    this.isHidden = !this.isHidden;
    this.redraw();
  }

  // The server hears of a view once the hand rests.
  settle(after = SETTLED_AFTER_MS) {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.send({ ...this.view, key: this.key }), after);
  }
}

const viewers = new WeakMap();

export default function ({ parentElement, data, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".viewer");
  if (!viewers.has(root)) viewers.set(root, new Viewer(parentElement));
  viewers.get(root).show(data, setStateValue, setTriggerValue);
}
