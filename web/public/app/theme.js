// Loaded before the first paint by every page, so that a chosen theme never flashes the other one.
(() => {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  const read = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // storage is switched off: the system's preference stands
    }
  };

  const keep = (theme) => {
    try {
      localStorage.setItem("theme", theme);
    } catch {
      return; // it lasts as long as the page
    }
  };

  const present = () => root.dataset.theme || (dark.matches ? "dark" : "light");

  const label = () => {
    const other = present() === "dark" ? "light" : "dark";
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.textContent = `Use ${other} theme`;
      button.hidden = false;
    }
  };

  const stored = read();
  if (stored === "light" || stored === "dark") root.dataset.theme = stored;

  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-theme-switch]")) return;
    root.dataset.theme = present() === "dark" ? "light" : "dark";
    keep(root.dataset.theme);
    label();
    window.dispatchEvent(new CustomEvent("themechange"));
  });
  dark.addEventListener("change", () => {
    label();
    window.dispatchEvent(new CustomEvent("themechange"));
  });
  document.addEventListener("DOMContentLoaded", label);
})();
