import { url } from "../api/client";
import { useData } from "../api/live";
import type { Alert, AlertView, Transition } from "../api/types";
import { dateTime, duration } from "../format";
import { AlertActions, WhyNot } from "../parts/actions";
import { Age } from "../parts/age";
import { Attention, Told, Where } from "../parts/alertlist";
import { Empty, Shown } from "../parts/notice";
import { AlertMark, SeverityMark } from "../parts/state";
import { Table, type Column } from "../parts/table";
import { Text } from "../parts/text";
import { href } from "../router";

const history: Column<Transition>[] = [
  { id: "at", title: "At", cell: (t) => dateTime(Date.parse(t.at)) },
  { id: "state", title: "State", head: true, cell: (t) => <AlertMark state={t.state} /> },
  { id: "reason", title: "Reason", rank: 2, cell: (t) => t.reason?.replaceAll("_", " ") },
  { id: "summary", title: "What", cell: (t) => <Text of={t.summary} max={160} /> },
  { id: "quiet", title: "Told", rank: 3, cell: (t) => <Told t={t} /> },
];

function Pairs({ title, of }: { title: string; of: Record<string, string> | undefined }) {
  const all = Object.entries(of ?? {}).sort(([a], [b]) => a.localeCompare(b));
  if (all.length === 0) return null;
  return (
    <section class="panel" aria-label={title}>
      <h2>{title}</h2>
      <dl class="facts">{all.map(([k, v]) => <><dt>{k}</dt><dd><Text of={v} max={300} empty="–" /></dd></>)}</dl>
    </section>
  );
}

function Times({ a }: { a: Alert }) {
  const at = (label: string, when: string | undefined) => when && <><dt>{label}</dt><dd>{dateTime(Date.parse(when))} <span class="muted">(<Age at={when} />)</span></dd></>;
  return (
    <section class="panel" aria-label="In time">
      <h2>In time</h2>
      <dl class="facts">
        {at("First seen", a.since)}
        {at("Fired", a.fired_at)}
        {at("Resolved", a.resolved_at)}
        <dt>Seen to hold</dt><dd>for {duration(a.observed_ns / 1e9)}, by {a.polls} polls</dd>
        {(a.fired_before ?? 0) > 0 && <><dt>Fired before</dt><dd>{a.fired_before} times, last <Age at={a.last_fired_at} /></dd></>}
        {a.ack && <><dt>Acknowledged</dt><dd>by <Text of={a.ack.by} /> <Age at={a.ack.at} />{a.ack.until && `, until ${dateTime(Date.parse(a.ack.until))}`}{a.ack.reason && <>: <Text of={a.ack.reason} max={500} /></>}</dd></>}
        {a.silenced_by && <><dt>Silenced by</dt><dd class="mono"><a href={href("/alerts", { view: "silences" })}><Text of={a.silenced_by} /></a></dd></>}
        {a.untold && <><dt>Told</dt><dd>nobody, as it fired in a silence</dd></>}
        {a.frozen && <><dt>Stands still</dt><dd>{a.frozen.replaceAll("_", " ")}</dd></>}
      </dl>
    </section>
  );
}

export function AlertPage({ fingerprint }: { fingerprint: string }) {
  const data = useData<AlertView>(url("/api/ui/alert", { fingerprint }), { topics: ["alerts"] });
  return (
    <>
      <p class="crumbs"><a href={href("/alerts")}>Alerts</a> ›</p>
      <Shown data={data}>{({ alert, history: all, more }) => {
        const a = alert ?? all?.[0];
        if (!a) return <Empty title="Nothing is known of this alert any more" />;
        return (
          <>
            <div class="head"><h1><Text of={a.summary} max={300} /></h1></div>
            <div class="bar">
              {alert ? <AlertMark state={a.state} /> : <span class="muted">not active</span>}
              <SeverityMark severity={a.severity} />
              <Where a={a} />
              <span class="tag">{a.rule}</span>
              <Attention a={a} />
              {alert && <AlertActions alert={alert} done={data.again} />}
            </div>
            <WhyNot />
            <div class="grid">
              <Times a={a} />
              <Pairs title="What decided" of={a.values} />
              <Pairs title="Labels" of={a.labels} />
            </div>
            <section class="panel" aria-label="History">
              <h2>History</h2>
              {all && all.length > 0 ? <Table label="History, the newest first" columns={history} rows={all} rowKey={(t) => t.id} /> : <p class="muted">None is kept.</p>}
              {more && <p><a href={href("/alerts", { view: "history", q: fingerprint })}>All of its history</a></p>}
            </section>
          </>
        );
      }}</Shown>
    </>
  );
}
