// One graph: uPlot draws it; what is said about it in words, the gaps and the percentiles are here.
import uPlot from "uplot";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Gap, GraphGroup } from "../api/types";
import { dateTime, short } from "../format";
import { verdictText } from "../verdict";
import { colour, hatch } from "./colour";
import { timeLabels } from "./axis";
import { touches, type View } from "./touch";
import { at, columns, hatchedTo, isOut, range, summary, tints, writer, type Line, type Mark } from "./data";

/** The width of the axes beside the drawing, which the time line keeps to as well. */
export const leftEdge = 66;
export const rightEdge = 20;

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
  /** It was moved, or stretched by fingers, and shows this. */
  onMove: (from: number, to: number) => void;
  onBack: () => void;
}

/** What the drawing reads at any moment: the latest properties, and what it shows while it is being moved. */
interface Live {
  current: Props;
  moved: View | undefined;
}

const shown = (live: Live): View => live.moved ?? live.current;

/** All points where there is room for them, else those that have no neighbour: a line would not show them. */
const lonely: uPlot.Series.Points.Filter = (u, i, show) => {
  const all = u.data[i]!;
  const found: number[] = [];
  for (let k = 0; k < all.length; k++) if (all[k] != null && all[k - 1] == null && all[k + 1] == null) found.push(k);
  return show || found.length === 0 ? null : found;
};

function options(p: Props, lines: Line[], live: Live, point: (idx: number | null) => void): uPlot.Options {
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
      x: { time: true, range: () => [shown(live).from, shown(live).to] },
      y: { range: (_u, lo, hi) => range(lo, hi, p.group.unit, live.current.marks) },
    },
    axes: [
      { stroke: text, grid, ticks: { ...grid, size: 4 }, font, values: timeLabels, space: 70, size: 34 },
      { stroke: text, grid, ticks: { ...grid, size: 4 }, font, size: leftEdge, space: 30, values: (_u, splits) => splits.map((v) => short(write(Math.abs(v)))) },
    ],
    series: [{}, ...lines.map((l): uPlot.Series => {
      const c = colour("--" + l.tint);
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
        // The other graphs select along, by positions that differ in the last bit, and have no event: theirs would be a second step in the history.
        if (u.cursor.event && u.select.width > 3) live.current.onSelect(Math.floor(u.posToVal(u.select.left, "x")), Math.ceil(u.posToVal(u.select.left + u.select.width, "x")));
        u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      }],
    },
  };
}

/** A colour of rgb(), and so transparent. */
const faint = (c: string, alpha: number): string => `rgba(${(c.match(/[\d.]+/g) ?? []).slice(0, 3).join()},${alpha})`;

/** Shift and drag: the drawing moves with the pointer, and is fetched anew where it is let go. */
function drag(u: uPlot, start: MouseEvent, live: Live): void {
  const share = (e: MouseEvent): number => (start.clientX - e.clientX) / u.over.clientWidth;
  const moved = (e: MouseEvent): View => {
    const by = share(e) * (live.current.to - live.current.from);
    return { from: live.current.from + by, to: live.current.to + by };
  };
  const move = (e: MouseEvent): void => show(u, live, moved(e));
  const up = (e: MouseEvent): void => {
    document.removeEventListener("mousemove", move);
    document.removeEventListener("mouseup", up);
    end(u, live, Math.abs(share(e)) > 0.005 ? moved(e) : undefined);
  };
  document.addEventListener("mousemove", move);
  document.addEventListener("mouseup", up);
}

function show(u: uPlot, live: Live, v: View | undefined): void {
  live.moved = v;
  u.setScale("x", { min: live.current.from, max: live.current.to }); // its range function says where it is
}

/** The moving is over; without a view all is as it was. */
function end(u: uPlot, live: Live, v: View | undefined): void {
  show(u, live, undefined);
  if (v) live.current.onMove(v.from, v.to);
}

function drawGaps(u: uPlot, p: Props): void {
  const { left, top, width, height } = u.bbox;
  u.ctx.save();
  u.ctx.beginPath();
  u.ctx.rect(left, top, width, height);
  u.ctx.clip();
  for (const g of p.gaps) {
    if (g.reason === "future") continue;
    const x = u.valToPos(g.from, "x", true);
    const end = u.valToPos(hatchedTo(g, p), "x", true);
    u.ctx.fillStyle = hatch(u.ctx, colour(g.reason === "no data" ? "--line" : "--bad"));
    u.ctx.globalAlpha = g.reason === "no data" ? 0.6 : 0.28;
    u.ctx.fillRect(x, top, Math.max(end - x, 2 * devicePixelRatio), height);
  }
  u.ctx.restore();
}

function drawMarks(u: uPlot, p: Props): void {
  const { left, top, width, height } = u.bbox;
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
    const below = m.at < 0 && y + 14 * devicePixelRatio < top + height;
    const base = below ? y + 13 * devicePixelRatio : y - 5 * devicePixelRatio;
    const wide = u.ctx.measureText(m.label).width;
    u.ctx.fillStyle = faint(colour("--bg"), 0.85);
    u.ctx.fillRect(left + width - wide - 8 * devicePixelRatio, base - 11 * devicePixelRatio, wide + 8 * devicePixelRatio, 14 * devicePixelRatio);
    u.ctx.fillStyle = colour(m.colour);
    u.ctx.fillText(m.label, left + width - 4 * devicePixelRatio, base);
  }
  u.ctx.restore();
}

/** A gap that is too narrow to be hit counts while the pointer is as near as this share of the width: some 5 pixels on a desk. */
const hoverShare = 250;

function Legend({ p, time }: { p: Props; time: number | null }) {
  const write = writer(p.group.unit);
  const found = time === null ? undefined : at(p, time, (p.to - p.from) / hoverShare);
  const index = found?.index ?? -1;
  const tinted = tints((p.group.series ?? []).map((x) => x.name));
  return (
    <figcaption class="legend">
      <b>{p.title}</b>
      {(p.group.series ?? []).map((s, i) => {
        const values = s.avg;
        const last = time === null ? values.findLast((v) => v !== null) : values[index];
        return <span key={s.name}><svg class={`swatch tint-${tinted[i]}`} viewBox="0 0 14 8" aria-hidden="true"><path d="M0 4h14" class={isOut(s.name) && !p.mirror ? "dashed" : ""} /></svg>{s.name} <b class="figure">{write(last)}</b>{time !== null && s.max?.[index] != null && <small> max {write(s.max[index])}</small>}</span>;
      })}
      {time !== null && <time class="muted">{dateTime(time * 1000)}</time>}
      {found?.gap && <span class="state warn" data-gap={found.gap.reason}>gap: {p.group.name === "traffic" ? found.gap.text || verdictText(found.gap.reason) : found.gap.reason}</span>}
    </figcaption>
  );
}

export function Chart(p: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const live = useRef<Live>({ current: p, moved: undefined }).current;
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
    const untouch = touches(u, () => live.current, (v) => show(u, live, v), (v) => end(u, live, v));
    return () => {
      size.disconnect();
      untouch();
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
