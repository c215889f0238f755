import { change, url } from "../api/client";
import { useData } from "../api/live";
import type { Alert, Alerts, MaintenanceWindow, Silence, Transition } from "../api/types";
import { dateTime, duration, integer } from "../format";
import { NewSilence, WhyNot } from "../parts/actions";
import { serverNow } from "../parts/age";
import { AlertList, Where } from "../parts/alertlist";
import { Empty, Shown } from "../parts/notice";
import { Search } from "../parts/search";
import { AlertMark } from "../parts/state";
import { pageSize, Pager, Table, type Column } from "../parts/table";
import { Text } from "../parts/text";
import { alertPath, devicePath } from "../router";
import { useSession } from "../session";

type View = "active" | "silenced" | "resolved" | "never-up" | "history" | "silences";
const states: Record<Exclude<View, "history" | "silences">, Alert["state"][]> = {
  active: ["firing", "pending"], silenced: ["firing", "pending"], resolved: ["resolved"], "never-up": ["listed"],
};
const most = 1000; // that one answer has

export function AlertsPage({ query }: { query: URLSearchParams }) {
  const asked = query.get("view") ?? "";
  const view = (asked in states || asked === "history" || asked === "silences" ? asked : "active") as View;
  const q = query.get("q") ?? "";
  const device = query.get("device") ?? "";
  const counts = useData<Alerts>("/api/ui/alerts?limit=1", { topics: ["alerts"] }).value?.counts;
  const tab = (to: View, name: string, n?: number) => (
    <a href={url("/alerts", { view: to === "active" ? "" : to, q, device })} aria-current={view === to ? "page" : undefined}>{name}{n !== undefined && n > 0 && <span class="count">{integer(n)}</span>}</a>
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
          {view !== "history" && <Search value={q} label="Search alerts" placeholder="Search device, interface, rule …  ( / )" />}
          {device && <a class="button" href={url("/alerts", { view: asked, q })}>only <Text of={device} max={30} /> ✕</a>}
        </div>
      )}
      {view === "history" ? <History device={device} /> : view === "silences" ? <Silences /> : <Current view={view} q={q} device={device} offset={Number(query.get("offset")) || 0} />}
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
  const quiet = view === "silenced";
  const data = useData<Alerts>(url("/api/ui/alerts", { state: states[view], search: q, device, offset: quiet ? 0 : offset, limit: quiet ? most : pageSize }), { topics: ["alerts"] });
  return (
    <Shown data={data}>{(v) => {
      const alerts = (v.alerts ?? []).filter((a) => !quiet || a.silenced_by);
      const [title, text] = nothing[view];
      if (alerts.length === 0) return <Empty title={q || device ? "No alert matches" : title}><p>{q || device ? <a href={url("/alerts", { view })}>Show all</a> : text}</p></Empty>;
      return (
        <>
          {(view === "active" || quiet) && <WhyNot />}
          <AlertList alerts={alerts} again={data.again} />
          {!quiet && <Pager offset={v.offset} shown={alerts.length} matching={v.matching} what="alerts" />}
        </>
      );
    }}</Shown>
  );
}

const past: Column<Transition>[] = [
  { id: "at", title: "At", cell: (t) => <span title={t.at}>{dateTime(Date.parse(t.at))}</span> },
  { id: "state", title: "State", cell: (t) => <AlertMark state={t.state} title={t.reason} /> },
  { id: "where", title: "Where", rank: 2, cell: (t) => <Where a={t} /> },
  { id: "summary", title: "What", head: true, cell: (t) => <a href={alertPath(t.fingerprint)}><Text of={t.summary} max={160} /></a> },
  { id: "quiet", title: "Told", rank: 3, cell: (t) => t.state === "pending" ? "" : t.quiet ? <span class="muted">nobody</span> : "yes" },
];

function History({ device }: { device: string }) {
  const limit = 300;
  const data = useData<Transition[]>(url("/api/alerts/history", { device, limit }), { topics: ["alerts"], every: 2000 });
  return (
    <Shown data={data}>{(all) => all.length === 0
      ? <Empty title="Nothing happened yet"><p>Every change of an alert's state is kept, and listed here.</p></Empty>
      : (
        <>
          <div class="table-box"><Table label="History, the newest first" columns={past} rows={all} rowKey={(t) => t.id} /></div>
          {all.length === limit && <p class="muted">The last {limit}. <code>snmpcollect alert history --since 720h</code> has more.</p>}
        </>
      )}</Shown>
  );
}

function Silences() {
  const data = useData<Silence[]>("/api/silences", { topics: ["alerts"] });
  const windows = useData<MaintenanceWindow[]>("/api/maintenance", { topics: ["alerts"] });
  return (
    <>
      <div class="bar"><h2>Silences</h2><NewSilence done={data.again} /></div>
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
    const [, device] = /^device="?([^"]+)"?$/.exec(m) ?? [];
    return <span key={m} class="tag mono">{device ? <a href={devicePath(device)}><Text of={m} max={60} /></a> : <Text of={m} max={60} />}</span>;
  })}</span>;
}

const silenceColumns = (again: () => void): Column<Silence>[] => [
  { id: "state", title: "State", cell: (s) => {
    const now = serverNow();
    return Date.parse(s.ends_at) < now ? "ended" : Date.parse(s.starts_at) > now ? "to come" : <span class="state warn">in force</span>;
  } },
  { id: "matchers", title: "What", head: true, cell: (s) => <Matchers of={s.matchers} /> },
  { id: "ends", title: "Ends", cell: (s) => <span title={`began ${dateTime(Date.parse(s.starts_at))}`}>{dateTime(Date.parse(s.ends_at))}</span> },
  { id: "author", title: "By", rank: 2, cell: (s) => <Text of={s.author} max={30} /> },
  { id: "reason", title: "Reason", rank: 2, cell: (s) => <Text of={s.reason} max={80} /> },
  { id: "end", title: "", cell: (s) => Date.parse(s.ends_at) > serverNow() && <EndButton id={s.id} again={again} /> },
];

function EndButton({ id, again }: { id: string; again: () => void }) {
  const session = useSession();
  const end = async (): Promise<void> => {
    await change("DELETE", `/api/silences/${encodeURIComponent(id)}`).catch(() => {}); // what is fetched now tells what became of it
    again();
  };
  return <button type="button" disabled={!session?.may_write} title={session?.why_not} onClick={() => void end()}>End now</button>;
}

const windowColumns: Column<MaintenanceWindow>[] = [
  { id: "name", title: "Name", head: true, cell: (w) => <Text of={w.name} /> },
  { id: "state", title: "State", cell: (w) => w.active ? <span class="state warn">in force{w.until && `, for ${duration((Date.parse(w.until) - serverNow()) / 1000)}`}</span> : <span class="muted">not now</span> },
  { id: "next", title: "Next", cell: (w) => w.next ? dateTime(Date.parse(w.next)) : "–" },
  { id: "matchers", title: "What", rank: 2, cell: (w) => <Matchers of={w.matchers} /> },
  { id: "reason", title: "Reason", rank: 2, cell: (w) => <Text of={w.reason} max={80} /> },
];

