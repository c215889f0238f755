import { change, url } from "../api/client";
import { useData } from "../api/live";
import type { Alert, AlertHistory, Alerts, MaintenanceWindow, Silence, Transition } from "../api/types";
import { dateTime, duration, integer, moment } from "../format";
import { ActButton, SilenceButton, WhyNot } from "../parts/actions";
import { serverNow } from "../parts/age";
import { AlertList, Told, Where } from "../parts/alertlist";
import { Empty, Shown } from "../parts/notice";
import { Search } from "../parts/search";
import { AlertMark, SeverityMark } from "../parts/state";
import { moveRow, Older, pageSize, Pager, Table, type Column } from "../parts/table";
import { Text } from "../parts/text";
import { alertPath, devicePath, href, setQuery } from "../router";

type View = "active" | "silenced" | "resolved" | "never-up" | "history" | "silences";
const states: Record<Exclude<View, "history" | "silences">, Alert["state"][]> = {
  active: ["firing", "pending"], silenced: ["firing", "pending"], resolved: ["resolved"], "never-up": ["listed"],
};

export function AlertsPage({ query, counts }: { query: URLSearchParams; counts: Alerts["counts"] | undefined }) {
  const asked = query.get("view") ?? "";
  const view = (asked in states || asked === "history" || asked === "silences" ? asked : "active") as View;
  const q = query.get("q") ?? "";
  const device = query.get("device") ?? "";
  const tab = (to: View, name: string, n?: number) => (
    <a href={href("/alerts", { view: to === "active" ? "" : to, q, device })} aria-current={view === to ? "page" : undefined}>{name}{n !== undefined && n > 0 && <span class="count">{integer(n)}</span>}</a>
  );
  return (
    <>
      <h1 class="visually-hidden">Alerts</h1>
      <nav class="tabs" aria-label="Kinds of alerts">
        {tab("active", "Firing and pending", counts && counts.firing + counts.pending)}
        {tab("silenced", "Silenced", counts?.silenced)}
        {tab("resolved", "Resolved lately", counts?.resolved)}
        {tab("never-up", "Never up", counts?.never_up)}
        {tab("history", "History")}
        {tab("silences", "Silences and maintenance")}
      </nav>
      {view !== "silences" && (
        <div class="bar">
          <Search value={q} label="Search alerts" placeholder="Search device, interface, rule …  ( / )" />
          {view === "history" && <StateChoice state={query.get("state") ?? ""} />}
          {device && <a class="button" href={href("/alerts", { view: asked, q })}>only <Text of={device} max={30} /> ✕</a>}
        </div>
      )}
      {view === "history" ? <History q={q} device={device} state={query.get("state") ?? ""} before={query.get("before")} /> : view === "silences" ? <Silences /> : <Current view={view} q={q} device={device} offset={Number(query.get("offset")) || 0} />}
    </>
  );
}

const nothing: Record<keyof typeof states, [string, string]> = {
  active: ["Nothing is firing", "When an interface that should be up is not, or a device stops answering, it stands here."],
  silenced: ["Nothing is silenced", "A silence keeps alerts from being notified; they are listed here as long as it lasts."],
  resolved: ["Nothing was resolved lately", "What fired and ended is listed here for a while; the history has all of it."],
  "never-up": ["Every port that is enabled was in use", "Ports that are admin up and were never seen in use are listed here. They raise no alert."],
};

function Current({ view, q, device, offset }: { view: keyof typeof states; q: string; device: string; offset: number }) {
  const data = useData<Alerts>(url("/api/ui/alerts", { state: states[view], silenced: view === "silenced", search: q, device, offset, limit: pageSize }), { topics: ["alerts"] });
  return (
    <Shown data={data}>{(v) => {
      const alerts = v.alerts ?? [];
      const [title, text] = nothing[view];
      if (v.matching === 0) return <Empty title={q || device ? "No alert matches" : title}><p>{q || device ? <a href={href("/alerts", { view })}>Show all</a> : text}</p></Empty>;
      return (
        <>
          {(view === "active" || view === "silenced") && <WhyNot />}
          <AlertList alerts={alerts} again={data.again} />
          <Pager offset={v.offset} shown={alerts.length} matching={v.matching} what="alerts" />
        </>
      );
    }}</Shown>
  );
}

function StateChoice({ state }: { state: string }) {
  return (
    <select aria-label="State" value={state} onChange={(e) => setQuery({ state: e.currentTarget.value, before: null })}>
      <option value="">every state</option>
      <option value="pending">pending</option>
      <option value="firing">firing</option>
      <option value="resolved">resolved</option>
    </select>
  );
}

function Past({ t }: { t: Transition }) {
  return (
    <li>
      <time dateTime={t.at} title={dateTime(Date.parse(t.at))}>{moment(Date.parse(t.at), serverNow())}</time>
      <AlertMark state={t.state} />
      <div class="event-text">
        <a href={alertPath(t.fingerprint)}><Text of={t.summary} max={220} /></a>
        <div class="muted alert-meta">
          <Where a={t} />
          <span>{t.rule}</span>
          <SeverityMark severity={t.severity} />
          {t.reason && <span>{t.reason.replaceAll("_", " ")}</span>}
          {t.quiet && <span>told: <Told t={t} /></span>}
        </div>
      </div>
    </li>
  );
}

