// Light or dark: as the system has it, or as the person chose, which the browser remembers.

export type Theme = "auto" | "light" | "dark";
const key = "walkabout.theme";

/** The choice; "auto" is the system's. */
export function theme(): Theme {
  try {
    const v = localStorage.getItem(key);
    return v === "light" || v === "dark" ? v : "auto";
  } catch {
    return "auto"; // storage may be forbidden
  }
}

/** Applies a choice and remembers it. Charts, which draw with colours of their own, listen for "themechange" on window. */
export function setTheme(t: Theme): void {
  try {
    if (t === "auto") localStorage.removeItem(key);
    else localStorage.setItem(key, t);
  } catch {
    // it holds until the page is left
  }
  applyTheme(t);
  window.dispatchEvent(new Event("themechange"));
}

/** Applies t to the document. */
export function applyTheme(t: Theme): void {
  if (t === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = t;
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => window.dispatchEvent(new Event("themechange")));
