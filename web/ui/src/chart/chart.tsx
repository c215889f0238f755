// One graph: uPlot draws it; what is said about it in words, the gaps and the percentiles are here.
import uPlot from "uplot";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Gap, GraphGroup } from "../api/types";
import { bits, dateTime, none, si } from "../format";
import { verdictText } from "../verdict";
import { colour, hatch } from "./colour";
import { timeLabels } from "./axis";

/** The width of the axes beside the drawing, which the time line keeps to as well. */
export const leftEdge = 66;
export const rightEdge = 14;

/** A horizontal line. */
export interface Mark {
  label: string;
  /** As drawn: below 0 where out is. */
  at: number;
  colour: string;
}

interface Props {
  group: GraphGroup;
  title: string;
  times: number[];
  from: number;
  to: number;
  gaps: Gap[];
  marks?: Mark[];
  /** What leaves is drawn below the axis. */
  mirror: boolean;
  height: number;
  onSelect: (from: number, to: number) => void;
  onPan: (share: number) => void;
  onBack: () => void;
}

const tints = ["--in", "--out", "--third", "--fourth", "--muted", "--text"];

/** How a value of the group's unit is written. */
function writer(unit: string): (v: number | null | undefined) => string {
  switch (unit) {
    case "bit/s":
      return bits;
    case "%":
      return (v) => (v == null ? none : `${v < 9.95 ? v.toFixed(1) : v.toFixed(0)} %`);
    default:
      return (v) => si(v, unit === "packet/s" ? "pkt/s" : "/s").replace(" /s", "/s");
  }
}

const isOut = (name: string): boolean => name === "out" || name.startsWith("out ");

/** The columns that uPlot is given: times, averages, and where there are any the largest, as a fainter line. */
export function columns(p: Pick<Props, "group" | "times" | "mirror">): { data: uPlot.AlignedData; lines: { name: string; tint: string; peak: boolean; out: boolean }[] } {
  const lines: { name: string; tint: string; peak: boolean; out: boolean }[] = [];
  const data: (number | null)[][] = [];
  (p.group.series ?? []).forEach((s, i) => {
    const out = isOut(s.name);
    const turn = (v: number | null): number | null => (v === null ? null : p.mirror && out ? -v : v);
    const tint = tints[i % tints.length]!;
    if (s.max) {
      lines.push({ name: s.name, tint, peak: true, out });
      data.push(s.max.map(turn));
    }
    lines.push({ name: s.name, tint, peak: false, out });
    data.push(s.avg.map(turn));
  });
  return { data: [p.times, ...data] as uPlot.AlignedData, lines };
}

/** Points that have no neighbour: a line would not show them. */
const lonely: uPlot.Series.Points.Filter = (u, i, show) => {
  const all = u.data[i]!;
  const found: number[] = [];
  for (let k = 0; k < all.length; k++) if (all[k] != null && all[k - 1] == null && all[k + 1] == null) found.push(k);
  return show || found.length > 0 ? found : null;
};

