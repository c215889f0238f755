// Colours of the style sheet, for a canvas.

let probe: HTMLElement | undefined;
const known = new Map<string, string>();
window.addEventListener("themechange", () => known.clear());

/** The colour that a custom property stands for in the present theme, as rgb(). */
export function colour(property: string): string {
  let c = known.get(property);
  if (c === undefined) {
    if (!probe) {
      probe = document.createElement("span");
      probe.hidden = true;
      probe.style.forcedColorAdjust = "none"; // in high contrast all would be of one colour
      document.body.append(probe);
    }
    probe.style.color = `var(${property})`;
    c = getComputedStyle(probe).color;
    known.set(property, c);
  }
  return c;
}

const tile = 8;

/** Diagonal lines in a colour: a gap is told from a value by more than its colour. */
export function hatch(ctx: CanvasRenderingContext2D, c: string): CanvasPattern | string {
  const size = tile * devicePixelRatio;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const draw = canvas.getContext("2d");
  if (!draw) return c;
  draw.strokeStyle = c;
  draw.lineWidth = 1.5 * devicePixelRatio;
  for (const x of [-size, 0, size]) {
    draw.moveTo(x - 1, size + 1);
    draw.lineTo(x + size + 1, -1);
  }
  draw.stroke();
  return ctx.createPattern(canvas, "repeat") ?? c;
}
