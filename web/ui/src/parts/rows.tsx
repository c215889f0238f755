// A table that a profile brought: its columns are the MIB's, and its cells whatever the device gave.
import type { Cell, Table as Rows } from "../api/types";
import { duration, integer, none, octets, rate, short, si } from "../format";
import { Load } from "./meter";
import { Table, type Column, type Order } from "./table";
import { Text } from "./text";

type Kind = Rows["columns"][number];

/** Numbers that are names: no thin spaces stand in them. */
const names = /(Index|Serial|As|Port|PortNum|Layer|Id|ID|Class|Code|Type)$/;

/** A number in its column's unit, with a prefix where one is usual. */
function figure(v: number, c: Kind): string {
  switch (c.unit) {
    case "B":
      return octets(v);
    case "s":
      return duration(v);
    case undefined:
      return names.test(c.name) ? String(v) : Number.isInteger(v) ? integer(v) : short(si(v));
    default:
      return `${Number.isInteger(v) ? integer(v) : short(si(v))} ${c.unit}`;
  }
}

/** What a DateAndTime is written as; it is shown to the second. */
const moment = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?([+-]\d\d:\d\d)?$/;

/** What a counter counts a second. */
function perSecond(v: number, unit: string | undefined): string {
  return unit === "B" ? si(v, "B/s") : unit === "packet" ? si(v, "pps") : rate(v);
}

/** The share of a storage that is used, as the collector adds it. */
const share = (c: Kind): boolean => c.name === "used" && c.unit === "%";

function show(v: Cell | undefined, c: Kind) {
  if (v == null || v === "") return <span class="muted">{none}</span>;
  if (c.kind === "rate" && typeof v === "number") return perSecond(v, c.unit);
  if (typeof v === "number") return share(c) ? <Load share={v / 100} high={1} /> : figure(v, c);
  if (typeof v === "boolean") return v ? "yes" : "no";
  return <Text of={v.replace(moment, "$1 $2 $3")} max={60} />;
}

/** One row of many columns (ip, tcp, …) reads better as names and values. */
function OneRow({ table: t, row }: { table: Rows; row: Cell[] }) {
  return (
    <dl class="facts many">{t.columns.map((c, i) => <div key={c.name}><dt>{heading(c)}</dt><dd>{show(row[i], c)}</dd></div>)}</dl>
  );
}

const heading = (c: Kind): string => (c.kind === "rate" && c.unit === undefined ? `${c.name}/s` : c.name);

export function RowsTable({ table: t, order }: { table: Rows; order?: Order }) {
  const [only] = t.rows ?? [];
  if (t.total === 1 && only && !t.columns.some((c) => c.kind === "tag")) return <OneRow table={t} row={only} />;
  const numeric = (kind: string): boolean => kind === "number" || kind === "rate";
  const columns: Column<[number, Cell[]]>[] = t.columns.map((c, i) => ({
    id: c.name, title: heading(c), num: numeric(c.kind), head: i === 0 && c.kind === "tag", cell: ([, row]) => show(row[i], c),
    ...(order ? { sort: numeric(c.kind) ? "down" as const : "up" as const } : {}),
  }));
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={`${t.title}, rows`}>
      <Table label={t.title} columns={columns} rows={(t.rows ?? []).map((r, i): [number, Cell[]] => [t.offset + i, r])} rowKey={([i]) => String(i)} {...(order ? { order } : {})} />
    </div>
  );
}
