/** Light or dark: as the machine has it, unless somebody chose. */

import { h } from "./dom.ts";
import { sign } from "./icons.ts";

const THEMES = ["auto", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];
const KEY = "brume-theme";
const NAMES: Record<Theme, string> = { auto: "as the machine has it", light: "light", dark: "dark" };

export function themeButton(): HTMLElement {
  let theme: Theme = stored();
  const button = h("button", { type: "button", class: "sign theme" }, sign("theme"));
  const apply = (): void => {
    document.documentElement.dataset["theme"] = theme;
    const label = `Colours: ${NAMES[theme]}`;
    button.setAttribute("aria-label", label);
    button.title = label;
  };
  button.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "auto";
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // Without a store the choice lasts as long as the page.
    }
    apply();
  });
  apply();
  return button;
}

function stored(): Theme {
  try {
    const found = localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === found) ?? "auto";
  } catch {
    return "auto";
  }
}
