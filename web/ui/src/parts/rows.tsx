// A table that a profile brought: its columns are the MIB's, and its cells whatever the device gave.
import type { Cell, Table as Rows } from "../api/types";
import { integer, none, rate, si } from "../format";
import { Table, type Column, type Order } from "./table";
import { Text } from "./text";

function show(v: Cell | undefined, kind: Rows["columns"][number]["kind"]) {
  if (v == null || v === "") return <span class="muted">{none}</span>;
  if (kind === "rate" && typeof v === "number") return rate(v);
  if (typeof v === "number") return Number.isInteger(v) ? integer(v) : si(v);
  if (typeof v === "boolean") return v ? "yes" : "no";
  return <Text of={v} max={60} />;
}

/** One row of many columns (ip, tcp, …) reads better as names and values. */
function OneRow({ table: t, row }: { table: Rows; row: Cell[] }) {
  return (
    <dl class="facts many">{t.columns.map((c, i) => <div key={c.name}><dt>{heading(c)}</dt><dd>{show(row[i], c.kind)}</dd></div>)}</dl>
  );
}

const heading = (c: Rows["columns"][number]): string => (c.kind === "rate" ? `${c.name}/s` : c.name);

export function RowsTable({ table: t, order }: { table: Rows; order?: Order }) {
  const [only] = t.rows ?? [];
  if (t.total === 1 && only && !t.columns.some((c) => c.kind === "tag")) return <OneRow table={t} row={only} />;
  const numeric = (kind: string): boolean => kind === "number" || kind === "rate";
  const columns: Column<[number, Cell[]]>[] = t.columns.map((c, i) => ({
    id: c.name, title: heading(c), num: numeric(c.kind), head: i === 0 && c.kind === "tag", cell: ([, row]) => show(row[i], c.kind),
    ...(order ? { sort: numeric(c.kind) ? "down" as const : "up" as const } : {}),
  }));
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t.title}>
      <Table label={t.title} columns={columns} rows={(t.rows ?? []).map((r, i): [number, Cell[]] => [t.offset + i, r])} rowKey={([i]) => String(i)} {...(order ? { order } : {})} />
    </div>
  );
}
