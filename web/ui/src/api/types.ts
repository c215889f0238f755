// The JSON of package web (and of alert/api), whose Go types document it. Times are RFC 3339, durations seconds, rates a second, traffic bits a second;
// null or a missing key is what is not known.

export interface Session {
  version: string;
  started: string;
  now: string;
  user?: string;
  may_write: boolean;
  why_not?: string;
  store: boolean;
}

export interface FleetCounts {
  devices: number;
  up: number;
  partial: number;
  down: number;
  new: number;
  interfaces: number;
  interfaces_up: number;
  interfaces_down: number;
  firing: number;
  pending: number;
  never_up: number;
  late: number;
}

export interface Fleet {
  at: string;
  counts: FleetCounts;
  matching: number;
  offset: number;
  devices: Device[] | null;
}

export type DeviceState = "new" | "up" | "partial" | "down";

export interface Device {
  name: string;
  address: string;
  labels?: Record<string, string>;
  state: DeviceState;
  cause?: string;
  why?: string;
  since?: string;
  last_poll?: string;
  interval: number;
  duration: number;
  round_trip?: number;
  up_time?: number;
  sys_name?: string;
  location?: string;
  interfaces: number;
  interfaces_up: number;
  interfaces_down: number;
  busiest: Busiest[] | null;
  firing: number;
  pending: number;
}

export interface Busiest {
  key: string;
  name: string;
  in: number | null;
  out: number | null;
  load: number | null;
}

export interface DeviceView {
  at: string;
  device: Device;
  system: { name?: string; descr?: string; object_id?: string; contact?: string; location?: string };
  polls: Polls;
  matching: number;
  offset: number;
  interfaces: Interface[] | null;
  tables: Table[] | null;
  alerts: Alert[] | null;
}

export interface Polls {
  profiles: string[] | null;
  version: string;
  polls: number;
  partial: number;
  failed: number;
  missed: number;
  lag: number;
  requests: number;
  retries: number;
  max_repetitions: number;
  get_next?: boolean;
  slowest?: string;
  slowest_took?: number;
  samples: number;
  withheld?: Record<string, number>;
  engine_twins?: string[];
  error?: string;
}

export interface Interface {
  key: string;
  index: number;
  name: string;
  descr?: string;
  alias?: string;
  type?: number;
  mtu?: number;
  mac?: string;
  duplex?: "half" | "full";
  admin: string;
  oper: string;
  speed: number;
  in: number | null;
  out: number | null;
  load: number | null;
  errors: number | null;
  discards: number | null;
  verdict?: string;
  last_change?: string;
  recent: { interval: number; in: (number | null)[] | null; out: (number | null)[] | null };
  alert?: string;
  fingerprint?: string;
}

export interface Table {
  measurement: string;
  title: string;
  at: string;
  complete: boolean;
  columns: { name: string; kind: "tag" | "text" | "number" | "boolean" | "rate"; unit?: string }[];
  total: number;
  kept: number;
  matching: number;
  offset: number;
  rows: Cell[][] | null;
}

export type Cell = string | number | boolean | null;

export interface InterfaceView {
  at: string;
  device: Device;
  interface: Interface;
  alerts: Alert[] | null;
  store: boolean;
}

export interface Graph {
  from: number;
  to: number;
  step: number;
  times: number[] | null;
  groups: GraphGroup[] | null;
  gaps: Gap[] | null;
  states: StateSpan[] | null;
  totals: { in: Total; out: Total; covered: number };
  problem?: string;
}

export interface GraphGroup {
  name: "traffic" | "packets" | "errors" | "utilisation";
  unit: string;
  series: GraphSeries[] | null;
}

export interface GraphSeries {
  name: string;
  avg: (number | null)[];
  min?: (number | null)[];
  max?: (number | null)[];
}

export interface Gap {
  from: number;
  to: number;
  reason: string;
  text: string;
}

export interface StateSpan {
  from: number;
  to: number;
  admin: string;
  oper: string;
}

