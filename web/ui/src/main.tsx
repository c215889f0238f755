// The frame around every page: navigation, the state of the connection, theme, keys.
import { render, type ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useConnection, useData } from "./api/live";
import { stream } from "./api/stream";
import type { Alerts, Session } from "./api/types";
import { duration, plural, zone } from "./format";
import { serverNow, useNow } from "./parts/age";
import { DialogContext } from "./parts/dialog";
import { Help } from "./parts/help";
import { Empty } from "./parts/notice";
import { AlertPage } from "./pages/alert";
import { AlertsPage } from "./pages/alerts";
import { CollectorPage } from "./pages/collector";
import { DevicePage } from "./pages/device";
import { EventsPage } from "./pages/events";
import { FleetPage } from "./pages/fleet";
import { InterfacePage } from "./pages/interface";
import { devicePath, go, href, takeLinks, useRoute, type Route } from "./router";
import { SessionContext } from "./session";
import { setTheme, theme, type Theme } from "./theme";
import "./style/base.css";
import "./style/table.css";
import "./style/chart.css";
import "uplot/dist/uPlot.min.css";

function Page({ route, counts }: { route: Route; counts: Alerts["counts"] | undefined }) {
  const [a = "", b = ""] = route.args;
  switch (route.page) {
    case "fleet":
      return <FleetPage query={route.query} />;
    case "device":
      return <DevicePage key={a} name={a} query={route.query} />;
    case "interface":
      return <InterfacePage key={`${a}\n${b}`} device={a} name={b} query={route.query} />;
    case "alerts":
      return <AlertsPage query={route.query} counts={counts} />;
    case "alert":
      return <AlertPage key={a} fingerprint={a} />;
    case "events":
      return <EventsPage query={route.query} />;
    case "collector":
      return <CollectorPage />;
    default:
      return <Empty title="There is no such page"><p><a href={href("/")}>The fleet</a> is where everything begins.</p></Empty>;
  }
}

/** The first part of the path, for aria-current. */
const section: Record<Route["page"], string> = {
  fleet: "/", device: "/", interface: "/", alerts: "/alerts", alert: "/alerts", events: "/events", collector: "/collector", none: "",
};

function Nav({ at, firing, pending }: { at: string; firing: number; pending: number }) {
  const link = (to: string, name: string, extra?: preact.ComponentChildren) => <a href={href(to)} aria-current={at === to ? "page" : undefined}>{name}{extra}</a>;
  const count = firing > 0
    ? <span class="count bad">{firing}<span class="visually-hidden"> firing</span></span>
    : pending > 0 && <span class="count">{pending}<span class="visually-hidden"> pending</span></span>;
  return (
    <nav class="nav" aria-label="Pages">
      {link("/", "Fleet")}
      {link("/alerts", "Alerts", count)}
      {link("/events", "Events")}
      {link("/collector", "Collector")}
    </nav>
  );
}

function ThemeButton() {
  const [now, set] = useState<Theme>(theme);
  const next: Record<Theme, Theme> = { auto: "light", light: "dark", dark: "auto" };
  const sign: Record<Theme, string> = { auto: "◐", light: "☀", dark: "☾" };
  return (
    <button type="button" class="quiet" title={`Colours: ${now}`} aria-label={`Colours: ${now}. Change to ${next[now]}`} onClick={() => {
      setTheme(next[now]);
      set(next[now]);
    }}><span aria-hidden="true">{sign[now]}</span></button>
  );
}

function Connection() {
  const { state } = useConnection();
  const words = { connecting: "connecting", live: "live", lost: "disconnected" }[state];
  return <span class={`conn ${state}`} role="status" data-connection={state}><span aria-hidden="true">{state === "live" ? "●" : state === "lost" ? "✕" : "○"}</span>{words}</span>;
}

/** While nothing new comes, the page says so and how old it is. */
function LostBanner() {
  const { state, since } = useConnection();
  useNow();
  if (state !== "lost") return null;
  return <div class="banner"><strong>Disconnected</strong> for {duration(Math.max(0, Math.round((Date.now() - since) / 1000)))}. What is shown is not of now; it is tried again all the time.</div>;
}

/** Tells a screen reader of alerts that come and go, without reading the whole page again. */
function Announcer({ firing }: { firing: number | undefined }) {
  const before = useRef<number | undefined>(undefined);
  const [words, say] = useState("");
  useEffect(() => {
    if (firing === undefined) return;
    if (before.current !== undefined && firing !== before.current) say(firing === 0 ? "No alert is firing." : `${plural(firing, "alert")} firing.`);
    before.current = firing;
  }, [firing]);
  return <div class="visually-hidden" aria-live="polite" role="status">{words}</div>;
}