function options(p: Props, lines: ReturnType<typeof columns>["lines"], live: { current: Props }, point: (idx: number | null) => void): uPlot.Options {
  const write = writer(p.group.unit);
  const text = colour("--muted");
  const grid = { stroke: colour("--line"), width: 1 };
  const font = "11px system-ui, sans-serif";
  return {
    width: 600, height: p.height, legend: { show: false }, padding: [8, rightEdge, 0, 0],
    cursor: {
      sync: { key: "interface", setSeries: false }, points: { size: 6 }, drag: { x: true, y: false, setScale: false },
      bind: { dblclick: () => () => (live.current.onBack(), null), mousedown: (u, _, handler) => (e) => (e.shiftKey ? (drag(u, e, live), null) : handler(e)) },
    },
    scales: {
      x: { time: true, range: () => [live.current.from, live.current.to] },
      y: { range: (_u, lo, hi) => range(lo, hi, p.group.unit, live.current.marks) },
    },
    axes: [
      { stroke: text, grid, ticks: { ...grid, size: 4 }, font, values: timeLabels, space: 70, size: 34 },
      { stroke: text, grid, ticks: { ...grid, size: 4 }, font, size: leftEdge, space: 30, values: (_u, splits) => splits.map((v) => write(Math.abs(v))) },
    ],
    series: [{}, ...lines.map((l): uPlot.Series => {
      const c = colour(l.tint);
      return {
        stroke: l.peak ? faint(c, 0.45) : c, width: l.peak ? 1 : 1.5, ...(l.out && !p.mirror && !l.peak ? { dash: [6, 3] } : {}),
        ...(l.peak || p.group.name === "errors" || (l.out && !p.mirror) ? {} : { fill: faint(c, 0.16), fillTo: 0 }), points: { filter: lonely, size: 4, fill: c },
      };
    })],
    hooks: {
      drawClear: [(u) => drawGaps(u, live.current)],
      draw: [(u) => drawMarks(u, live.current)],
      setCursor: [(u) => point(u.cursor.left !== undefined && u.cursor.left >= 0 ? u.posToVal(u.cursor.left, "x") : null)],
      setSelect: [(u) => {
        if (u.select.width > 3) live.current.onSelect(Math.floor(u.posToVal(u.select.left, "x")), Math.ceil(u.posToVal(u.select.left + u.select.width, "x")));
        u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      }],
    },
  };
}

/** A colour of rgb(), and so transparent. */
const faint = (c: string, alpha: number): string => `rgba(${(c.match(/[\d.]+/g) ?? []).slice(0, 3).join()},${alpha})`;

/** Room above and below, 0 always in sight, and marks as well. */
function range(lo: number | null, hi: number | null, unit: string, marks: Mark[] = []): [number, number] {
  const least = unit === "%" ? 1 : unit === "bit/s" ? 1000 : 1;
  const all = [lo ?? 0, hi ?? 0, ...marks.map((m) => m.at)];
  const top = Math.max(0, ...all);
  const bottom = Math.min(0, ...all);
  if (top === 0 && bottom === 0) return [0, least];
  return [bottom * 1.08, Math.max(top * 1.08, bottom < 0 ? 0 : least / 10)];
}

/** Shift and drag: the drawing moves with the pointer, and is fetched anew where it is let go. */
function drag(u: uPlot, start: MouseEvent, live: { current: Props }): void {
  const up = (e: MouseEvent): void => {
    document.removeEventListener("mouseup", up);
    const share = (start.clientX - e.clientX) / u.over.clientWidth;
    if (Math.abs(share) > 0.005) live.current.onPan(share);
  };
  document.addEventListener("mouseup", up);
}

function drawGaps(u: uPlot, p: Props): void {
  const { left, top, width, height } = u.bbox;
  u.ctx.save();
  u.ctx.beginPath();
  u.ctx.rect(left, top, width, height);
  u.ctx.clip();
  for (const g of p.gaps) {
    if (g.reason === "future") continue;
    const x = u.valToPos(Math.max(g.from, p.from), "x", true);
    const end = u.valToPos(Math.min(g.to, p.to), "x", true);
    u.ctx.fillStyle = hatch(u.ctx, colour(g.reason === "no data" ? "--line" : "--bad"));
    u.ctx.globalAlpha = g.reason === "no data" ? 0.6 : 0.28;
    u.ctx.fillRect(x, top, Math.max(end - x, 2 * devicePixelRatio), height);
  }
  u.ctx.restore();
}

function drawMarks(u: uPlot, p: Props): void {
  const { left, width } = u.bbox;
  u.ctx.save();
  u.ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  u.ctx.textAlign = "right";
  for (const m of p.marks ?? []) {
    const y = Math.round(u.valToPos(m.at, "y", true)) + 0.5;
    u.ctx.strokeStyle = colour(m.colour);
    u.ctx.lineWidth = devicePixelRatio;
    u.ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
    u.ctx.beginPath();
    u.ctx.moveTo(left, y);
    u.ctx.lineTo(left + width, y);
    u.ctx.stroke();
    const base = m.at < 0 ? y + 13 * devicePixelRatio : y - 5 * devicePixelRatio;
    const wide = u.ctx.measureText(m.label).width;
    u.ctx.fillStyle = faint(colour("--bg"), 0.85);
    u.ctx.fillRect(left + width - wide - 8 * devicePixelRatio, base - 11 * devicePixelRatio, wide + 8 * devicePixelRatio, 14 * devicePixelRatio);
    u.ctx.fillStyle = colour(m.colour);
    u.ctx.fillText(m.label, left + width - 4 * devicePixelRatio, base);
  }
  u.ctx.restore();
}

