// Acknowledging and silencing.
import type { ComponentChildren } from "preact";
import { useContext, useState } from "preact/hooks";
import { change, Failure } from "../api/client";
import type { Alert, Silence } from "../api/types";
import { dateTime } from "../format";
import { author, rememberAuthor, useSession } from "../session";
import { serverNow } from "./age";
import { DialogContext, FormDialog } from "./dialog";
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
  const of = (name: string, value: string): string => `${name}="${value}"`; // quotes keep what is between them as it is
  const all = [{ label: "this alert", matchers: [of("fingerprint", a.fingerprint)] }];
  if (a.key) all.push({ label: `everything about ${a.key} of ${a.device}`, matchers: [of("device", a.device), of("interface", a.key)] });
  all.push({ label: `everything about ${a.device}`, matchers: [of("device", a.device)] });
  all.push({ label: `${a.rule} on every device`, matchers: [of("rule", a.rule)] });
  return all;
}

const spans: [string, string, number][] = [["30m", "30 minutes", 0.5], ["2h", "2 hours", 2], ["8h", "8 hours", 8], ["24h", "a day", 24], ["168h", "a week", 168]];

/** For how long; ends, in RFC 3339, is when a silence that is changed ends as it is. */
function For({ ends }: { ends?: string }) {
  const [span, setSpan] = useState(ends ? "" : "2h");
  return (
    <>
      <label><span>For how long</span>
        <select name="span" value={span} onChange={(e) => setSpan(e.currentTarget.value)}>
          {ends && <option value="">as it is: until {dateTime(Date.parse(ends))}</option>}
          {spans.map(([value, name]) => <option key={value} value={value}>{name}{ends ? " from now" : ""}</option>)}
          <option value="until">until …</option>
        </select>
      </label>
      {span === "until" && <label><span>Until (your local time)</span><input type="datetime-local" name="until" required /></label>}
    </>
  );
}

/** When the silence of a form ends, in RFC 3339; ends is when it does as it is. */
function endOf(f: FormData, ends?: string): string {
  const span = text(f, "span");
  if (span === "" && ends) return ends;
  if (span === "until") return new Date(text(f, "until")).toISOString();
  return new Date(serverNow() + (spans.find(([value]) => value === span)?.[2] ?? 0) * 3600_000).toISOString();
}

/** Makes a silence, or changes one that there is. */
async function sendSilence(f: FormData, matchers: string[], of?: Silence): Promise<void> {
  await change("POST", "/api/silences", {
    matchers, author: text(f, "author"), reason: text(f, "reason"), ends_at: endOf(f, of?.ends_at), ...(of ? { id: of.id, starts_at: of.starts_at } : {}),
  });
  rememberAuthor(text(f, "author"));
}

function SilenceDialog({ alert, onClose, done }: { alert: Alert; onClose: () => void; done: () => void }) {
  const choices = scopes(alert);
  const send = async (f: FormData): Promise<void> => {
    await sendSilence(f, choices[Number(f.get("scope"))]!.matchers);
    done();
  };
  return (
    <FormDialog title="Silence" action="Silence" onClose={onClose} onSend={send}>
      <p class="muted">Nobody is notified until it ends. What still fires then is told then.</p>
      <label><span>What</span>
        <select name="scope">{choices.map((c, i) => <option key={i} value={i}>{c.label}</option>)}</select>
      </label>
      <For />
      <Author />
      <label><span>Reason</span><input name="reason" required maxLength={500} autocomplete="off" /></label>
    </FormDialog>
  );
}

/** A silence of anything, by matchers: a new one, or one that is changed. */
function MatchersDialog({ of, onClose, done }: { of?: Silence; onClose: () => void; done: () => void }) {
  const send = async (f: FormData): Promise<void> => {
    await sendSilence(f, text(f, "matchers").split("\n").map((m) => m.trim()).filter((m) => m !== ""), of);
    done();
  };
  return (
    <FormDialog title={of ? "Change a silence" : "New silence"} action={of ? "Change" : "Silence"} onClose={onClose} onSend={send}>
      <p class="muted">Silences what all matchers fit, one in a line: <code>device=core1</code>, <code>interface=~Gi1/.*</code>, <code>rule=…</code>, <code>severity!=critical</code>, any label. Nobody is notified until it ends.</p>
      <label><span>Matchers</span><textarea name="matchers" required rows={3} class="mono" spellcheck={false} defaultValue={of?.matchers.join("\n") ?? ""} /></label>
      <For {...(of ? { ends: of.ends_at } : {})} />
      <Author />
      <label><span>Reason</span><input name="reason" required maxLength={500} autocomplete="off" defaultValue={of?.reason ?? ""} /></label>
    </FormDialog>
  );
}

/** Leads to the dialog for a new silence, or to change one. */
export function SilenceButton({ silence, done }: { silence?: Silence; done: () => void }) {
  const session = useSession();
  const show = useContext(DialogContext);
  const open = (): void => show(<MatchersDialog {...(silence ? { of: silence } : {})} onClose={() => show(undefined)} done={done} />);
  return <button type="button" disabled={!session?.may_write} title={session?.why_not} onClick={open}>{silence ? "Change …" : "New silence …"}</button>;
}

/** A button that changes something at once. Whoever may not sees why; what failed says so beside it. */
export function ActButton({ act, done, children }: { act: () => Promise<unknown>; done: () => void; children: ComponentChildren }) {
  const session = useSession();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState("");
  const run = async (): Promise<void> => {
    setBusy(true);
    setFailure("");
    try {
      await act();
    } catch (err) {
      if (!(err instanceof Failure && err.status === 404)) setFailure(String(err instanceof Error ? err.message : err)); // 404: it ended meanwhile, as is seen at once
    }
    setBusy(false);
    done();
  };
  const may = session?.may_write ?? false;
  return (
    <>
      <button type="button" disabled={!may || busy} title={may ? undefined : (session?.why_not ?? "You may look only.")} onClick={() => void run()}>{children}</button>
      {failure && <span class="text-bad" role="alert">{failure}</span>}
    </>
  );
}

/** What can be done about an alert. Whoever may do nothing sees why. */
export function AlertActions({ alert, done }: { alert: Alert; done: () => void }) {
  const session = useSession();
  const show = useContext(DialogContext);
  if (alert.state !== "firing" && alert.state !== "pending") return null;
  const may = session?.may_write ?? false;
  const why = may ? undefined : (session?.why_not ?? "You may look only.");
  const close = (): void => show(undefined);
  return (
    <span class="bar nowrap">
      {alert.ack
        ? <ActButton act={() => change("DELETE", `/api/alerts/${encodeURIComponent(alert.fingerprint)}/ack`)} done={done}>Withdraw acknowledgement</ActButton>
        : <button type="button" disabled={!may} title={why} onClick={() => show(<AckDialog alert={alert} onClose={close} done={done} />)}>Acknowledge</button>}
      <button type="button" disabled={!may} title={why} onClick={() => show(<SilenceDialog alert={alert} onClose={close} done={done} />)}>Silence</button>
    </span>
  );
}

/** Says why nothing can be done, if so. */
export function WhyNot() {
  const session = useSession();
  if (!session || session.may_write) return null;
  return <p class="muted">You can look, but not acknowledge or silence: {session.why_not ?? "the configuration does not allow it."}</p>;
}
