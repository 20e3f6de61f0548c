// Runs before Streamlit's own scripts. A secret of this origin goes along wherever the page connects: other ports of this host are other
// origins, and neither read nor write it, while cookies are the same for all ports.
(() => {
  const NAME = "sightline.key";
  const FORM = /^[0-9a-f]{64}$/;
  let key;
  try {
    if (!FORM.test(localStorage.getItem(NAME) ?? "")) {
      const bytes = crypto.getRandomValues(new Uint8Array(32));
      localStorage.setItem(NAME, [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
    }
    key = localStorage.getItem(NAME);
  } catch {
    return; // a browser that stores nothing: what is open belongs to its tab alone
  }
  const Plain = window.WebSocket;
  window.WebSocket = class extends Plain {
    constructor(url, protocols = []) {
      const isOurs = new URL(url, location.href).host === location.host;
      super(url, isOurs ? [protocols].flat().concat(`sightline.${key}`) : protocols);
    }
  };
})();
