// Keys of the viewers on a page, and the sheet that lists them.

class Keys {
  constructor(viewer) {
    this.viewer = viewer;
    this.isTelling = false;
    onPage.add(viewer);
  }

  press(event) {
    const { viewer } = this;
    if (viewer.brush.isOn && viewer.brush.key(event.key.toLowerCase())) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    const preset = viewer.data.presets[Number(event.key) - 1];
    const actions = {
      b: viewer.dates.isThere ? () => viewer.dates.choose("blink") : null,
      s: viewer.dates.isThere ? () => viewer.dates.choose("beside") : null,
      i: () => viewer.invert(), r: () => viewer.restore(), h: () => viewer.hide(),
      arrowup: () => viewer.goTo(viewer.view.slice - 1), arrowdown: () => viewer.goTo(viewer.view.slice + 1),
      pageup: () => viewer.goTo(viewer.view.slice - 10), pagedown: () => viewer.goTo(viewer.view.slice + 10),
      home: () => viewer.goTo(0), end: () => viewer.goTo((viewer.data.stack?.count ?? 1) - 1),
      "?": () => this.tell(), escape: this.isTelling ? () => this.tell() : null,
      "+": () => viewer.zoomBy(1.25), "=": () => viewer.zoomBy(1.25), "-": () => viewer.zoomBy(0.8),
    };
    const action = preset ? () => viewer.take(preset) : actions[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  // The sheet of keys; what this viewer cannot do is not on it.
  tell() {
    const { viewer } = this;
    this.isTelling = !this.isTelling;
    const { stack, presets, layers, canPick } = viewer.data;
    const rows = [
      presets.length && [presets.map((_, index) => index + 1).join(" "), presets.map((preset) => preset.name).join(", ")],
      stack?.count > 1 && ["wheel, \u2191 \u2193", "previous and next slice"],
      stack?.count > 1 && ["Page Up, Page Down", "ten slices"],
      stack?.count > 1 && ["Home, End", "first and last slice"],
      stack && ["drag", "window: right is wider, down is a higher level"],
      viewer.brush.isOn && ["drag, arrows and space", "paint, and erase what is painted"],
      [stack || viewer.brush.isOn ? "Shift + drag" : "drag", "move the image"],
      [stack?.count > 1 ? "Ctrl + wheel, + \u2212" : "wheel, + \u2212", "zoom"],
      ["double click", "fit the image"],
      stack && ["I", "invert"],
      stack && ["R", "window and zoom as at first"],
      viewer.dates.isThere && ["B", "both dates in turn, in one place"],
      viewer.dates.isThere && ["S", "both dates side by side"],
      layers.some((layer) => !layer.ground) && ["H", "hide what lies over the image"],
      canPick && viewer.data.grid && ["click", "read a patch"],
      ["?", "this list"],
    ];
    viewer.controls.dressKeys(rows.filter(Boolean), this.isTelling);
  }
}

// Keys work without a click first: they go to the viewer under the pointer, else to the first on the page. Whoever types keeps them, and a
// tab or a list that has the focus keeps the keys that walk through it.
const onPage = (window.sightlineViewers ??= new Set());
const WRITING = "input, textarea, select, [contenteditable=true], [role=combobox], [role=dialog] *";
const WALKED = "[role=tab], [role=radio], [role=option], [role=slider], [role=menuitem]";
const WALKING = ["ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"];

function viewerOfKeys() {
  for (const viewer of onPage) if (!viewer.root.isConnected) onPage.delete(viewer);
  const all = [...onPage].filter((viewer) => viewer.data && viewer.root.getClientRects().length);
  return all.find((viewer) => viewer.isPointedAt) ?? all.find((viewer) => !viewer.data.plain);
}

function hearKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.composedPath()[0];
  if (target.matches?.(WRITING) || (WALKING.includes(event.key) && target.matches?.(WALKED))) return;
  viewerOfKeys()?.keys.press(event);
}

window.sightlineKeys?.abort();
window.sightlineKeys = new AbortController();
window.addEventListener("keydown", hearKey, { capture: true, signal: window.sightlineKeys.signal });
