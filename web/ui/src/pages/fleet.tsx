import { url } from "../api/client";
import { useData } from "../api/live";
import type { Busiest, Device, Fleet, FleetCounts } from "../api/types";
import { bits, duration, integer } from "../format";
import { Age } from "../parts/age";
import { Load } from "../parts/meter";
import { Empty, Shown } from "../parts/notice";
import { Search } from "../parts/search";
import { DeviceMark } from "../parts/state";
import { order, pageSize, Pager, Table, type Column } from "../parts/table";
import { Text } from "../parts/text";
import { devicePath, href, interfacePath } from "../router";

/** One busy interface: its name, the rate of its busier direction, and its load where there is room. */
function Busy({ device, of, meter }: { device: string; of: Busiest; meter: boolean }) {
  const rate = of.in === null ? of.out : of.out === null ? of.in : Math.max(of.in, of.out);
  return <span class="busy"><a href={interfacePath(device, of.key)}><Text of={of.key} max={18} /></a> <span class="num">{bits(rate)}</span> {meter && of.load !== null && <Load share={of.load} />}</span>;
}

function AlertCount({ d }: { d: Device }) {
  if (d.firing === 0 && d.pending === 0) return <span class="muted">–</span>;
  const words = [d.firing > 0 && `${d.firing} firing`, d.pending > 0 && `${d.pending} pending`].filter(Boolean).join(", ");
  return (
    <a href={href("/alerts", { device: d.name })} title={words}>
      {d.firing > 0 && <span class="state bad"><i aria-hidden="true">▲</i>{d.firing}<span class="visually-hidden"> firing</span></span>}
      {d.firing > 0 && d.pending > 0 && " "}
      {d.pending > 0 && <span class="state warn"><i aria-hidden="true">△</i>{d.pending}<span class="visually-hidden"> pending</span></span>}
    </a>
  );
}

const columns: Column<Device>[] = [
  { id: "state", title: "State", sort: "up", hint: "those in trouble first", cell: (d) => <DeviceMark state={d.state} cause={d.cause} /> },
  { id: "name", title: "Device", sort: "up", head: true, cell: (d) => (
    <span class="two">
      <a href={devicePath(d.name)}><Text of={d.name} max={40} /></a>
      {d.state !== "up" && <small class="phone"><Text of={d.why ?? d.cause} max={90} /></small>}
    </span>
  ) },
  { id: "why", title: "Note", rank: 2, grow: true, cell: (d) => <span class="muted"><Text of={d.state === "up" && !d.why ? d.location : (d.why ?? d.cause)} max={90} /></span> },
  { id: "alerts", title: "Alerts", sort: "down", cell: (d) => <AlertCount d={d} /> },
  { id: "load", title: "Busiest interfaces", sort: "down", hint: "by the busier direction's share of the speed", rank: 4, cell: (d) => (
    <span class="busiest" title={(d.busiest ?? []).map((b) => `${b.key}: ${bits(b.in)} in, ${bits(b.out)} out`).join("\n")}>{(d.busiest ?? []).slice(0, 2).map((b, i) => <span key={b.key} class={i > 0 ? "wide" : ""}><Busy device={d.name} of={b} meter={i === 0} /></span>)}</span>
  ) },
  { id: "interfaces", title: "Ports", num: true, sort: "down", hint: "interfaces that are up, of all; those that are admin up and not up", rank: 3, cell: (d) => d.interfaces === 0 ? <span class="muted">–</span> : (
    <span title={`${d.interfaces_up} of ${d.interfaces} up; ${d.interfaces_down} admin up, but down`}>{d.interfaces_down > 0 && <span class="muted">{integer(d.interfaces_down)} down, </span>}{integer(d.interfaces_up)}<span class="muted">/{integer(d.interfaces)}</span></span>
  ) },
  { id: "last_poll", title: "Polled", num: true, sort: "up", rank: 3, cell: (d) => <Age at={d.last_poll} /> },
  { id: "duration", title: "Took", num: true, sort: "down", rank: 4, hint: "the last poll, of its interval", cell: (d) => <span title={`every ${duration(d.interval)}; round trip ${duration(d.round_trip)}`}>{d.last_poll ? duration(d.duration) : "–"}</span> },
  { id: "up_time", title: "Up for", num: true, rank: 5, cell: (d) => d.up_time ? duration(d.up_time) : "–" },
  { id: "address", title: "Address", sort: "up", rank: 5, cell: (d) => <span class="mono"><Text of={d.address} max={45} /></span> },
];

