import { useState } from "preact/hooks";
import { useData } from "../api/live";
import type { Collector, Output, SlowDevice } from "../api/types";
import { dateTime, duration, integer, octets, percent, plural, si } from "../format";
import { Age, serverNow } from "../parts/age";
import { Shown } from "../parts/notice";
import { HealthMark } from "../parts/state";
import { Table, type Column } from "../parts/table";
import { Text } from "../parts/text";
import { devicePath } from "../router";
import { useSession } from "../session";

const stateWords: Record<Output["state"], [boolean | "warn", string]> = { ok: [true, "ok"], failing: [false, "failing"], filling: ["warn", "filling"], absent: ["warn", "not configured"] };

const outputs: Column<Output>[] = [
  { id: "name", title: "Output", head: true, cell: (o) => <Text of={o.name} max={60} /> },
  { id: "state", title: "State", cell: (o) => {
    const [ok, word] = stateWords[o.state] ?? ["warn", o.state];
    const errors = Object.entries(o.errors ?? {}).map(([why, n]) => `${why} ${integer(n)} times`).join(", ");
    return <><HealthMark ok={ok} word={word} title={errors || undefined} />{o.state === "failing" && errors && <span class="muted">{" "}{errors}</span>}</>;
  } },
  { id: "last", title: "Last write", num: true, cell: (o) => <Age at={o.last_write} /> },
  { id: "written", title: "Written", num: true, rank: 2, hint: "samples", cell: (o) => integer(o.written) },
  { id: "waiting", title: "Waiting", num: true, hint: "polls in the spool", cell: (o) => <span title={o.oldest ? `the oldest for ${duration(o.oldest)}` : undefined}>{integer(o.waiting)}{o.octets > 0 && <span class="muted"> {octets(o.octets)}</span>}</span> },
  { id: "retries", title: "Retries", num: true, rank: 3, cell: (o) => integer(o.retries) },
  { id: "rejected", title: "Rejected", num: true, rank: 3, hint: "samples that it will never take", cell: (o) => <Lost n={o.rejected} /> },
  { id: "dropped", title: "Dropped", num: true, rank: 3, hint: "polls, at the limits of what may wait", cell: (o) => <Lost n={o.dropped} /> },
];

/** What the outputs said when their last write failed: as long as they fail, and after. */
function Said({ all }: { all: Output[] }) {
  const said = all.filter((o) => o.error);
  if (said.length === 0) return null;
  return (
    <dl class="facts said">{said.map((o) => (
      <><dt><Text of={o.name} max={60} /></dt><dd class={o.state === "failing" ? "text-warn" : "muted"}><Age at={o.error_at} />: <Text of={o.error} max={500} /></dd></>
    ))}</dl>
  );
}

function Lost({ n }: { n: number }) {
  return n > 0 ? <span class="state bad">{integer(n)}</span> : <span class="muted">0</span>;
}

const slow: Column<SlowDevice>[] = [
  { id: "name", title: "Device", head: true, cell: (d) => <a href={devicePath(d.name)}><Text of={d.name} max={48} /></a> },
  { id: "duration", title: "Took", num: true, cell: (d) => duration(d.duration) },
  { id: "share", title: "Of its interval", num: true, cell: (d) => <span title={duration(d.interval)}>{percent(d.interval > 0 ? d.duration / d.interval : null)}</span> },
  { id: "lag", title: "Began late by", num: true, rank: 2, cell: (d) => d.lag > 0 ? duration(d.lag) : "–" },
  { id: "why", title: "Why", rank: 2, cell: (d) => <Text of={d.why} max={120} /> },
];

function Facts({ title, rows, ok }: { title: string; rows: [string, preact.ComponentChildren][]; ok?: preact.ComponentChildren }) {
  return (
    <section class="panel" aria-label={title}>
      <h2>{title} {ok}</h2>
      <dl class="facts">{rows.map(([k, v]) => <><dt>{k}</dt><dd>{v}</dd></>)}</dl>
    </section>
  );
}