export interface Total {
  octets: number | null;
  avg: number | null;
  max: number | null;
  p95: number | null;
}

export interface Alerts {
  at: string;
  counts: { firing: number; pending: number; resolved: number; never_up: number; silenced: number; acknowledged: number };
  matching: number;
  offset: number;
  alerts: Alert[] | null;
}

export interface Alert {
  fingerprint: string;
  device: string;
  rule: string;
  kind: string;
  key: string;
  state: "inactive" | "pending" | "firing" | "resolved" | "listed";
  reason?: string;
  flapping?: boolean;
  since: string;
  fired_at?: string;
  resolved_at?: string;
  observed_ns: number;
  polls: number;
  frozen?: string;
  severity?: string;
  fired_before?: number;
  last_fired_at?: string;
  explained_by?: string;
  explains?: number;
  untold?: boolean;
  silenced_by?: string;
  ack?: { by: string; reason?: string; at: string; until?: string };
  labels?: Record<string, string>;
  values?: Record<string, string>;
  summary: string;
  /** The key of the interface that it is of, if that is known. */
  interface?: string;
}

export interface Transition extends Alert {
  id: string;
  number: number;
  from: Alert["state"];
  at: string;
  quiet?: boolean;
}

export interface AlertView {
  at: string;
  alert: Alert | null;
  history: Transition[] | null;
  more: boolean;
}

export interface AlertHistory {
  at: string;
  transitions: Transition[] | null;
  more: boolean;
}

export interface Silence {
  id: string;
  matchers: string[];
  starts_at: string;
  ends_at: string;
  author: string;
  reason: string;
  created_at: string;
}

export interface MaintenanceWindow {
  name: string;
  matchers: string[];
  reason?: string;
  active: boolean;
  until?: string;
  next?: string;
}

export interface Collector {
  at: string;
  version: string;
  go: string;
  system: string;
  started: string;
  health: string;
  counts: FleetCounts;
  process: { memory: number; heap: number; goroutines: number; cpu: number; cpus: number };
  outputs: Output[] | null;
  notifiers: { name: string; waiting: number; delivered: number; failed: number; lost: number; error?: string }[] | null;
  spool: { octets: number; segments: number; appended: number; refused: number; failures: number; lost: number; unsaved: number };
  store: Store | null;
  traps: { listen: string[] | null; received: number; refused: number } | null;
  reload: { last?: string; good: boolean };
  slow: SlowDevice[] | null;
  problems: { at: string; level: string; text: string }[] | null;
  viewers: number;
}

export interface Output {
  name: string;
  state: "ok" | "failing" | "filling" | "absent";
  written: number;
  rejected: number;
  filtered: number;
  retries: number;
  errors?: Record<string, number>;
  /** Of the last write that failed, whatever came after it. */
  error?: string;
  error_at?: string;
  last_write?: string;
  waiting: number;
  octets: number;
  oldest?: number;
  dropped: number;
}

export interface Store {
  series: number;
  samples: number;
  octets: number;
  oldest?: string;
  newest?: string;
  keep_for?: number;
  keep_size?: number;
  /** How much of its log was read, 0 to 1, while nothing is stored or drawn for that. */
  reading?: number;
  problem?: string;
}

export interface SlowDevice {
  name: string;
  duration: number;
  interval: number;
  lag: number;
  why: string;
}

export interface Log {
  at: string;
  entries: LogEntry[] | null;
  more: boolean;
}

export interface LogEntry {
  id: number;
  at: string;
  kind: "trap" | "alert" | "device";
  device?: string;
  interface?: string;
  source?: string;
  title: string;
  text: string;
  severity?: string;
  fingerprint?: string;
  fields?: { name: string; value: string }[];
}

export type Topic = "fleet" | "alerts" | "log" | "config";

export interface Change {
  topics: Topic[] | null;
  devices: string[] | null;
  all?: boolean;
}