function Tiles({ c, state }: { c: FleetCounts; state: string }) {
  const down = Math.max(0, c.interfaces_down - c.never_up);
  const tile = (key: string, n: number, name: string, mood = "") => (
    <a class={`tile ${n > 0 ? mood : ""}`} href={href("/", { state: key })} aria-current={state === key ? "true" : undefined}><b>{integer(n)}</b><span>{name}</span></a>
  );
  return (
    <div class="tiles" role="group" aria-label="The fleet in figures">
      {tile("", c.devices, c.devices === 1 ? "device" : "devices")}
      {tile("down", c.down, "down", "bad")}
      {tile("partial", c.partial, "partly answered", "warn")}
      {tile("up", c.up, "up")}
      {c.new > 0 && tile("new", c.new, "not polled yet")}
      <a class={`tile ${c.firing > 0 ? "bad" : ""}`} href={href("/alerts")}><b>{integer(c.firing)}</b><span>firing{c.pending > 0 && `, ${integer(c.pending)} pending`}</span></a>
      <div class={`tile hide-phone ${down > 0 ? "warn" : ""}`} title={`admin up, oper not up, of ${integer(c.interfaces)}; ${integer(c.never_up)} more were never in use`}><b>{integer(down)}</b><span>of {integer(c.interfaces)} ports down</span></div>
      {c.late > 0 && <a class="tile bad" href={href("/collector")}><b>{integer(c.late)}</b><span>polled late</span></a>}
    </div>
  );
}

export function FleetPage({ query }: { query: URLSearchParams }) {
  const o = order(query, { sort: "state", desc: false });
  const q = query.get("q") ?? "";
  const state = query.get("state") ?? "";
  const offset = Number(query.get("offset")) || 0;
  const data = useData<Fleet>(url("/api/ui/fleet", { search: q, state, sort: o.sort, desc: o.desc, offset, limit: pageSize }), { topics: ["fleet", "alerts"], every: 2000 });
  return (
    <>
      <h1 class="visually-hidden">Fleet</h1>
      {data.value && <Tiles c={data.value.counts} state={state} />}
      <div class="bar">
        <Search value={q} label="Search devices" placeholder="Search name, address, label …  ( / )" />
        {state && <a class="button" href={href("/", { q })}>only {state} ✕</a>}
        {data.value && <span class="end">as of <Age at={data.value.at} /></span>}
      </div>
      <Shown data={data}>{(fleet) => fleet.counts.devices === 0
        ? <Empty title="No device is collected"><p>Add targets to the configuration, or let <code>snmpcollect discover</code> find agents in your networks; then <code>snmpcollect reload</code>. This page follows.</p></Empty>
        : fleet.matching === 0
          ? <Empty title="No device matches"><p>Of {integer(fleet.counts.devices)} none has all of these words. <a href={href("/")}>Show all</a></p></Empty>
          : (
            <div class="table-box">
              <Table label="Devices" columns={columns} rows={fleet.devices ?? []} rowKey={(d) => d.name} rowClass={(d) => d.state === "down" ? "is-bad" : undefined} order={o} />
              <Pager offset={fleet.offset} shown={fleet.devices?.length ?? 0} matching={fleet.matching} what="devices" />
            </div>
          )}</Shown>
    </>
  );
}