function Panels({ c }: { c: Collector }) {
  const stored = useSession()?.store;
  const up = (serverNow() - Date.parse(c.started)) / 1000;
  const s = c.spool;
  return (
    <div class="grid">
      <Facts title="Process" rows={[
        ["Version", `${c.version}, ${c.go}, ${c.system}`],
        ["Started", <span>{dateTime(Date.parse(c.started))} <span class="muted">(<Age at={c.started} />)</span></span>],
        ["Memory", `${octets(c.process.memory)}, ${octets(c.process.heap)} of it heap`],
        ["Processors", c.process.cpu > 0 && up > 0 ? `${percent(c.process.cpu / up)} of one on average; may use ${c.process.cpus}` : `may use ${c.process.cpus}`],
        ["Goroutines", integer(c.process.goroutines)],
        ["Pages open", integer(c.viewers)],
        ["Configuration", <span>read <Age at={c.reload.last} empty="at the start" />{!c.reload.good && <span class="text-bad">; it has mistakes, and the one before goes on</span>}</span>],
      ]} />
      <Facts title="Spool" ok={s.failures > 0 || s.lost > 0 || s.unsaved > 0 ? <HealthMark ok={false} word="loses or fails" /> : <HealthMark ok word="ok" />} rows={[
        ["On disk", `${octets(s.octets)} in ${plural(s.segments, "segment")}`],
        ["Polls taken", integer(s.appended)],
        ["In memory only", <Lost n={s.unsaved} />],
        ["Refused", <Lost n={s.refused} />],
        ["Writes that failed", <Lost n={s.failures} />],
        ["Lost", <Lost n={s.lost} />],
      ]} />
      {c.store
        ? <Facts title="Store" ok={<HealthMark ok={!c.store.problem} word={c.store.problem ? "in trouble" : c.store.reading != null ? "reading" : "ok"} />} rows={[
          ...(c.store.reading != null ? [["Reads its log", `${percent(c.store.reading)} is read. Graphs come when all is; what is polled waits in the spool.`] as [string, preact.ComponentChildren]] : []),
          ...(c.store.problem ? [["Problem", <Text of={c.store.problem} max={300} />] as [string, preact.ComponentChildren]] : []),
          ["Series", integer(c.store.series)],
          ["Samples", `${si(c.store.samples)} since the start`],
          ["On disk", octets(c.store.octets)],
          ["Holds", c.store.oldest && c.store.newest ? `${dateTime(Date.parse(c.store.oldest))} to ${dateTime(Date.parse(c.store.newest))}` : "nothing yet"],
          ["Keeps", [c.store.keep_for && duration(c.store.keep_for), c.store.keep_size && octets(c.store.keep_size)].filter(Boolean).join(", at most ") || "without a limit"],
        ]} />
        : stored === false && <section class="panel"><h2>Store</h2><p class="muted">There is none, so these pages have no graphs. <code>store:</code> in the configuration turns it on; without any output it is on by default.</p></section>}
      <Facts title="Notifiers" rows={(c.notifiers ?? []).length === 0
        ? [["None", <span class="muted">alerts stand on these pages only; <code>notify:</code> in the configuration tells people</span>]]
        : c.notifiers!.map((n): [string, preact.ComponentChildren] => [n.name, <span>{integer(n.delivered)} delivered, {integer(n.waiting)} waiting{n.failed > 0 && <span class="text-warn">, {plural(n.failed, "attempt")} failed</span>}{n.lost > 0 && <span class="text-bad">, {integer(n.lost)} lost</span>}{n.error && <div class="text-warn"><Text of={n.error} max={300} /></div>}</span>])} />
      {c.traps && <Facts title="Traps" rows={[["Listens on", <span class="mono">{(c.traps.listen ?? []).join(", ")}</span>], ["Received", integer(c.traps.received)], ["Refused", <Lost n={c.traps.refused} />]]} />}
    </div>
  );
}

/** What keeps data or words from arriving, although every poll is made. */
function troubles(c: Collector): string[] {
  const named = (what: string, names: string[]): string[] => names.length > 0 ? [`${what}: ${names.join(", ")}`] : [];
  return [
    ...named("outputs that fail", (c.outputs ?? []).filter((o) => o.state === "failing" || o.state === "filling").map((o) => o.name)),
    ...named("notifiers that fail", (c.notifiers ?? []).filter((n) => n.error).map((n) => n.name)),
    ...(c.spool.unsaved > 0 ? ["the spool's disk takes nothing"] : []),
    ...(c.store?.problem ? ["the store is in trouble"] : []),
    ...(c.reload.good ? [] : ["the configuration has mistakes"]),
  ];
}

function Healthy({ c }: { c: Collector }) {
  const all = troubles(c);
  return (
    <p>
      <HealthMark ok={all.length > 0 ? "warn" : true} word={all.length > 0 ? "in trouble" : "healthy"} /> <span class="muted">polls are made as planned; as of <Age at={c.at} /></span>
      {all.map((t) => <span key={t} class="text-warn"><br /><Text of={t} max={200} /></span>)}
    </p>
  );
}

const fewProblems = 15;

function Problems({ all }: { all: NonNullable<Collector["problems"]> }) {
  const [open, setOpen] = useState(false);
  if (all.length === 0) return <p class="muted">None since the start.</p>;
  return (
    <>
      <ol class="events">{all.slice(0, open ? all.length : fewProblems).map((p, i) => <li key={i}><time dateTime={p.at}>{dateTime(Date.parse(p.at))}</time><HealthMark ok={p.level === "ERROR" ? false : "warn"} word={p.level.toLowerCase()} /><div class="event-text"><Text of={p.text} max={500} /></div></li>)}</ol>
      {all.length > fewProblems && <button type="button" onClick={() => setOpen(!open)}>{open ? "Fewer" : `All ${all.length}`}</button>}
    </>
  );
}

export function CollectorPage() {
  const data = useData<Collector>("/api/ui/collector", { topics: ["fleet", "config"], every: 3000 });
  return (
    <>
      <div class="head"><h1>Collector</h1></div>
      <Shown data={data}>{(c) => (
        <>
          {c.health === "ok"
            ? <Healthy c={c} />
            : <div class="problem" role="status"><strong>Not healthy:</strong> {c.health}</div>}
          <section class="panel" aria-label="Outputs">
            <h2>Outputs</h2>
            {(c.outputs ?? []).length === 0 ? <p class="muted">None: nothing leaves this machine. <code>outputs:</code> in the configuration names where samples go.</p> : <div class="scroll"><Table label="Outputs" columns={outputs} rows={c.outputs!} rowKey={(o) => o.name} /></div>}
            <Said all={c.outputs ?? []} />
          </section>
          <Panels c={c} />
          <section class="panel" aria-label="Slow devices">
            <h2>Slow devices</h2>
            {(c.slow ?? []).length === 0 ? <p class="muted">None: every poll ends well within its interval.</p> : <Table label="Slow devices" columns={slow} rows={c.slow!} rowKey={(d) => d.name} />}
          </section>
          <section class="panel" aria-label="Warnings">
            <h2>Warnings and errors of the log</h2>
            <Problems all={c.problems ?? []} />
          </section>
        </>
      )}</Shown>
    </>
  );
}
