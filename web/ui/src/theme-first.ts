// Runs before the page is drawn, so that a dark page does not flash white.
import { applyTheme, theme } from "./theme";

applyTheme(theme());
