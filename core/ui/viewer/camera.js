// Where the source lies on the canvas: fitted, zoomed about a point, panned. Lengths are CSS pixels, positions source pixels.

class Camera {
  constructor() {
    this.columns = 1;
    this.rows = 1;
    this.aspect = 1; // height of a pixel by its width
    this.reset();
  }

  reset() {
    this.zoom = 1;
    this.panX = 0;
    this.panY = 0;
  }

  look(columns, rows, aspect) {
    this.columns = columns;
    this.rows = rows;
    this.aspect = aspect;
  }

  resize(width, height) {
    this.width = width;
    this.height = height;
  }

  get scale() {
    return Math.min(this.width / this.columns, this.height / (this.rows * this.aspect)) * this.zoom;
  }

  toScreen(column, row) {
    const scale = this.scale;
    return [
      this.width / 2 + (column - this.columns / 2 - this.panX) * scale,
      this.height / 2 + (row - this.rows / 2 - this.panY) * scale * this.aspect,
    ];
  }

  toSource(x, y) {
    const scale = this.scale;
    return [
      (x - this.width / 2) / scale + this.columns / 2 + this.panX,
      (y - this.height / 2) / (scale * this.aspect) + this.rows / 2 + this.panY,
    ];
  }

  // The box [left, top, width, height] in source pixels, on the canvas.
  place(box) {
    const [x, y] = this.toScreen(box[0], box[1]);
    return [x, y, box[2] * this.scale, box[3] * this.scale * this.aspect];
  }

  // What of the source is in view: [left, top, width, height] in its pixels.
  get seen() {
    const [left, top] = this.toSource(0, 0).map((value) => Math.max(0, value));
    const [right, bottom] = this.toSource(this.width, this.height);
    return [left, top, Math.min(this.columns, right) - left, Math.min(this.rows, bottom) - top];
  }

  zoomAt(x, y, factor) {
    const [column, row] = this.toSource(x, y);
    this.zoom = Math.min(64, Math.max(0.5, this.zoom * factor));
    const [columnNow, rowNow] = this.toSource(x, y);
    this.panX += column - columnNow;
    this.panY += row - rowNow;
    this.keepInSight();
  }

  panBy(dx, dy) {
    this.panX -= dx / this.scale;
    this.panY -= dy / (this.scale * this.aspect);
    this.keepInSight();
  }

  // Brings a box [left, top, width, height] into view with some room around it.
  goTo(box) {
    this.zoom = 1;
    const room = 3;
    const wanted = Math.min(this.width / (box[2] * room), this.height / (box[3] * this.aspect * room));
    this.zoom = Math.min(24, Math.max(1, wanted / this.scale));
    this.panX = box[0] + box[2] / 2 - this.columns / 2;
    this.panY = box[1] + box[3] / 2 - this.rows / 2;
    this.keepInSight();
  }

  keepInSight() {
    this.panX = Math.min(this.columns / 2, Math.max(-this.columns / 2, this.panX));
    this.panY = Math.min(this.rows / 2, Math.max(-this.rows / 2, this.panY));
  }
}
