import { useEffect } from "preact/hooks";
import { url } from "../api/client";
import { useData, type Data } from "../api/live";
import type { Alert, DeviceView, Interface, Table as Rows } from "../api/types";
import { bits, duration, integer, plural, rate, speed } from "../format";
import { AlertList } from "../parts/alertlist";
import { Age } from "../parts/age";
import { Load, Spark } from "../parts/meter";
import { Empty, Shown } from "../parts/notice";
import { RowsTable } from "../parts/rows";
import { Search } from "../parts/search";
import { AlertMark, DeviceMark, PortMark } from "../parts/state";
import { order, pageSize, Pager, Table, type Column, type Order } from "../parts/table";
import { Text } from "../parts/text";
import { alertPath, decode, devicePath, href, interfacePath } from "../router";
import { verdictText } from "../verdict";

const columns = (device: string): Column<Interface>[] => [
  { id: "name", title: "Interface", sort: "up", head: true, cell: (i) => <a href={interfacePath(device, i.key)} title={i.descr}><Text of={i.key} max={36} /></a> },
  { id: "alias", title: "Alias", sort: "up", rank: 3, grow: true, cell: (i) => <Text of={i.alias} max={100} /> },
  { id: "oper", title: "State", sort: "up", cell: (i) => <PortMark admin={i.admin} oper={i.oper} unused={i.alert === "never up"} /> },
  { id: "alert", title: "Alert", sort: "up", rank: 2, cell: (i) => i.alert && (i.fingerprint ? <a href={alertPath(i.fingerprint)}><AlertMark state={i.alert} /></a> : <AlertMark state={i.alert} />) },
  { id: "speed", title: "Speed", num: true, sort: "down", rank: 3, cell: (i) => <>{speed(i.speed)}{i.duplex === "half" && <span class="state warn" title="half duplex"> half</span>}</> },
  { id: "in", title: "In", num: true, sort: "down", hint: "bits a second", cell: (i) => <Rate n={i.in} verdict={i.verdict} /> },
  { id: "out", title: "Out", num: true, sort: "down", hint: "bits a second", cell: (i) => <Rate n={i.out} verdict={i.verdict} /> },
  { id: "recent", title: "Recent", rank: 2, cell: (i) => <Spark inward={i.recent.in ?? []} outward={i.recent.out ?? []} seconds={i.recent.interval} /> },
  { id: "load", title: "Load", sort: "down", rank: 4, hint: "the busier direction's share of the speed", cell: (i) => <Load share={i.load} /> },
  { id: "errors", title: "Errors", num: true, sort: "down", rank: 3, hint: "a second, in and out", cell: (i) => <Bad n={i.errors} /> },
  { id: "discards", title: "Discards", num: true, sort: "down", rank: 3, hint: "a second, in and out", cell: (i) => <Bad n={i.discards} /> },
  { id: "last_change", title: "Changed", num: true, sort: "down", rank: 4, hint: "when the operational state last changed", cell: (i) => <Age at={i.last_change} empty="–" /> },
];

/** A rate, or the word on why there is none. */
function Rate({ n, verdict }: { n: number | null; verdict: string | undefined }) {
  if (n !== null) return <>{bits(n)}</>;
  const why = verdict === "ok" || verdict === "wrapped" ? undefined : verdict; // of the other direction, which has one
  return <span class="muted" title={why ? verdictText(why) : "not told"}>{why ?? "–"}</span>;
}

function Bad({ n }: { n: number | null }) {
  if (n === null) return <span class="muted">–</span>;
  return n > 0 ? <span class="state warn">{rate(n)}</span> : <span class="muted">0</span>;
}

