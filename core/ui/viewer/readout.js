// What stands in the corners: window, zoom, slice, the value under the cursor, the scale bar.

class Readout {
  constructor(find) {
    this.find = find;
  }

  tell(viewer) {
    const { data, view, camera } = viewer;
    const { stack } = data;
    const window_ = windowText(stack, view);
    const zoom = Math.abs(camera.zoom - 1) > 0.01 ? `zoom ${camera.zoom.toFixed(1)}×` : "";
    const share = stack ? viewer.stack.fetchedShare : 1;
    const slice = stack && stack.count > 1 ? `${view.slice + 1} / ${stack.count}` : "";
    const arriving = share < 1 ? `loading${slice && ` ${Math.round(share * 100)} %`}` : "";
    this.find(".corner.bottom.left").textContent = [window_, zoom].filter(Boolean).join("\n");
    this.find(".corner.bottom.right").textContent = [arriving, slice, data.notes?.[view.slice], underCursor(viewer)].filter(Boolean).join("\n");
    viewer.canvas.setAttribute("aria-label", [data.label, slice && `slice ${slice}`, window_].filter(Boolean).join(", "));
    viewer.slider.value = view.slice + 1;
    viewer.slider.setAttribute("aria-valuetext", `${view.slice + 1} of ${stack?.count ?? 1}`);
    this.find(".invert").setAttribute("aria-pressed", String(view.inverted));
    this.find(".hide").setAttribute("aria-pressed", String(Boolean(viewer.isHidden)));
    viewer.swipe.style.left = `${view.swipe * 100}%`;
    viewer.swipe.setAttribute("aria-valuenow", String(Math.round(view.swipe * 100)));
    this.drawScale(data.length, camera);
  }

  drawScale(length, camera) {
    const scale = this.find(".scale");
    scale.hidden = !length;
    if (!length) return;
    const perPixel = length.perPixel / camera.scale;
    const rough = perPixel * Math.min(150, camera.width / 5);
    const power = 10 ** Math.floor(Math.log10(rough));
    const nice = [5, 2, 1].map((step) => step * power).find((step) => step <= rough);
    scale.querySelector("i").style.width = `${nice / perPixel}px`;
    scale.querySelector("span").textContent = `${lengthText(nice, length.unit)} ${length.note}`;
  }
}

function windowText(stack, view) {
  if (!stack || stack.colour) return "";
  return view.usesCurve ? "window: VOI LUT of the file" : `W ${Math.round(view.width)}  L ${Math.round(view.centre)}`;
}

function underCursor(viewer) {
  const { data, camera } = viewer;
  const { cursor } = viewer.hands;
  if (!cursor) return "";
  const [column, row] = camera.toSource(...cursor);
  if (column < 0 || row < 0 || column >= data.columns || row >= data.rows) return "";
  const at = `x ${Math.floor(column)}  y ${Math.floor(row)}`;
  const value = data.stack ? viewer.stack.value(viewer.view.slice, column, row) : null;
  if (value !== null) return `${Number(value.toFixed(1))} ${data.stack.unit}\n${at}`;
  if (!data.geo) return at;
  const [a, b, c, d, e, f] = data.geo.affine;
  return `${onGround(a * column + b * row + c, d * column + e * row + f, data.geo)}\n${at}`;
}

// "47.84612° N, 10.33518° E", "601,852 m E, 5,297,760 m N"
function onGround(x, y, { digits, unit }) {
  if (unit === "°") return `${Math.abs(y).toFixed(digits)}° ${y < 0 ? "S" : "N"}, ${Math.abs(x).toFixed(digits)}° ${x < 0 ? "W" : "E"}`;
  const told = (value, side) => [value.toLocaleString("en", { maximumFractionDigits: digits }), unit, side].filter(Boolean).join(" ");
  return `${told(x, "E")}, ${told(y, "N")}`;
}

function lengthText(length, unit) {
  if (unit === "m" && length >= 1000) return `${length / 1000} km`;
  if (unit === "mm" && length >= 10) return `${length / 10} cm`;
  return `${Number(length.toPrecision(3))} ${unit}`;
}
