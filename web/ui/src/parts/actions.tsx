// Acknowledging and silencing.
import { useState } from "preact/hooks";
import { change } from "../api/client";
import type { Alert } from "../api/types";
import { author, rememberAuthor, useSession } from "../session";
import { FormDialog } from "./dialog";
import { Text } from "./text";

const text = (f: FormData, name: string): string => String(f.get(name) ?? "").trim();

function Author() {
  const session = useSession();
  return (
    <label><span>Your name</span>
      <input name="author" required maxLength={100} autocomplete="username" defaultValue={author(session)} readOnly={!!session?.user} />
    </label>
  );
}

function AckDialog({ alert, onClose, done }: { alert: Alert; onClose: () => void; done: () => void }) {
  const send = async (f: FormData): Promise<void> => {
    await change("POST", `/api/alerts/${encodeURIComponent(alert.fingerprint)}/ack`, { by: text(f, "author"), reason: text(f, "reason"), for: text(f, "for") });
    rememberAuthor(text(f, "author"));
    done();
  };
  return (
    <FormDialog title="Acknowledge" action="Acknowledge" onClose={onClose} onSend={send}>
      <p><Text of={alert.summary} max={300} /></p>
      <p class="muted">Says that you look after it. It still counts as firing, and ends by itself with the alert.</p>
      <Author />
      <label><span>What is being done (others read it)</span><input name="reason" maxLength={500} autocomplete="off" /></label>
      <label><span>Until</span>
        <select name="for">
          <option value="">the alert ends</option>
          <option value="1h">1 hour from now</option>
          <option value="4h">4 hours from now</option>
          <option value="24h">a day from now</option>
          <option value="168h">a week from now</option>
        </select>
      </label>
    </FormDialog>
  );
}

/** Matchers that a silence of one alert may have, the narrowest first. */
function scopes(a: Alert): { label: string; matchers: string[] }[] {
  const of = (name: string, value: string): string => `${name}=${value}`;
  const all = [{ label: "this alert", matchers: [of("fingerprint", a.fingerprint)] }];
  if (a.key) all.push({ label: `everything about ${a.key} of ${a.device}`, matchers: [of("device", a.device), of("interface", a.key)] });
  all.push({ label: `everything about ${a.device}`, matchers: [of("device", a.device)] });
  all.push({ label: `${a.rule} on every device`, matchers: [of("rule", a.rule)] });
  return all;
}

function For({ span, setSpan }: { span: string; setSpan: (to: string) => void }) {
  return (
    <>
      <label><span>For how long</span>
        <select value={span} onChange={(e) => setSpan(e.currentTarget.value)}>
          <option value="30m">30 minutes</option>
          <option value="2h">2 hours</option>
          <option value="8h">8 hours</option>
          <option value="24h">a day</option>
          <option value="168h">a week</option>
          <option value="until">until …</option>
        </select>
      </label>
      {span === "until" && <label><span>Until (your local time)</span><input type="datetime-local" name="until" required /></label>}
    </>
  );
}

async function sendSilence(f: FormData, matchers: string[], span: string): Promise<void> {
  const body = { matchers, author: text(f, "author"), reason: text(f, "reason") };
  await change("POST", "/api/silences", span === "until" ? { ...body, ends_at: new Date(text(f, "until")).toISOString() } : { ...body, for: span });
  rememberAuthor(text(f, "author"));
}

function SilenceDialog({ alert, onClose, done }: { alert: Alert; onClose: () => void; done: () => void }) {
  const choices = scopes(alert);
  const [span, setSpan] = useState("2h");
  const send = async (f: FormData): Promise<void> => {
    await sendSilence(f, choices[Number(f.get("scope"))]!.matchers, span);
    done();
  };
  return (
    <FormDialog title="Silence" action="Silence" onClose={onClose} onSend={send}>
      <p class="muted">Nobody is notified until it ends. What still fires then is told then.</p>
      <label><span>What</span>
        <select name="scope">{choices.map((c, i) => <option key={i} value={i}>{c.label}</option>)}</select>
      </label>
      <For span={span} setSpan={setSpan} />
      <Author />
      <label><span>Reason</span><input name="reason" required maxLength={500} autocomplete="off" /></label>
    </FormDialog>
  );
}

/** A silence of anything, by matchers. */
export function NewSilence({ done }: { done: () => void }) {
  const session = useSession();
  const [open, setOpen] = useState(false);
  const [span, setSpan] = useState("2h");
  const send = async (f: FormData): Promise<void> => {
    await sendSilence(f, text(f, "matchers").split("\n").map((m) => m.trim()).filter((m) => m !== ""), span);
    done();
  };
  return (
    <>
      <button type="button" disabled={!session?.may_write} title={session?.why_not} onClick={() => setOpen(true)}>New silence …</button>
      {open && (
        <FormDialog title="New silence" action="Silence" onClose={() => setOpen(false)} onSend={send}>
          <p class="muted">Silences what all matchers fit, one in a line: <code>device=core1</code>, <code>interface=~Gi1/.*</code>, <code>rule=…</code>, <code>severity!=critical</code>, any label. Nobody is notified until it ends.</p>
          <label><span>Matchers</span><textarea name="matchers" required rows={3} class="mono" spellcheck={false} /></label>
          <For span={span} setSpan={setSpan} />
          <Author />
          <label><span>Reason</span><input name="reason" required maxLength={500} autocomplete="off" /></label>
        </FormDialog>
      )}
    </>
  );
}

/** What can be done about an alert. Whoever may do nothing sees why. */
export function AlertActions({ alert, done }: { alert: Alert; done: () => void }) {
  const session = useSession();
  const [open, setOpen] = useState<"ack" | "silence">();
  if (alert.state !== "firing" && alert.state !== "pending") return null;
  const may = session?.may_write ?? false;
  const why = may ? undefined : (session?.why_not ?? "You may look only.");
  const close = (): void => setOpen(undefined);
  const unack = async (): Promise<void> => {
    await change("DELETE", `/api/alerts/${encodeURIComponent(alert.fingerprint)}/ack`).catch(() => {}); // it may have ended meanwhile: what is fetched now tells
    done();
  };
  return (
    <span class="bar nowrap">
      {alert.ack
        ? <button type="button" disabled={!may} title={why} onClick={() => void unack()}>Withdraw acknowledgement</button>
        : <button type="button" disabled={!may} title={why} onClick={() => setOpen("ack")}>Acknowledge</button>}
      <button type="button" disabled={!may} title={why} onClick={() => setOpen("silence")}>Silence</button>
      {open === "ack" && <AckDialog alert={alert} onClose={close} done={done} />}
      {open === "silence" && <SilenceDialog alert={alert} onClose={close} done={done} />}
    </span>
  );
}

/** Says why nothing can be done, if so. */
export function WhyNot() {
  const session = useSession();
  if (!session || session.may_write) return null;
  return <p class="muted">You can look, but not acknowledge or silence: {session.why_not ?? "the configuration does not allow it."}</p>;
}
