// States as words with a sign: colour is never the only difference.
import type { Alert, DeviceState } from "../api/types";

type Kind = "ok" | "bad" | "warn" | "off";

function State({ kind, sign, children, title }: { kind: Kind; sign: string; children: string; title?: string | undefined }) {
  return <span class={`state ${kind}`} title={title}><i aria-hidden="true">{sign}</i>{children}</span>;
}

const devices: Record<DeviceState, [Kind, string, string]> = {
  up: ["ok", "●", "up"],
  partial: ["warn", "◐", "partial"],
  down: ["bad", "✕", "down"],
  new: ["off", "○", "new"],
};

export function DeviceMark({ state, cause }: { state: DeviceState; cause?: string | undefined }) {
  const [kind, sign, word] = devices[state] ?? devices.new;
  return <State kind={kind} sign={sign} title={cause}>{word}</State>;
}

/** The two states of an interface. Up and down is what alarms; what is disabled on purpose, or was never in use, is quiet. */
export function PortMark({ admin, oper, unused = false }: { admin: string; oper: string; unused?: boolean }) {
  const words = admin === oper ? oper : `${admin}/${oper}`;
  const [kind, sign]: [Kind, string] =
    unused ? ["off", "▽"] : admin === "down" ? (oper === "up" ? ["warn", "▲"] : ["off", "○"]) : oper === "up" ? ["ok", "●"] : ["down", "notPresent", "lowerLayerDown"].includes(oper) ? ["bad", "▼"] : ["warn", "◇"];
  return <State kind={kind} sign={sign} title={`ifAdminStatus ${admin}, ifOperStatus ${oper}`}>{words}</State>;
}

const alerts: Record<Alert["state"], [Kind, string]> = {
  firing: ["bad", "▲"],
  pending: ["warn", "△"],
  resolved: ["ok", "✓"],
  listed: ["off", "○"],
  inactive: ["off", "○"],
};

/** The state of an alert, as a word of its own or as Interface.alert has it. */
export function AlertMark({ state, title }: { state: string; title?: string | undefined }) {
  const key = state === "never up" ? "listed" : state;
  const [kind, sign] = alerts[key as Alert["state"]] ?? ["warn", "?"];
  return <State kind={kind} sign={sign} title={title}>{key === "listed" ? "never up" : state}</State>;
}

const severities: Record<string, [Kind, string]> = { critical: ["bad", "‼"], warning: ["warn", "!"], info: ["off", "i"] };

export function SeverityMark({ severity }: { severity: string | undefined }) {
  if (!severity) return null;
  const [kind, sign] = severities[severity] ?? ["off", "·"];
  return <State kind={kind} sign={sign}>{severity}</State>;
}

/** Health of a part of the collector. */
export function HealthMark({ ok, word, title }: { ok: boolean | "warn"; word: string; title?: string | undefined }) {
  return <State kind={ok === "warn" ? "warn" : ok ? "ok" : "bad"} sign={ok === true ? "●" : ok === "warn" ? "◐" : "✕"} title={title}>{word}</State>;
}