function History({ q, device, state, before }: { q: string; device: string; state: string; before: string | null }) {
  const data = useData<AlertHistory>(url("/api/ui/history", { search: q, device, state, before, limit: pageSize }), { topics: before ? [] : ["alerts"], every: 2000 });
  return (
    <Shown data={data}>{({ transitions, more }) => {
      const all = transitions ?? [];
      if (all.length === 0) return q || device || state || before
        ? <Empty title="Nothing matches"><p><a href={href("/alerts", { view: "history" })}>Show all</a></p></Empty>
        : <Empty title="Nothing happened yet"><p>Every change of an alert's state is kept, and listed here.</p></Empty>;
      return (
        <>
          <ol class="events history" onKeyDown={moveRow} aria-label="History, the newest first">{all.map((t) => <Past key={t.id} t={t} />)}</ol>
          <Older before={before} last={all[all.length - 1]?.number} more={more} />
        </>
      );
    }}</Shown>
  );
}

function Silences() {
  const data = useData<Silence[]>("/api/silences", { topics: ["alerts"] });
  const windows = useData<MaintenanceWindow[]>("/api/maintenance", { topics: ["alerts"] });
  return (
    <>
      <div class="bar"><h2>Silences</h2><SilenceButton done={data.again} /></div>
      <WhyNot />
      <Shown data={data}>{(all) => all.length === 0
        ? <Empty title="There are no silences"><p>Make one from an alert, or by <code>snmpcollect alert silence --for 2h --reason '…' device=core1</code>.</p></Empty>
        : <div class="table-box"><Table label="Silences" columns={silenceColumns(data.again)} rows={[...all].sort((a, b) => b.ends_at.localeCompare(a.ends_at))} rowKey={(s) => s.id} rowClass={(s) => Date.parse(s.ends_at) < serverNow() ? "is-off" : undefined} /></div>}</Shown>
      <h2>Maintenance windows</h2>
      <Shown data={windows}>{(all) => all.length === 0
        ? <Empty title="There are no maintenance windows"><p>They are silences that come again, and stand in the configuration under <code>maintenance:</code>.</p></Empty>
        : <div class="table-box"><Table label="Maintenance windows" columns={windowColumns} rows={all} rowKey={(w) => w.name} /></div>}</Shown>
    </>
  );
}

/** Matchers as they are written, with devices' names as links. */
function Matchers({ of }: { of: string[] }) {
  return <span class="tags">{of.map((m) => {
    const [, device] = /^device=(?!~)"?([^"]+)"?$/.exec(m) ?? [];
    return <span key={m} class="tag mono">{device ? <a href={devicePath(device)}><Text of={m} max={60} /></a> : <Text of={m} max={60} />}</span>;
  })}</span>;
}

const silenceColumns = (again: () => void): Column<Silence>[] => [
  { id: "state", title: "State", cell: (s) => {
    const now = serverNow();
    if (Date.parse(s.ends_at) < now) return "ended";
    if (Date.parse(s.starts_at) > now) return `from ${moment(Date.parse(s.starts_at), now)}`;
    return <span class="state warn">for {duration((Date.parse(s.ends_at) - now) / 1000)}</span>;
  } },
  { id: "matchers", title: "What", head: true, cell: (s) => <><Matchers of={s.matchers} /><span class="phone muted"><Text of={`${s.author}: ${s.reason}`} max={80} /></span></> },
  { id: "ends", title: "Ends", rank: 2, cell: (s) => <span title={`began ${dateTime(Date.parse(s.starts_at))}`}>{dateTime(Date.parse(s.ends_at))}</span> },
  { id: "author", title: "By", rank: 2, cell: (s) => <Text of={s.author} max={30} /> },
  { id: "reason", title: "Reason", rank: 2, cell: (s) => <Text of={s.reason} max={80} /> },
  { id: "end", title: "", cell: (s) => Date.parse(s.ends_at) > serverNow() && (
    <span class="bar nowrap">
      <SilenceButton silence={s} done={again} />
      <ActButton act={() => change("DELETE", `/api/silences/${encodeURIComponent(s.id)}`)} done={again}>End now</ActButton>
    </span>
  ) },
];

const windowColumns: Column<MaintenanceWindow>[] = [
  { id: "name", title: "Name", head: true, cell: (w) => <Text of={w.name} /> },
  { id: "state", title: "State", cell: (w) => w.active ? <span class="state warn">in force{w.until && `, for ${duration((Date.parse(w.until) - serverNow()) / 1000)}`}</span> : <span class="muted">not now</span> },
  { id: "next", title: "Next", rank: 2, cell: (w) => w.next ? dateTime(Date.parse(w.next)) : "–" },
  { id: "matchers", title: "What", rank: 2, cell: (w) => <Matchers of={w.matchers} /> },
  { id: "reason", title: "Reason", rank: 2, cell: (w) => <Text of={w.reason} max={80} /> },
];

