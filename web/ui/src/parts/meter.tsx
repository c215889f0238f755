// Small figures beside figures. Widths and paths are set as attributes and by the CSSOM, which the Content-Security-Policy lets through.
import { bits, percent } from "../format";

/** A share of a speed, or of a storage, 0 to 1, as a bar and a number. high is the share above which it is of the colour of what is bad. */
export function Load({ share, high = 0.8 }: { share: number | null; high?: number }) {
  if (share === null) return <span class="muted">–</span>;
  const width = `${share > 0 ? Math.max(2, Math.min(100, share * 100)) : 0}%`;
  return <span><span class={share > high ? "meter high" : "meter"} aria-hidden="true"><span style={{ width }} /></span>{percent(share)}</span>;
}

const w = 92;
const h = 20;

/** The points as an SVG path; a null ends a line and begins another. */
export function path(values: readonly (number | null)[], max: number): string {
  let d = "";
  let pen = false;
  const step = values.length > 1 ? (w - 2) / (values.length - 1) : 0;
  values.forEach((v, i) => {
    if (v === null) {
      pen = false;
      return;
    }
    const x = (1 + i * step).toFixed(1);
    const y = (h - 1.5 - (max > 0 ? v / max : 0) * (h - 3)).toFixed(1);
    const alone = !pen && values[i + 1] == null;
    d += pen ? `L${x} ${y}` : alone ? `M${x} ${y}h1` : `M${x} ${y}`;
    pen = true;
  });
  return d;
}

/** How many polls a line is wide; one that has seen fewer begins further right, so that all are of one scale of time. */
const most = 30;

const whole = (values: readonly (number | null)[]): (number | null)[] => [...Array<null>(Math.max(0, most - values.length)).fill(null), ...values];

/** The last rates in (a line) and out (dashed), on one scale of their own. */
export function Spark({ inward, outward, seconds }: { inward: readonly (number | null)[]; outward: readonly (number | null)[]; seconds: number }) {
  const all = [...inward, ...outward].filter((v): v is number => v !== null);
  if (all.length === 0) return <span class="muted">–</span>;
  const max = Math.max(...all);
  const minutes = Math.max(1, Math.round((inward.length * seconds) / 60));
  return (
    <svg class="spark" viewBox={`0 0 ${w} ${h}`} preserveAspectRatio="none" role="img" aria-label={`the last ${minutes} min, at most ${bits(max)}`}>
      <title>{`the last ${minutes} min, at most ${bits(max)}; in a line, out dashed`}</title>
      <path class="out" d={path(whole(outward), max)} />
      <path class="in" d={path(whole(inward), max)} />
    </svg>
  );
}
