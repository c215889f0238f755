import { useEffect, useState } from "preact/hooks";
import { url } from "../api/client";
import { useData } from "../api/live";
import type { Graph, GraphGroup, Interface, InterfaceView, Total } from "../api/types";
import { Chart } from "../chart/chart";
import type { Mark } from "../chart/data";
import * as span from "../chart/span";
import { Timeline } from "../chart/timeline";
import { bits, dateTime, duration, octets, percent, rate, speed } from "../format";
import { AlertList } from "../parts/alertlist";
import { Age, serverNow } from "../parts/age";
import { Load } from "../parts/meter";
import { Empty, Shown } from "../parts/notice";
import { PortMark } from "../parts/state";
import { SpanBar } from "../parts/spanbar";
import { Text } from "../parts/text";
import { devicePath, href, setQuery, stepsBack } from "../router";
import { useSession } from "../session";
import { ifTypeText } from "../iftype";
import { verdictText } from "../verdict";

const titles: Record<GraphGroup["name"], string> = { traffic: "Traffic", utilisation: "Utilisation", packets: "Packets", errors: "Errors and discards" };

const order = Object.keys(titles);

/** Without a span in the query: six hours, or less while the collector has not run for long. */
function usual(started: string | undefined): span.Span {
  const runs = started ? (serverNow() - Date.parse(started)) / 1000 : Infinity;
  return { last: runs < 600 ? 300 : runs < 3600 ? 900 : 6 * 3600 };
}

function Totals({ g }: { g: Graph }) {
  const { in: i, out: o } = g.totals;
  const row = (name: string, write: (n: number | null) => string, key: keyof Total) => (
    <tr><th scope="row">{name}</th>{([["in", i], ["out", o]] as const).map(([direction, t]) => <td key={direction} class="num" {...(key === "p95" ? { "data-p95": direction } : {})}>{write(t[key])}</td>)}</tr>
  );
  return (
    <section class="panel totals" aria-label="Totals of the span">
      <h2>Totals of the span</h2>
      <table class="auto">
        <caption class="visually-hidden">Totals of the span</caption>
        <thead><tr><th scope="col">Figure</th><th scope="col" class="num">In</th><th scope="col" class="num">Out</th></tr></thead>
        <tbody>{row("Total", octets, "octets")}{row("Average", bits, "avg")}{row("Largest", bits, "max")}{row("95th percentile", bits, "p95")}</tbody>
      </table>
      <p class="muted">Rates are known of {percent(g.totals.covered)} of this time; what is not known adds nothing. The 95th percentile is of averages over five minutes, as traffic is billed; the other figures are of the single polls. The graphs have a point every {duration(g.step)}.</p>
    </section>
  );
}

const shownGaps = 30;

function Gaps({ g }: { g: Graph }) {
  const gaps = (g.gaps ?? []).filter((x) => x.reason !== "future");
  if (gaps.length === 0) return null;
  return (
    <details class="panel">
      <summary>Gaps: {gaps.length}</summary>
      <div class="scroll" tabIndex={0} role="group" aria-label="Gaps, rows"><table class="auto">
        <caption class="visually-hidden">Gaps of the span</caption>
        <thead><tr><th scope="col">From</th><th scope="col">For</th><th scope="col">Reason</th><th scope="col">That is</th></tr></thead>
        <tbody>{gaps.slice(-shownGaps).reverse().map((x) => <tr key={x.from}><th scope="row">{dateTime(x.from * 1000)}</th><td>{duration(x.to - x.from)}</td><td>{x.reason}</td><td>{x.text || verdictText(x.reason)}</td></tr>)}</tbody>
      </table></div>
      {gaps.length > shownGaps && <p class="muted">The last {shownGaps}.</p>}
    </details>
  );
}

function marks(g: Graph, group: GraphGroup, mirror: boolean): Mark[] {
  if (group.name !== "traffic") return [];
  const { in: i, out: o } = g.totals;
  return [
    ...(i.p95 !== null ? [{ label: `95th in ${bits(i.p95)}`, at: i.p95, colour: "--in" }] : []),
    ...(o.p95 !== null ? [{ label: `95th out ${bits(o.p95)}`, at: mirror ? -o.p95 : o.p95, colour: "--out" }] : []),
  ];
}