/** The index of the point that stands for time, and the gap that it lies in. */
function at(p: Props, time: number): { index: number; gap: Gap | undefined } {
  const index = p.times.findIndex((t) => t >= time);
  return { index, gap: p.gaps.find((g) => time >= g.from && time <= g.to) };
}

/** What the graph shows, in a sentence. */
function summary(p: Props): string {
  const write = writer(p.group.unit);
  const parts = (p.group.series ?? []).map((s) => {
    const known = s.avg.filter((v): v is number => v !== null);
    if (known.length === 0) return `${s.name}: nothing known`;
    const peaks = (s.max ?? s.avg).filter((v): v is number => v !== null);
    return `${s.name}: last ${write(known[known.length - 1])}, average ${write(known.reduce((a, b) => a + b, 0) / known.length)}, at most ${write(Math.max(...peaks))}`;
  });
  return `${p.title} from ${dateTime(p.from * 1000)} to ${dateTime(p.to * 1000)}. ${parts.join("; ")}. ${p.gaps.filter((g) => g.reason !== "future").length} gaps.`;
}

function Legend({ p, time }: { p: Props; time: number | null }) {
  const write = writer(p.group.unit);
  const found = time === null ? undefined : at(p, time);
  const index = found?.index ?? -1;
  const known = (p.group.series ?? []).some((s) => s.avg[index] != null);
  return (
    <figcaption class="legend">
      <b>{p.title}</b>
      {(p.group.series ?? []).map((s, i) => {
        const values = s.avg;
        const last = time === null ? values.findLast((v) => v !== null) : values[index];
        return <span key={s.name}><svg class={`swatch tint-${i % tints.length}`} viewBox="0 0 14 8" aria-hidden="true"><path d="M0 4h14" class={isOut(s.name) && !p.mirror ? "dashed" : ""} /></svg>{s.name} <b class="figure">{write(last)}</b>{time !== null && s.max?.[index] != null && <small> max {write(s.max[index])}</small>}</span>;
      })}
      {time !== null && <time class="muted">{dateTime(time * 1000)}</time>}
      {found?.gap && !known && <span class="state warn" data-gap={found.gap.reason}>gap: {found.gap.text || verdictText(found.gap.reason)}</span>}
    </figcaption>
  );
}

export function Chart(p: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const live = useRef(p);
  live.current = p;
  const [time, point] = useState<number | null>(null);
  const [theme, setTheme] = useState(0);
  const { data, lines } = columns(p);
  const shape = JSON.stringify([lines, p.mirror, p.height, p.group.unit, theme]);
  useEffect(() => {
    const changed = (): void => setTheme((n) => n + 1);
    window.addEventListener("themechange", changed);
    return () => window.removeEventListener("themechange", changed);
  }, []);
  useEffect(() => {
    const target = box.current!;
    const u = new uPlot({ ...options(live.current, lines, live, point), width: Math.max(200, target.clientWidth) }, columns(live.current).data, target);
    plot.current = u;
    const size = new ResizeObserver(() => u.setSize({ width: Math.max(200, target.clientWidth), height: p.height }));
    size.observe(target);
    return () => {
      size.disconnect();
      u.destroy();
      plot.current = undefined;
    };
  }, [shape]);
  useEffect(() => plot.current?.setData(data), [p.times, p.group, p.from, p.to, p.mirror, p.gaps, p.marks]);
  const points = (p.group.series ?? []).reduce((n, s) => n + s.avg.filter((v) => v !== null).length, 0);
  return (
    <figure class="chart" data-chart={p.group.name} data-points={points}>
      <Legend p={p} time={time} />
      <div ref={box} class="plot" role="img" aria-label={summary(p)} />
    </figure>
  );
}
