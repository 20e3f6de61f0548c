// Two dates: pulled apart by the swipe bar, one after the other in one place, or side by side through one camera.

const BLINK_MS = 700;

class Dates {
  constructor(viewer) {
    this.viewer = viewer;
    this.mode = "swipe";
    this.showsAfter = false;
    viewer.find(".blink").onclick = () => this.choose("blink");
    viewer.find(".beside").onclick = () => this.choose("beside");
  }

  get isThere() {
    return this.viewer.layers.hasSides;
  }

  // The same mode again goes back to the swipe bar.
  choose(mode) {
    if (!this.isThere) return;
    this.mode = this.mode === mode ? "swipe" : mode;
    clearInterval(this.timer);
    this.showsAfter = false;
    if (this.mode === "blink") {
      this.timer = setInterval(() => {
        if (!this.viewer.root.isConnected) return clearInterval(this.timer);
        this.showsAfter = !this.showsAfter;
        return this.viewer.redraw();
      }, BLINK_MS);
    }
    this.dress();
    this.viewer.redraw();
  }

  dress() {
    const { viewer } = this;
    for (const mode of ["blink", "beside"]) {
      const button = viewer.find(`.${mode}`);
      button.hidden = !this.isThere;
      button.setAttribute("aria-pressed", String(this.mode === mode));
    }
    viewer.swipe.hidden = !this.isThere || this.mode !== "swipe";
  }

  // Each part of the canvas that shows the source: [left edge, width, shift of the source, where the swipe bar would stand].
  get panes() {
    const { width } = this.viewer.camera;
    const mode = this.isThere ? this.mode : "swipe";
    if (mode === "beside") return [[0, width / 2, -width / 4, width], [width / 2, width / 2, width / 4, 0]];
    return [[0, width, 0, mode === "blink" ? (this.showsAfter ? 0 : width) : width * this.viewer.view.swipe]];
  }

  // draw(swipeX): everything on the source, once for each pane.
  draw(context, draw) {
    const { camera } = this.viewer;
    const isParted = this.panes.length > 1;
    for (const [left, width, shift, swipeX] of this.panes) {
      context.save();
      if (isParted) {
        context.beginPath();
        context.rect(left, 0, width, camera.height);
        context.clip();
        context.translate(shift, 0);
      }
      draw(swipeX);
      context.restore();
    }
    if (isParted) {
      context.fillStyle = "#fff";
      context.fillRect(camera.width / 2 - 1, 0, 2, camera.height);
    }
    const isBlinking = this.isThere && this.mode === "blink";
    for (const [side, shown] of [["left", !this.showsAfter], ["right", this.showsAfter]]) {
      this.viewer.find(`.corner.top.${side}`).style.visibility = isBlinking && !shown ? "hidden" : "";
    }
  }

  // A place on the canvas as the camera knows it.
  toCamera([x, y]) {
    const pane = this.panes.find(([left, width]) => x >= left && x < left + width) ?? this.panes[0];
    return [x - pane[2], y];
  }

  sideAt(x) {
    const pane = this.panes.find(([left, width]) => x >= left && x < left + width) ?? this.panes[0];
    return x - pane[2] < pane[3] ? "before" : "after";
  }
}
