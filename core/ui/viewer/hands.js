// What a hand does on the picture: window and move it by dragging, turn the wheel, click a place, pull the swipe bar.

const CLICK_PX = 4;
const WHEEL_STEP = 60;

class Hands {
  // cursor: [x, y] on the canvas, null where no pointer is over it. drag: what is dragged now, null where nothing is.
  constructor(viewer) {
    this.viewer = viewer;
    this.cursor = null;
    this.drag = null;
    this.wheel = 0;
    const { canvas, swipe } = viewer;
    canvas.onpointerdown = (event) => this.press(event);
    canvas.onpointermove = (event) => this.move(event);
    canvas.onpointerup = (event) => this.release(event);
    canvas.onpointercancel = () => { this.drag = null; };
    canvas.onpointerleave = () => { this.cursor = null; viewer.redraw(); };
    canvas.oncontextmenu = (event) => event.preventDefault();
    canvas.addEventListener("wheel", (event) => this.turn(event), { passive: false });
    swipe.onpointerdown = (event) => swipe.setPointerCapture(event.pointerId);
    swipe.onpointermove = (event) => { if (swipe.hasPointerCapture(event.pointerId)) this.swipeTo(event.clientX); };
    swipe.onkeydown = (event) => this.swipeKey(event);
  }

  at(event) {
    const { viewer } = this;
    const { left, top } = viewer.canvas.getBoundingClientRect();
    return viewer.dates.toCamera([event.clientX - left, event.clientY - top]);
  }

  press(event) {
    const { viewer } = this;
    viewer.canvas.focus({ preventScroll: true });
    viewer.canvas.setPointerCapture(event.pointerId);
    const paints = viewer.brush.isOn && event.button === 0 && !event.shiftKey;
    const pans = !viewer.data.stack || event.button !== 0 || event.shiftKey;
    this.drag = { x: event.clientX, y: event.clientY, lastX: event.clientX, lastY: event.clientY, pans, button: event.button, moved: false };
    this.drag.paints = paints && viewer.brush.begin(this.at(event));
    Object.assign(this.drag, { centre: viewer.view.centre, width: viewer.view.width });
  }

  move(event) {
    this.cursor = this.at(event);
    const { drag, viewer } = this;
    if (drag) {
      const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
      if (Math.abs(dx) + Math.abs(dy) >= CLICK_PX) drag.moved = true;
      if (drag.paints) viewer.brush.go(drag.paints, this.cursor);
      else if (drag.moved && drag.pans) viewer.camera.panBy(event.clientX - drag.lastX, event.clientY - drag.lastY);
      else if (drag.moved && !drag.pans) this.dragWindow(dx, dy);
      Object.assign(drag, { lastX: event.clientX, lastY: event.clientY });
      viewer.canvas.classList.toggle("moving", drag.moved);
    }
    viewer.redraw();
  }

  // Right is wider, down is a higher level, as in OHIF; a step is a share of the first width, so that an 8-bit and a CT image feel alike.
  dragWindow(dx, dy) {
    const { viewer } = this;
    const step = Math.max(viewer.data.initial.width, 1) / 400;
    viewer.view.width = Math.max(1, this.drag.width + dx * step);
    viewer.view.centre = this.drag.centre + dy * step;
    viewer.view.usesCurve = false;
  }

  release(event) {
    const { drag, viewer } = this;
    this.drag = null;
    viewer.canvas.classList.remove("moving");
    if (!drag) return;
    if (drag.paints) return viewer.brush.tell();
    if (drag.moved && !drag.pans) return viewer.settle(0);
    if (drag.moved || drag.button !== 0) return;
    const [column, row] = viewer.camera.toSource(...this.at(event)).map(Math.floor);
    if (!viewer.data.canPick || column < 0 || row < 0 || column >= viewer.data.columns || row >= viewer.data.rows) return;
    viewer.pick({ column, row, slice: viewer.view.slice, swipe: viewer.dates.sideAt(event.clientX - viewer.canvas.getBoundingClientRect().left) });
  }

  turn(event) {
    const { viewer } = this;
    event.preventDefault();
    const hasSlices = viewer.data.stack?.count > 1;
    if (!hasSlices || event.ctrlKey || event.metaKey) {
      viewer.camera.zoomAt(...this.at(event), Math.exp(-event.deltaY / 400));
      return viewer.redraw();
    }
    this.wheel = Math.abs(event.deltaY) >= WHEEL_STEP ? Math.sign(event.deltaY) * WHEEL_STEP : this.wheel + event.deltaY;
    if (Math.abs(this.wheel) < WHEEL_STEP) return undefined;
    viewer.goTo(viewer.view.slice + Math.sign(this.wheel));
    this.wheel = 0;
    return undefined;
  }

  swipeTo(clientX) {
    const { viewer } = this;
    const { left, width } = viewer.stage.getBoundingClientRect();
    viewer.view.swipe = Math.min(1, Math.max(0, (clientX - left) / width));
    viewer.redraw();
    viewer.settle();
  }

  swipeKey(event) {
    const { viewer } = this;
    const step = { ArrowLeft: -0.05, ArrowRight: 0.05 }[event.key];
    if (!step) return;
    event.preventDefault();
    viewer.view.swipe = Math.min(1, Math.max(0, viewer.view.swipe + step));
    viewer.redraw();
    viewer.settle();
  }
}
