// Cells of the grid that a hand paints: by drag, or by arrow keys and the space bar. The server hears of them when a stroke ends.

class Brush {
  // cells: numbers of the painted cells, row by row from 0. at: [row, column] of the keyboard's cell, null before it was used.
  constructor(viewer) {
    this.viewer = viewer;
    this.cells = new Set();
    this.at = null;
  }

  get isOn() {
    return Boolean(this.viewer.data?.brush && this.viewer.data.grid);
  }

  // What the server says stands, but not in the middle of a stroke.
  show(grid) {
    if (!this.viewer.hands.drag?.paints) this.cells = new Set(grid?.painted ?? []);
  }

  // A stroke that begins on a painted cell takes cells away.
  begin(cursor) {
    const cell = this.cellUnder(cursor);
    const stroke = { erases: cell !== null && this.cells.has(cell), last: cursor };
    this.set(cell, stroke.erases);
    return stroke;
  }

  // Every cell between the last place and this one: a quick hand leaves no gaps.
  go(stroke, cursor) {
    const [dx, dy] = [cursor[0] - stroke.last[0], cursor[1] - stroke.last[1]];
    const steps = Math.max(1, Math.ceil(Math.hypot(dx, dy) / 4));
    for (let step = 1; step <= steps; step += 1) {
      this.set(this.cellUnder([stroke.last[0] + (dx * step) / steps, stroke.last[1] + (dy * step) / steps]), stroke.erases);
    }
    stroke.last = cursor;
  }

  set(cell, isErased) {
    if (cell === null) return;
    if (isErased) this.cells.delete(cell);
    else this.cells.add(cell);
    this.viewer.redraw();
  }

  cellUnder(cursor) {
    const found = this.viewer.cellAt(...this.viewer.camera.toSource(...cursor));
    return found && found[0] * this.viewer.data.grid.columns + found[1];
  }

  key(name) {
    const { rows, columns } = this.viewer.data.grid;
    const step = { arrowup: [-1, 0], arrowdown: [1, 0], arrowleft: [0, -1], arrowright: [0, 1] }[name];
    if (step) {
      const [row, column] = this.at ?? [Math.floor(rows / 2), Math.floor(columns / 2)];
      const clamp = (value, most) => Math.min(most - 1, Math.max(0, value));
      this.at = this.at ? [clamp(row + step[0], rows), clamp(column + step[1], columns)] : [row, column];
      this.viewer.redraw();
      return true;
    }
    if (name !== " " || !this.at) return false;
    const cell = this.at[0] * columns + this.at[1];
    this.set(cell, this.cells.has(cell));
    this.tell();
    return true;
  }

  tell() {
    this.viewer.sendPainted({ key: this.viewer.key, cells: [...this.cells].sort((one, other) => one - other) });
  }

  draw(context, cellBox) {
    const { columns } = this.viewer.data.grid;
    context.fillStyle = "rgba(224, 164, 88, 0.55)";
    for (const cell of this.cells) {
      const [x, y, width, height] = this.viewer.camera.place(cellBox(Math.floor(cell / columns), cell % columns));
      context.fillRect(x, y, width, height);
    }
    if (this.isOn && this.at) this.viewer.outline(context, cellBox(...this.at), "#e0a458", 2);
  }
}
