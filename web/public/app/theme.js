// Loaded before the first paint by every page, so that a chosen theme never flashes the other one.
(() => {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const KEY = "theme";

  const system = () => (dark.matches ? "dark" : "light");
  const present = () => root.dataset.theme || system();

  const read = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage is switched off: the system's preference stands
    }
  };

  const keep = (theme) => {
    try {
      if (theme) localStorage.setItem(KEY, theme);
      else localStorage.removeItem(KEY);
    } catch {
      return; // it lasts as long as the page
    }
  };

  const apply = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  };

  const label = () => {
    const text = `Use ${present() === "dark" ? "light" : "dark"} theme`;
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.textContent = text;
      button.title = text;
      button.hidden = false;
    }
  };

  const changed = () => {
    label();
    window.dispatchEvent(new CustomEvent("themechange"));
  };

  apply(read());

  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-theme-switch]")) return;
    const wanted = present() === "dark" ? "light" : "dark";
    // Who goes back to what the system says follows the system again.
    const chosen = wanted === system() ? null : wanted;
    apply(chosen);
    keep(chosen);
    changed();
  });
  dark.addEventListener("change", changed);
  window.addEventListener("storage", (event) => {
    if (event.key !== KEY) return;
    apply(event.newValue);
    changed();
  });
  document.addEventListener("DOMContentLoaded", label);
})();