const editable = "input, textarea, select, [contenteditable]";
const places: Record<string, string> = { f: "/", a: "/alerts", e: "/events", c: "/collector" };

/** Keys that hold on every page. */
function useKeys(help: () => void, route: Route): void {
  const at = useRef(route);
  at.current = route;
  useEffect(() => {
    let going = false; // "g" was hit, and the next key says where to
    const key = (e: KeyboardEvent): void => {
      if (e.ctrlKey || e.metaKey || e.altKey || (e.target as Element).matches(editable) || document.querySelector("dialog[open]")) return;
      const to = places[e.key];
      if (e.key === "/") {
        const field = document.querySelector<HTMLInputElement>("[data-search]");
        if (!field) return;
        e.preventDefault();
        field.focus();
        field.select();
      } else if (e.key === "?") help();
      else if (to && going) go(href(to));
      else if (e.key === "u" && at.current.page === "interface") go(devicePath(at.current.args[0] ?? ""));
      else if (e.key === "u" && at.current.page === "alert") go(href("/alerts"));
      else if (e.key === "u") go(href("/"));
      going = e.key === "g";
    };
    document.addEventListener("keydown", key);
    return () => document.removeEventListener("keydown", key);
  }, [help]); // once: between the two keys of "g f" nothing may be forgotten
}

function App() {
  const route = useRoute();
  const session = useData<Session>("/api/ui/session", { topics: ["config"] });
  const alerts = useData<Alerts>("/api/ui/alerts?limit=0", { topics: ["alerts"] });
  const [dialog, show] = useState<ComponentChildren>();
  const openHelp = useRef(() => show(<Help onClose={() => show(undefined)} />)).current;
  useKeys(openHelp, route);
  const counts = alerts.value?.counts;
  const place = route.page + route.args.join("/");
  const before = useRef<string | undefined>(undefined);
  useEffect(() => {
    const what = route.args.length > 0 && route.page !== "alert" ? route.args.slice().reverse().join(" · ") : { fleet: "Fleet", alerts: "Alerts", alert: "Alert", events: "Events", collector: "Collector" }[route.page as string];
    if (before.current !== undefined && before.current !== place) document.getElementById("main")?.focus({ preventScroll: true }); // where a reader goes on
    if (before.current !== place) show(undefined);
    before.current = place;
    document.title = `${counts && counts.firing > 0 ? `(${counts.firing}) ` : ""}${what ? what + " – " : ""}Walkabout`;
    sign(!!counts && counts.firing > 0);
  }, [place, counts?.firing]);
  return (
    <SessionContext.Provider value={session.value}>
      <a class="skip" href="#main">Skip to content</a>
      <header class="top">
        <div class="top-row">
          <a class="brand" href={href("/")}><img src={icon} alt="" width="20" height="20" />Walkabout</a>
          <Nav at={section[route.page]} firing={counts?.firing ?? 0} pending={counts?.pending ?? 0} />
          <div class="top-end">
            <Connection />
            <ThemeButton />
            <button type="button" class="quiet hide-phone" aria-label="Help: keys" title="Keys (?)" onClick={openHelp}>?</button>
          </div>
        </div>
        <LostBanner />
      </header>
      <main id="main" tabIndex={-1}><DialogContext.Provider value={show}><Page route={route} counts={counts} /></DialogContext.Provider></main>
      <footer class="foot">
        <span>snmpcollect {session.value?.version ?? ""}</span>
        <span>times in {zone(serverNow())}</span>
        {session.value?.user && <span>signed in as {session.value.user}</span>}
        <a href={href("/metrics")}>metrics</a>
        <a href={href("/assets/THIRD-PARTY.txt")}>licences</a>
      </footer>
      <Announcer firing={counts?.firing} />
      {dialog}
    </SessionContext.Provider>
  );
}

const iconLink = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
const icon = iconLink?.href ?? "";
const alarm = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#b3121d"/><path d="M16 6 28 26H4z" fill="#fff"/></svg>')}`;

/** The sign of the tab: another while alerts fire. */
function sign(firing: boolean): void {
  const to = firing ? alarm : icon;
  if (iconLink && iconLink.href !== to) iconLink.href = to;
}

/** Heads of tables stick below the frame's head, whose height changes with the width and with the banner. */
function measureTop(): void {
  const top = document.querySelector(".top");
  if (!top) return;
  const set = (): void => document.documentElement.style.setProperty("--top", `${top.getBoundingClientRect().height}px`);
  new ResizeObserver(set).observe(top);
}

takeLinks(document.documentElement);
stream.start();
render(<App />, document.getElementById("app")!);
measureTop();
