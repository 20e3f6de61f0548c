// The bar above the picture: windows as chips, a switch and an opacity for each layer, the colour bar.

class Controls {
  constructor(find, onPreset, onLayer) {
    this.find = find;
    this.onPreset = onPreset;
    this.onLayer = onLayer;
  }

  dressPresets(presets) {
    const chips = presets.map((preset, index) => {
      const chip = newChip(preset.name);
      const hint = document.createElement("kbd");
      hint.textContent = String(index + 1);
      chip.append(hint);
      chip.title = `Level ${preset.centre}, width ${preset.width}`;
      chip.onclick = () => this.onPreset(preset);
      return chip;
    });
    this.find(".presets").replaceChildren(...chips);
  }

  pressPreset(presets, view) {
    const chips = this.find(".presets").children;
    presets.forEach((preset, index) => {
      const isTaken = !view.usesCurve && preset.centre === view.centre && preset.width === view.width;
      chips[index].setAttribute("aria-pressed", String(isTaken));
    });
  }

  dressLayers(all, layers) {
    const named = all.filter((layer) => layer.name);
    const identity = named.map((layer) => `${layer.id}:${layer.name}`).join("|");
    if (identity !== this.dressed) this.find(".layers").replaceChildren(...named.map((layer) => this.layerControl(layer, layers)));
    this.dressed = identity;
    named.forEach((layer, index) => {
      const control = this.find(".layers").children[index];
      const { on, opacity } = layers.setting(layer.id);
      control.querySelector("button").setAttribute("aria-pressed", String(on));
      control.querySelector("input").value = Math.round(opacity * 100);
    });
  }

  layerControl(layer, layers) {
    const control = document.createElement("span");
    control.className = "layer";
    const chip = newChip(layer.name);
    const range = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 100 });
    range.setAttribute("aria-label", `Opacity of ${layer.name}`);
    chip.onclick = () => this.onLayer(layer.id, { on: !layers.setting(layer.id).on });
    range.oninput = () => this.onLayer(layer.id, { opacity: range.value / 100, on: true });
    control.append(chip, range);
    return control;
  }

  dressKeys(rows, isShown) {
    const sheet = this.find(".sheet");
    const parts = rows.flatMap(([key, words]) => [["dt", key], ["dd", words]].map(([tag, text]) => Object.assign(document.createElement(tag), { textContent: text })));
    sheet.replaceChildren(...parts);
    sheet.hidden = !isShown;
    this.find(".keys").setAttribute("aria-expanded", String(isShown));
  }

  dressColours(colours) {
    const bar = this.find(".colours");
    bar.hidden = !colours;
    if (!colours) return;
    this.find(".low").textContent = colours.low;
    this.find(".high").textContent = colours.high;
    bar.querySelector("i").style.background = `linear-gradient(to right, ${colours.stops.join(", ")})`;
  }
}

function newChip(text) {
  const chip = document.createElement("button");
  chip.type = "button";
  chip.className = "chip";
  chip.textContent = text;
  return chip;
}
