// The time that graphs show: the last so many seconds, following now, or from one moment to another. It stands in the query of the page.

export type Span = { last: number } | { from: number; to: number };

const units: Record<string, number> = { m: 60, h: 3600, d: 86400, w: 604800, y: 31536000 };

export const presets = ["5m", "15m", "1h", "6h", "24h", "7d", "30d", "1y"] as const;

const shortest = 60;
export const longest = 10 * 31536000;

/** Reads "6h" as seconds; undefined if it is none. */
export function seconds(text: string): number | undefined {
  const [, n, unit] = /^(\d{1,5})([mhdwy])$/.exec(text) ?? [];
  if (n === undefined || unit === undefined) return undefined;
  const s = Number(n) * (units[unit] ?? 0);
  return s >= shortest && s <= longest ? s : undefined;
}

/** Writes seconds so that seconds() reads them, in whole minutes. */
export function name(s: number): string {
  for (const unit of ["y", "d", "h", "m"]) {
    const size = units[unit]!;
    if (s % size === 0 && !(unit === "d" && s === 86400)) return s / size + unit;
  }
  return Math.max(1, Math.round(s / 60)) + "m";
}

/** The span of a query; usual where it has none that makes sense. */
export function read(query: URLSearchParams, usual: Span): Span {
  const from = Number(query.get("from") ?? NaN);
  const to = Number(query.get("to") ?? NaN);
  if (Number.isInteger(from) && Number.isInteger(to) && from > 0 && to - from >= 1 && to - from <= longest) return { from, to };
  const last = seconds(query.get("span") ?? "");
  return last === undefined ? usual : { last };
}

/** What of the query stands for a span. */
export function write(s: Span): Record<string, string | null> {
  return "last" in s ? { span: name(s.last), from: null, to: null } : { span: null, from: String(Math.round(s.from)), to: String(Math.round(s.to)) };
}

/** The parameters that ask for a span; the server's clock says what now is. */
export function ask(s: Span): { from: number; to?: number } {
  return "last" in s ? { from: -s.last } : s;
}

/** Moves by a share of its width. What would reach beyond now follows now. */
export function pan(s: Span, share: number, now: number): Span {
  const { from, to } = fixed(s, now);
  const by = Math.round((to - from) * share);
  return clamp({ from: from + by, to: to + by }, now);
}

/** From one moment to another, as a graph was moved or stretched to. What would reach beyond now follows now. */
export function between(from: number, to: number, now: number): Span {
  const width = Math.max(shortest, Math.min(longest, Math.round(to - from)));
  const middle = (from + to) / 2;
  return clamp({ from: Math.round(middle - width / 2), to: Math.round(middle - width / 2) + width }, now);
}

/** Changes the width by a factor, about its middle; about now if it follows now. */
export function zoom(s: Span, factor: number, now: number): Span {
  if ("last" in s) return { last: Math.max(shortest, Math.min(longest, Math.round((s.last * factor) / 60) * 60)) };
  const middle = (s.from + s.to) / 2;
  const half = Math.max(shortest / 2, Math.min(longest / 2, ((s.to - s.from) * factor) / 2));
  return clamp({ from: Math.round(middle - half), to: Math.round(middle + half) }, now);
}

/** From and to of what is shown now. */
export function fixed(s: Span, now: number): { from: number; to: number } {
  const n = Math.round(now);
  return "last" in s ? { from: n - s.last, to: n } : s;
}

function clamp(s: { from: number; to: number }, now: number): Span {
  if (s.to < now) return s;
  const width = s.to - s.from;
  return width % 60 === 0 ? { last: width } : { from: Math.round(now) - width, to: Math.round(now) };
}
