import { url } from "../api/client";
import { useData } from "../api/live";
import type { Log, LogEntry } from "../api/types";
import { dateTime, moment } from "../format";
import { serverNow } from "../parts/age";
import { Empty, Shown } from "../parts/notice";
import { Search } from "../parts/search";
import { SeverityMark } from "../parts/state";
import { moveRow, Older } from "../parts/table";
import { Text } from "../parts/text";
import { alertPath, devicePath, href, interfacePath } from "../router";

const kinds: Record<LogEntry["kind"], [string, string]> = { trap: ["⚡", "trap"], alert: ["▲", "alert"], device: ["●", "device"] };

function Entry({ e }: { e: LogEntry }) {
  const [sign, word] = kinds[e.kind] ?? ["·", e.kind];
  return (
    <li>
      <time dateTime={e.at} title={dateTime(Date.parse(e.at))}>{moment(Date.parse(e.at), serverNow())}</time>
      <span class="muted nowrap"><span aria-hidden="true">{sign} </span>{word}</span>
      <div class="event-text">
        <span class="event-title">
          {e.device ? <a href={devicePath(e.device)}><Text of={e.device} max={32} /></a> : e.source && <span class="mono"><Text of={e.source} max={45} /></span>}{" "}
          {e.device && e.interface && <>· <a href={interfacePath(e.device, e.interface)}><Text of={e.interface} max={36} /></a>{" "}</>}
          {e.fingerprint ? <a href={alertPath(e.fingerprint)}><b><Text of={e.title} max={80} /></b></a> : <b><Text of={e.title} max={80} /></b>}{" "}
          <SeverityMark severity={e.severity} />
        </span>
        {e.text && <span class="muted"><Text of={e.text} max={240} /></span>}
        {(e.fields ?? []).length > 0 && (
          <details>
            <summary>{e.fields!.length} variables</summary>
            <dl class="facts">{e.fields!.map((f, i) => <><dt key={i} class="mono"><Text of={f.name} /></dt><dd><Text of={f.value} max={300} empty="–" /></dd></>)}</dl>
          </details>
        )}
      </div>
    </li>
  );
}

export function EventsPage({ query }: { query: URLSearchParams }) {
  const q = query.get("q") ?? "";
  const kind = query.get("kind") ?? "";
  const device = query.get("device") ?? "";
  const before = query.get("before");
  const data = useData<Log>(url("/api/ui/log", { kind, device, search: q, before, limit: 100 }), { topics: before ? [] : ["log"] });
  const tab = (to: string, name: string) => <a href={href("/events", { kind: to, q, device })} aria-current={kind === to ? "page" : undefined}>{name}</a>;
  return (
    <>
      <h1 class="visually-hidden">Events</h1>
      <nav class="tabs" aria-label="Kinds of events">{tab("", "All")}{tab("trap", "Traps")}{tab("alert", "Alerts")}{tab("device", "Devices")}</nav>
      <div class="bar">
        <Search value={q} label="Search events" placeholder="Search device, trap, text …  ( / )" />
        {device && <a class="button" href={href("/events", { kind, q })}>only <Text of={device} max={30} /> ✕</a>}
      </div>
      <Shown data={data}>{(log) => {
        const entries = log.entries ?? [];
        if (entries.length === 0) return <Empty title={q || kind || device || before ? "No event matches" : "Nothing happened yet"}>{(q || kind || device || before) && <p><a href={href("/events")}>Show all</a></p>}<p>Traps that come in, alerts that change and devices that go and come are listed here as they happen. <code>traps:</code> in the configuration lets the collector receive notifications.</p></Empty>;
        return (
          <>
            <ol class="events" onKeyDown={moveRow} aria-label="Events, the newest first">{entries.map((e) => <Entry key={e.id} e={e} />)}</ol>
            <Older before={before} last={entries[entries.length - 1]?.id} more={log.more} />
          </>
        );
      }}</Shown>
    </>
  );
}
