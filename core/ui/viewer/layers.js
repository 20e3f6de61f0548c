// Pictures that lie over the source: overlays, class maps, two dates. Each has a box in source pixels, an opacity and a side of the swipe bar.

const MOST_RETRIES = 6;
const FIRST_WAIT_MS = 300; // doubled each time: the last one after some twenty seconds

class Layers {
  constructor(onArrival) {
    this.onArrival = onArrival;
    this.pictures = new Map(); // url -> HTMLImageElement
    this.drawn = new Map(); // id -> the picture that was drawn last: a map that grows keeps it until the next one is there
    this.all = [];
    this.chosen = new Map(); // id -> {on, opacity}: what the user set outlives a redraw by the server
  }

  show(layers) {
    this.all = layers;
    const urls = new Set(layers.map((layer) => layer.url));
    const ids = new Set(layers.map((layer) => layer.id));
    for (const id of [...this.drawn.keys()]) if (!ids.has(id)) this.drawn.delete(id);
    for (const url of [...this.pictures.keys()]) if (!urls.has(url)) this.pictures.delete(url);
    for (const layer of layers) {
      if (!this.pictures.has(layer.url)) this.fetchOne(layer.url);
      const known = this.chosen.get(layer.id);
      const given = `${layer.on}|${layer.opacity}`;
      if (!known || known.given !== given) this.chosen.set(layer.id, { on: layer.on, opacity: layer.opacity, given });
    }
  }

  // A run of the page that was broken off may have let a picture go that the next one shows again: it is asked for anew.
  fetchOne(url, tried = 0) {
    const picture = new Image();
    this.pictures.set(url, picture);
    picture.onload = () => this.onArrival();
    picture.onerror = () => {
      if (this.pictures.get(url) !== picture) return;
      this.pictures.delete(url);
      if (tried < MOST_RETRIES) setTimeout(() => this.fetchAgain(url, tried + 1), FIRST_WAIT_MS * 2 ** tried);
    };
    picture.src = url;
  }

  fetchAgain(url, tried) {
    if (!this.pictures.has(url) && this.all.some((layer) => layer.url === url)) this.fetchOne(url, tried);
  }

  get hasSides() {
    return this.all.some((layer) => layer.side !== "both");
  }

  setting(id) {
    return this.chosen.get(id);
  }

  get isReady() {
    return this.all.every((layer) => this.pictures.get(layer.url)?.complete);
  }

  pictureOf(layer) {
    const newest = this.pictures.get(layer.url);
    if (newest?.complete && newest.naturalWidth) this.drawn.set(layer.id, newest);
    else if (layer.ground) return undefined; // another date must not stand under its name
    return this.drawn.get(layer.id);
  }

  // hidden: the hide key is held for everything but the ground. Whether there was anything to draw.
  draw(context, camera, swipeX, hidden) {
    let isDrawn = false;
    for (const layer of this.all) {
      const { on, opacity } = this.chosen.get(layer.id);
      const picture = this.pictureOf(layer);
      if (!on || opacity === 0 || (hidden && !layer.ground) || !picture) continue;
      context.save();
      if (layer.side !== "both") {
        context.beginPath();
        if (layer.side === "before") context.rect(0, 0, swipeX, camera.height);
        else context.rect(swipeX, 0, camera.width - swipeX, camera.height);
        context.clip();
      }
      context.globalAlpha = opacity;
      const [x, y, width, height] = camera.place(layer.box);
      context.imageSmoothingEnabled = layer.smooth && width < picture.naturalWidth * 4;
      context.imageSmoothingQuality = "high";
      context.drawImage(picture, x, y, width, height);
      context.restore();
      isDrawn = true;
    }
    return isDrawn;
  }
}
