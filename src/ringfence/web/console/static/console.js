// The colours, chosen before the first paint; and word to the server that somebody is there.
(() => {
  const cookie = "ringfence_theme";
  const root = document.documentElement;
  const chosen = () => (document.cookie.match(/(?:^|; )ringfence_theme=(light|dark)/) || [])[1] || "auto";

  const apply = (theme) => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    if (window.Quasar) Quasar.Dark.set(theme === "auto" ? "auto" : theme === "dark");
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === theme));
    }
    window.dispatchEvent(new Event("console-theme"));
  };
  apply(chosen());

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-theme-choice]");
    if (!button) return;
    const theme = button.dataset.themeChoice;
    document.cookie = `${cookie}=${theme}; path=/; max-age=31536000; samesite=strict`;
    apply(theme);
    if (window.emitEvent) emitEvent("console_theme");
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    if (window.emitEvent) emitEvent("console_theme");
  });

  // A native range input tells the server where it is, under the event name that it carries.
  document.addEventListener("input", (event) => {
    const name = event.target.dataset && event.target.dataset.tells;
    if (name && window.emitEvent) emitEvent(name, Number(event.target.value));
  });

  let told = Date.now();
  const tell = () => {
    if (Date.now() - told < 20000 || !window.emitEvent) return;
    told = Date.now();
    emitEvent("console_active");
  };
  for (const kind of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
    addEventListener(kind, tell, { passive: true, capture: true });
  }

  // A colour of the page, for charts, which draw on a canvas and know no CSS.
  window.consoleColour = (name) => {
    const probe = document.createElement("i");
    probe.style.color = `var(${name})`;
    root.append(probe);
    const colour = getComputedStyle(probe).color;
    probe.remove();
    return colour;
  };
})();
