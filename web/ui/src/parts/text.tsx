// Texts that devices gave. They may hold anything: markup (Preact only ever makes text nodes of them), marks that turn the direction of writing
// (bdi keeps them from what stands beside), control characters, ten thousand letters.
import type { ComponentChildren } from "preact";

/** C0 and C1 controls, and the marks that override direction and could make a name read as another: each is shown as a visible stand-in. */
const unseen = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** s in one line, with a visible character for each that is not. */
export function visible(s: string): string {
  return s.replace(unseen, (c) => (c === "\n" || c === "\t" || c === "\r" ? " " : "\u00b7"));
}

/** A device's text, isolated, clipped where it does not fit, whole in its title. */
export function Text({ of, max = 120, empty }: { of: string | null | undefined; max?: number; empty?: ComponentChildren }) {
  if (!of) return <>{empty}</>;
  const shown = visible(of);
  const cut = shown.length > max ? shown.slice(0, max).replace(/[\ud800-\udbff]$/, "") + "…" : shown;
  return <bdi class="clip" title={shown.length > 16 ? shown.slice(0, 1000) : undefined}>{cut}</bdi>;
}