/** The value, which stands still from hold on until the button or the finger is lifted: who drags on a graph selects the times that they see. */
function useHeld<T>(value: T): { shown: T; hold: () => void } {
  const [held, set] = useState<{ value: T }>();
  useEffect(() => {
    if (!held) return;
    const release = (): void => void window.setTimeout(() => set(undefined)); // when all have heard that it was lifted
    const all = ["pointerup", "pointercancel", "blur"];
    all.forEach((type) => window.addEventListener(type, release));
    return () => all.forEach((type) => window.removeEventListener(type, release));
  }, [held]);
  return { shown: held ? held.value : value, hold: () => set({ value }) };
}

const mirrorKey = "walkabout.mirror";

function Graphs({ device, name, s, set }: { device: string; name: string; s: span.Span; set: (to: span.Span) => void }) {
  const [mirror, setMirror] = useState(() => localStorage.getItem(mirrorKey) !== "no");
  const width = Math.round(Math.min(innerWidth, 1680) / 100) * 100;
  const shown = span.fixed(s, serverNow() / 1000);
  const data = useData<Graph>(
    url("/api/ui/graph", { device, interface: name, ...span.ask(s), points: Math.max(200, Math.min(1000, width)), group: order }),
    { topics: "last" in s ? ["fleet"] : [], device, every: Math.max(1000, Math.min(60_000, (shown.to - shown.from) / 1.2)) },
  );
  const held = useHeld(data.value);
  const now = (): number => serverNow() / 1000;
  const keys = (e: KeyboardEvent): void => {
    if (e.altKey || e.ctrlKey || e.metaKey) return;
    const to: span.Span | undefined = {
      ArrowLeft: span.pan(s, -0.25, now()), ArrowRight: span.pan(s, 0.25, now()), "+": span.zoom(s, 0.5, now()), "=": span.zoom(s, 0.5, now()), "-": span.zoom(s, 2, now()),
      n: { last: Math.max(60, Math.round((shown.to - shown.from) / 60) * 60) },
    }[e.key];
    if (!to) return;
    e.preventDefault();
    set(to);
  };
  return (
    <div class="graphs" tabIndex={0} role="group" aria-label="Graphs: arrows move, plus and minus zoom, n is now" onKeyDown={keys} onPointerDown={(e) => {
      if ((e.target as Element).closest(".plot")) held.hold();
    }}><Shown data={{ ...data, value: held.shown }}>{(g) => {
      const times = g.times ?? [];
      const groups = (g.groups ?? []).toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name)).filter((x) => (x.series ?? []).some((line) => line.avg.some((v) => v !== null)));
      if (g.problem || groups.length === 0) {
        return (
          <>
            <Empty title={g.problem ? "No graphs" : "Nothing is stored of this time"}><p>{g.problem ?? "Choose another span, or wait: two polls make the first point."}</p></Empty>
            <Gaps g={g} />
          </>
        );
      }
      return (
        <>
          {groups.map((group) => (
            <Chart key={group.name} group={group} title={titles[group.name] ?? group.name} times={times} from={g.from} to={g.to} gaps={g.gaps ?? []} marks={marks(g, group, mirror)}
              mirror={mirror && group.name !== "errors"} height={group.name === "traffic" ? 260 : 150}
              onSelect={(from, to) => set(to - from >= 10 ? { from, to } : { from: from - 5, to: from + 5 })} onMove={(from, to) => set(span.between(from, to, now()))} onBack={() => {
                if (stepsBack() > 0) history.back();
              }} />
          ))}
          <Timeline states={g.states ?? []} from={g.from} to={g.to} />
          <p><label class="state off"><input type="checkbox" checked={mirror} onChange={(e) => {
            setMirror(e.currentTarget.checked);
            localStorage.setItem(mirrorKey, e.currentTarget.checked ? "yes" : "no");
          }} />out below the axis</label></p>
          <Totals g={g} />
          <Gaps g={g} />
        </>
      );
    }}</Shown></div>
  );
}

