// Alerts in a list, each with what can be done about it.
import type { Alert, Transition } from "../api/types";
import { alertPath, devicePath, interfacePath } from "../router";
import { AlertActions } from "./actions";
import { Age } from "./age";
import { AlertMark, SeverityMark } from "./state";
import { moveRow } from "./table";
import { Text } from "./text";

/** Who looks after it, what keeps it quiet, why it stands still. */
export function Attention({ a }: { a: Alert }) {
  return (
    <span class="tags">
      {a.ack && <span class="tag" title={a.ack.reason}>✓ acknowledged by <Text of={a.ack.by} max={24} />{a.ack.reason && <>: <Text of={a.ack.reason} max={60} /></>}</span>}
      {a.silenced_by && <span class="tag" title={a.silenced_by}>{a.silenced_by.startsWith("maintenance:") ? "in maintenance" : "silenced"}</span>}
      {a.flapping && <span class="tag" title="it fired and recovered too often">flapping</span>}
      {a.frozen && <span class="tag" title="it stands still until the device is seen again">{a.frozen.replaceAll("_", " ")}</span>}
      {a.explained_by && <span class="tag">explained by <Text of={a.explained_by} max={24} /></span>}
      {(a.explains ?? 0) > 0 && <span class="tag">explains {a.explains} more</span>}
    </span>
  );
}

/** Where it is: the device, and the interface if it is of one. */
export function Where({ a, device = true }: { a: Alert; device?: boolean }) {
  const port = a.interface ?? (a.key && a.labels?.["ifName"] === a.key ? a.key : undefined);
  return (
    <>
      {device && <a href={devicePath(a.device)}><Text of={a.device} max={32} /></a>}
      {device && a.key && " · "}
      {a.key && (port ? <a href={interfacePath(a.device, port)}><Text of={a.key} max={36} /></a> : <Text of={a.key} max={36} />)}
    </>
  );
}

/** Whether people were told of a transition; nothing for one that nobody is ever told of. */
export function Told({ t }: { t: Transition }) {
  if (t.state !== "firing" && !(t.state === "resolved" && t.from === "firing")) return null;
  return t.quiet ? <span class="muted">nobody</span> : <>yes</>;
}

export function AlertList({ alerts, again, device = true }: { alerts: Alert[]; again: () => void; device?: boolean }) {
  return (
    <ul class="alerts" onKeyDown={moveRow}>
      {alerts.map((a) => (
        <li key={a.fingerprint} class={a.state === "firing" && !a.ack && !a.silenced_by ? "is-bad" : ""} data-fingerprint={a.fingerprint}>
          <div class="alert-state"><AlertMark state={a.state} /><SeverityMark severity={a.severity} /></div>
          <div class="alert-text">
            <a class="alert-summary" href={alertPath(a.fingerprint)}><Text of={a.summary} max={220} /></a>
            <div class="muted alert-meta">
              <Where a={a} device={device} />
              <span>since <Age at={a.since} /></span>
              <span>{a.rule}</span>
              {a.state === "resolved" && a.reason && <span>{a.reason.replaceAll("_", " ")}</span>}
            </div>
            <Attention a={a} />
          </div>
          <AlertActions alert={a} done={again} />
        </li>
      ))}
    </ul>
  );
}
