// Dark or light: the system's choice until the reader makes one, kept in a cookie for the server.

const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");

export function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
}

export function toggleTheme() {
  root.dataset.theme = isDark() ? "light" : "dark";
  document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
  announce();
}

// The computed colour behind a variable, for canvases.
export function colour(name) {
  return getComputedStyle(root).getPropertyValue(`--c-${name}`).trim();
}

function announce() {
  document.dispatchEvent(new CustomEvent("themechange"));
}

system.addEventListener("change", announce);
document.getElementById("theme")?.addEventListener("click", toggleTheme);
