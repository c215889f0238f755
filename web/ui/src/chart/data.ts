// What a graph is drawn from, and said about it in words: without any drawing.
import type { Gap, GraphGroup } from "../api/types";
import { bits, dateTime, none, si } from "../format";

/** The colours of what comes in and of what goes out, in the order of the lines. */
const inward = ["in", "third", "fourth"];
const outward = ["out", "fifth", "sixth"];

/** The colours of a group's series: tint is the name of a custom property of the style sheet, without its dashes. */
export function tints(names: string[]): string[] {
  let i = 0;
  let o = 0;
  return names.map((n) => (isOut(n) ? outward[o++ % outward.length]! : inward[i++ % inward.length]!));
}

/** One line of a graph. */
export interface Line {
  name: string;
  tint: string;
  /** It is of the largest values, beside that of the averages. */
  peak: boolean;
  out: boolean;
}

/** A horizontal line. */
export interface Mark {
  label: string;
  /** As drawn: below 0 where out is. */
  at: number;
  colour: string;
}

/** How a value of the group's unit is written. */
export function writer(unit: string): (v: number | null | undefined) => string {
  switch (unit) {
    case "bit/s":
      return bits;
    case "%":
      return (v) => (v == null ? none : `${v < 0.095 ? Number(v.toPrecision(2)) : v < 9.95 ? v.toFixed(1) : v.toFixed(0)} %`);
    default:
      return (v) => unit === "packet/s" ? si(v, "pps") : si(v, "/s").replace(" /s", "/s");
  }
}

export const isOut = (name: string): boolean => name === "out" || name.startsWith("out ");

/** The columns that uPlot is given: times, averages, and where there are any the largest, as a fainter line. */
export function columns(p: { group: GraphGroup; times: number[]; mirror: boolean }): { data: [number[], ...(number | null)[][]]; lines: Line[] } {
  const lines: Line[] = [];
  const tinted = tints((p.group.series ?? []).map((s) => s.name));
  const data: (number | null)[][] = [];
  (p.group.series ?? []).forEach((s, i) => {
    const out = isOut(s.name);
    const turn = (v: number | null): number | null => (v === null ? null : p.mirror && out ? -v : v);
    const tint = tinted[i]!;
    if (s.max) {
      lines.push({ name: s.name, tint, peak: true, out });
      data.push(s.max.map(turn));
    }
    lines.push({ name: s.name, tint, peak: false, out });
    data.push(s.avg.map(turn));
  });
  return { data: [p.times, ...data], lines };
}

/** Where the hatching of a gap ends: at the first point behind it, which stands for the time since the gap, so that no blank is left between them. */
export function hatchedTo(g: Gap, p: { times: number[] }): number {
  const next = p.times.find((t) => t >= g.to);
  const step = (p.times[1] ?? 0) - (p.times[0] ?? 0);
  return next !== undefined && next - g.to <= step ? next : g.to;
}

/** Room above and below, 0 always in sight, and marks as well. */
export function range(lo: number | null, hi: number | null, unit: string, marks: Mark[] = []): [number, number] {
  const least = unit === "%" ? 1 : unit === "bit/s" ? 1000 : 1;
  const all = [lo ?? 0, hi ?? 0, ...marks.map((m) => m.at)];
  const top = Math.max(0, ...all);
  const bottom = Math.min(0, ...all);
  if (top === 0 && bottom === 0) return [0, least];
  return [bottom * 1.08, Math.max(top * 1.08, bottom < 0 ? 0 : least / 10)];
}

/**
 * The index of the point that stands for time, and the gap that time lies in, which may be shorter than what a point stands for: one that is no more than
 * slack seconds away counts, the nearest of several. A verdict says more than that nothing is stored.
 */
export function at(p: { times: number[]; gaps: Gap[] }, time: number, slack = 0): { index: number; gap: Gap | undefined } {
  const index = p.times.findIndex((t) => t >= time);
  const away = (g: Gap): number => Math.max(g.from - time, time - g.to, 0);
  const here = p.gaps.filter((g) => away(g) <= (g.reason === "no data" ? 0 : slack)).sort((a, b) => away(a) - away(b));
  return { index, gap: here.find((g) => g.reason !== "no data") ?? here[0] };
}

/** What the graph shows, in a sentence. */
export function summary(p: { title: string; group: GraphGroup; from: number; to: number; gaps: Gap[] }): string {
  const write = writer(p.group.unit);
  const parts = (p.group.series ?? []).map((s) => {
    const known = s.avg.filter((v): v is number => v !== null);
    if (known.length === 0) return `${s.name}: nothing known`;
    const peaks = (s.max ?? s.avg).filter((v): v is number => v !== null);
    return `${s.name}: last ${write(known[known.length - 1])}, average ${write(known.reduce((a, b) => a + b, 0) / known.length)}, at most ${write(Math.max(...peaks))}`;
  });
  return `${p.title} from ${dateTime(p.from * 1000)} to ${dateTime(p.to * 1000)}. ${parts.join("; ")}. ${p.gaps.filter((g) => g.reason !== "future").length} gaps.`;
}