function Now({ i }: { i: Interface }) {
  return (
    <div class="tiles" role="group" aria-label="Now">
      <div class="tile"><b>{i.in === null ? "–" : bits(i.in)}</b><span>in{i.in === null && i.verdict && `: ${i.verdict}`}</span></div>
      <div class="tile"><b>{i.out === null ? "–" : bits(i.out)}</b><span>out</span></div>
      <div class="tile"><b><Load share={i.load} /></b><span>of {i.speed > 0 ? speed(i.speed) : "an unknown speed"}</span></div>
      <div class={`tile ${(i.errors ?? 0) > 0 ? "warn" : ""}`}><b>{rate(i.errors)}</b><span>errors</span></div>
      <div class={`tile ${(i.discards ?? 0) > 0 ? "warn" : ""}`}><b>{rate(i.discards)}</b><span>discards</span></div>
      <div class="tile hide-phone"><b><Age at={i.last_change} suffix="" empty="–" /></b><span>in this state</span></div>
    </div>
  );
}

export function InterfacePage({ device, name, query }: { device: string; name: string; query: URLSearchParams }) {
  const session = useSession();
  const data = useData<InterfaceView>(url("/api/ui/interface", { device, interface: name }), { topics: ["fleet", "alerts"], device });
  const gone = data.value === undefined && data.failure?.status === 404 && session?.store === true;
  const s = span.read(query, gone ? { last: 7 * 86400 } : usual(session?.started));
  const set = (to: span.Span): void => setQuery(span.write(to), true);
  const i = data.value?.interface;
  return (
    <>
      <p class="crumbs"><a href={href("/")}>Fleet</a> › <a href={devicePath(device)}><Text of={device} /></a> ›</p>
      <div class="head">
        <h1><Text of={name} /></h1>
        {i && <PortMark admin={i.admin} oper={i.oper} unused={i.alert === "never up"} />}
        {i?.alias && <span class="sub"><Text of={i.alias} max={100} /></span>}
        {data.value && <span class="end muted">as of <Age at={data.value.device.last_poll} /></span>}
      </div>
      {gone && (
        <>
          <div class="panel" role="status"><strong><Text of={data.failure?.message} max={300} />.</strong> It was removed, renamed or renumbered; what is stored of it is below.</div>
          <SpanBar s={s} set={set} />
          <Graphs device={device} name={name} s={s} set={set} />
        </>
      )}
      {!gone && <Shown data={data}>{(v) => (
        <>
          {v.device.state === "down" && <div class="problem" role="status"><strong>The device does not answer:</strong> <Text of={v.device.why ?? v.device.cause} max={300} />. The figures are of its last answer.</div>}
          {(v.alerts ?? []).length > 0 && <section class="panel" aria-label="Alerts"><AlertList alerts={v.alerts!} again={data.again} device={false} /></section>}
          <Now i={v.interface} />
          {v.store
            ? <><SpanBar s={s} set={set} /><Graphs device={device} name={name} s={s} set={set} /></>
            : <Empty title="No graphs, as nothing is stored here"><p>The collector keeps no history of its own. <code>store:</code> in its configuration turns the embedded store on; without any output it is on by default.</p></Empty>}
          <section class="panel" aria-label="About the interface">
            <h2>About</h2>
            <dl class="facts">
              <dt>ifIndex</dt><dd>{v.interface.index}</dd>
              <dt>ifName</dt><dd><Text of={v.interface.name} empty="–" /></dd>
              <dt>ifDescr</dt><dd><Text of={v.interface.descr} max={300} empty="–" /></dd>
              <dt>ifAlias</dt><dd><Text of={v.interface.alias} max={300} empty="–" /></dd>
              <dt>Speed</dt><dd>{speed(v.interface.speed)}{v.interface.duplex && `, ${v.interface.duplex} duplex`}</dd>
              <dt>Last change</dt><dd>{v.interface.last_change ? <>{dateTime(Date.parse(v.interface.last_change))} (<Age at={v.interface.last_change} />)</> : "–"}</dd>
              <dt>ifType</dt><dd>{ifTypeText(v.interface.type)}</dd>
              <dt>ifMtu</dt><dd>{v.interface.mtu ?? "–"}</dd>
              <dt>ifPhysAddress</dt><dd class="mono">{v.interface.mac ?? "–"}</dd>
              {v.interface.verdict && <><dt>Last verdict</dt><dd>{v.interface.verdict}: {verdictText(v.interface.verdict)}</dd></>}
            </dl>
          </section>
        </>
      )}</Shown>}
    </>
  );
}