function Facts({ v }: { v: DeviceView }) {
  const { device: d, system: s, polls: p } = v;
  const withheld = Object.entries(p.withheld ?? {}).filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1]);
  return (
    <div class="grid">
      <section id="system" class="panel" aria-label="System">
        <h2>System</h2>
        <dl class="facts">
          <dt>Name</dt><dd><Text of={s.name} empty="–" /></dd>
          <dt>Description</dt><dd><Text of={s.descr} max={200} empty="–" /></dd>
          <dt>Location</dt><dd><Text of={s.location} empty="–" /></dd>
          <dt>Contact</dt><dd><Text of={s.contact} empty="–" /></dd>
          <dt>Object ID</dt><dd class="mono"><Text of={s.object_id} empty="–" /></dd>
          <dt>Up for</dt><dd>{d.up_time ? duration(d.up_time) : "–"}</dd>
        </dl>
      </section>
      <section class="panel" aria-label="Polling">
        <h2>Polling</h2>
        <dl class="facts">
          <dt>Address</dt><dd class="mono"><Text of={d.address} /> <span class="muted">SNMPv{p.version}</span></dd>
          <dt>Last poll</dt><dd><Age at={d.last_poll} />, took {duration(d.duration)} of {duration(d.interval)}</dd>
          <dt>Round trip</dt><dd>{d.round_trip ? duration(d.round_trip) : "–"}, {plural(p.requests, "request")}{p.retries > 0 && <span class="text-warn">, {integer(p.retries)} sent again</span>}</dd>
          <dt>Polls</dt><dd>{integer(p.polls)}, {integer(p.failed)} failed, {integer(p.partial)} in part, {integer(p.missed)} missed</dd>
          {p.slowest && <><dt>Slowest part</dt><dd>{p.slowest}, {duration(p.slowest_took)}</dd></>}
          <dt>Profiles</dt><dd class="tags">{(p.profiles ?? []).map((n) => <span key={n} class="tag">{n}</span>)}</dd>
          {withheld.length > 0 && <><dt>Without a rate</dt><dd>{withheld.map(([w, n], i) => <span key={w} title={verdictText(w)}>{i > 0 && ", "}{integer(n)} {w}</span>)}</dd></>}
          {(p.engine_twins ?? []).length > 0 && <><dt>Same engine ID as</dt><dd class="text-warn">{p.engine_twins!.join(", ")}</dd></>}
        </dl>
      </section>
      {d.labels && Object.keys(d.labels).length > 0 && (
        <section class="panel" aria-label="Labels">
          <h2>Labels</h2>
          <dl class="facts">{Object.entries(d.labels).map(([k, value]) => <><dt>{k}</dt><dd><Text of={value} /></dd></>)}</dl>
        </section>
      )}
    </div>
  );
}

function Interfaces({ v, q, o }: { v: DeviceView; q: string; o: Order }) {
  const rows = v.interfaces ?? [];
  if (rows.length === 0 && v.device.interfaces === 0 && (v.tables ?? []).length > 0) return null; // a UPS, say
  return (
    <section id="interfaces" aria-label="Interfaces">
      <div class="bar">
        <h2>Interfaces <span class="muted">{integer(v.matching)}</span></h2>
        <Search value={q} label="Search interfaces" placeholder="Search name, alias, state …  ( / )" />
        <span class="end">as of <Age at={v.device.last_poll} /></span>
      </div>
      {rows.length === 0
        ? <Empty title={q ? "No interface matches" : "No interface is known"}>{q ? <p><a href={devicePath(v.device.name)}>Show all</a></p> : <p>They appear with the first answered poll of a target that collects <code>interfaces</code>.</p>}</Empty>
        : (
          <div class="table-box">
            <Table label="Interfaces" columns={columns(v.device.name)} rows={rows} rowKey={(i) => i.key} order={o}
              rowClass={(i) => i.alert === "firing" ? "is-bad" : i.admin === "down" || i.alert === "never up" ? "is-off" : undefined} />
            <Pager offset={v.offset} shown={rows.length} matching={v.matching} what="interfaces" />
          </div>
        )}
    </section>
  );
}

const shownAlerts = 5;

/** The first alerts, so that the interfaces stay in sight of a switch with a hundred. */
function Alerts({ v, again }: { v: DeviceView; again: () => void }) {
  const rank = (a: Alert): number => (a.state === "firing" ? 0 : 10) + ["critical", "warning", "info"].indexOf(a.severity ?? "info");
  const alerts = (v.alerts ?? []).toSorted((a, b) => rank(a) - rank(b));
  if (alerts.length === 0) return null;
  return (
    <section class="panel" aria-label="Alerts">
      <h2>Alerts <span class="muted">{integer(alerts.length)}</span></h2>
      <AlertList alerts={alerts.slice(0, shownAlerts)} again={again} device={false} />
      {alerts.length > shownAlerts && <p><a href={href("/alerts", { device: v.device.name })}>All {integer(alerts.length)} alerts of this device</a></p>}
    </section>
  );
}

/** Leads to the parts of a long page. */
function Jump({ tables, interfaces }: { tables: Rows[]; interfaces: boolean }) {
  if (tables.length === 0) return null;
  return (
    <nav class="jump" aria-label="On this page">
      {interfaces && <a href="#interfaces">Interfaces</a>}
      <a href="#system">System</a>
      {tables.map((t) => <a key={t.measurement} href={`#t-${t.measurement}`}>{t.title}</a>)}
    </nav>
  );
}

/** The other tables, each with its first rows, or one of them alone (?table=…), with search and pages. */
function Tables({ tables, device }: { tables: Rows[]; device: string }) {
  return (
    <>
      {tables.map((t) => (
        <section key={t.measurement} id={`t-${t.measurement}`} class="panel" aria-label={t.title}>
          <div class="bar">
            <h2>{t.title} <span class="muted">{integer(t.total)}</span></h2>
            {t.total > (t.rows?.length ?? 0) && <a href={url(devicePath(device), { table: t.measurement })}>show all</a>}
            <span class="end"><Age at={t.at} /></span>
          </div>
          <RowsTable table={t} />
        </section>
      ))}
    </>
  );
}

function OneTable({ device, measurement, query }: { device: string; measurement: string; query: URLSearchParams }) {
  const q = query.get("q") ?? "";
  const o = order(query, { sort: "", desc: false });
  const data = useData<Rows>(url("/api/ui/table", { device, measurement, search: q, sort: o.sort, desc: o.desc, offset: query.get("offset"), limit: pageSize }), { topics: ["fleet"], device });
  return (
    <>
      <p class="crumbs"><a href={href("/")}>Fleet</a> › <a href={devicePath(device)}><Text of={device} /></a> ›</p>
      <Shown data={data}>{(t) => (
        <>
          <div class="head"><h1>{t.title}</h1><span class="sub">{integer(t.total)} rows{t.complete ? "" : ", not read to the end"}, <Age at={t.at} /></span></div>
          <div class="bar"><Search value={q} label="Search rows" placeholder="Search …  ( / )" /></div>
          {t.kept < t.total && <p class="state warn">Of {integer(t.total)} rows the first {integer(t.kept)} are kept for this page; the outputs have all.</p>}
          <div class="scroll table-box"><RowsTable table={t} order={o} /></div>
          <Pager offset={t.offset} shown={t.rows?.length ?? 0} matching={t.matching} what="rows" />
        </>
      )}</Shown>
    </>
  );
}

export function DevicePage({ name, query }: { name: string; query: URLSearchParams }) {
  const table = query.get("table");
  return table ? <OneTable device={name} measurement={table} query={query} /> : <Overview name={name} query={query} />;
}

function Overview({ name, query }: { name: string; query: URLSearchParams }) {
  const o = order(query, { sort: "alert", desc: false });
  const q = query.get("q") ?? "";
  const data: Data<DeviceView> = useData<DeviceView>(
    url("/api/ui/device", { device: name, search: q, sort: o.sort, desc: o.desc, offset: query.get("offset"), limit: pageSize }), { topics: ["fleet", "alerts"], device: name },
  );
  const loaded = data.value !== undefined;
  useEffect(() => {
    if (loaded && location.hash) document.getElementById(decode(location.hash.slice(1)))?.scrollIntoView(); // a bookmark of a part, which was not there yet
  }, [loaded]);
  return (
    <>
      <p class="crumbs"><a href={href("/")}>Fleet</a> ›</p>
      <div class="head">
        <h1><Text of={name} /></h1>
        {data.value && data.failure?.status !== 404 && (
          <>
            <DeviceMark state={data.value.device.state} cause={data.value.device.cause} />
            <span class="sub">
              {data.value.device.since && <>for <Age at={data.value.device.since} suffix="" /></>}
              {data.value.device.interfaces > 0 && ` · ${integer(data.value.device.interfaces_up)} of ${plural(data.value.device.interfaces, "port")} up`}
              {data.value.system.location && <> · <Text of={data.value.system.location} max={60} /></>}
            </span>
            <span class="end"><a href={href("/events", { device: name })}>Events</a> <a href={href("/alerts", { view: "history", device: name })}>Alert history</a></span>
          </>
        )}
      </div>
      <Shown data={data}>{(v) => (
        <>
          {(v.device.why || v.polls.error) && <div class={v.device.state === "down" ? "problem" : "panel"} role="status"><strong>{v.device.state === "up" ? "Note" : v.device.state}:</strong> <Text of={v.device.why ?? v.polls.error} max={400} /></div>}
          <Alerts v={v} again={data.again} />
          <Jump tables={v.tables ?? []} interfaces={v.device.interfaces > 0} />
          <Interfaces v={v} q={q} o={o} />
          <Facts v={v} />
          <Tables tables={v.tables ?? []} device={name} />
        </>
      )}</Shown>
    </>
  );
}

