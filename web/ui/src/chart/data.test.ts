import assert from "node:assert/strict";
import { test } from "node:test";
import type { GraphGroup } from "../api/types";
import { at, columns, hatchedTo, range, summary, writer } from "./data";

const group: GraphGroup = {
  name: "traffic", unit: "bit/s",
  series: [{ name: "in", avg: [1000, null, 3000], max: [1500, null, 3500] }, { name: "out", avg: [10, null, 30] }],
};
const times = [100, 160, 220];
const gaps = [{ from: 100, to: 160, reason: "reset", text: "the agent restarted" }, { from: 220, to: 300, reason: "future", text: "not yet" }];

test("what leaves is drawn below the axis, gaps stay gaps, the largest have lines of their own", () => {
  const { data, lines } = columns({ group, times, mirror: true });
  assert.deepEqual(data, [times, [1500, null, 3500], [1000, null, 3000], [-10, null, -30]]);
  assert.deepEqual(lines.map((l) => [l.name, l.peak, l.out]), [["in", true, false], ["in", false, false], ["out", false, true]]);
  assert.deepEqual(columns({ group, times, mirror: false }).data[3], [10, null, 30]);
});

test("0 is always in sight, and so are marks", () => {
  assert.deepEqual(range(500, 1000, "bit/s"), [0, 1080]);
  assert.deepEqual(range(-100, 1000, "bit/s"), [-108, 1080]);
  assert.deepEqual(range(0, 100, "bit/s", [{ label: "", at: 1000, colour: "" }]), [0, 1080]);
  assert.deepEqual(range(null, null, "%"), [0, 1]);
  assert.deepEqual(range(-1000, -10, "bit/s"), [-1080, 0]);
});

test("a moment leads to the point that stands for it, and to its gap", () => {
  assert.deepEqual(at({ times, gaps }, 130), { index: 1, gap: gaps[0] });
  assert.deepEqual(at({ times, gaps }, 200), { index: 2, gap: undefined });
  assert.equal(at({ times, gaps }, 230).index, -1);
  assert.equal(at({ times, gaps }, 165, 6).gap, gaps[0]); // a gap of a minute is no pixel wide in a month
  assert.equal(at({ times, gaps }, 167, 6).gap, undefined);
});

test("hatching ends at the point that follows a gap", () => {
  assert.equal(hatchedTo({ from: 100, to: 130, reason: "reset", text: "" }, { times }), 160);
  assert.equal(hatchedTo({ from: 160, to: 220, reason: "reset", text: "" }, { times }), 220);
  assert.equal(hatchedTo({ from: 220, to: 250, reason: "reset", text: "" }, { times }), 250);
});

test("a graph in words", () => {
  assert.equal(summary({ title: "Traffic", group, from: 100, to: 300, gaps }),
    "Traffic from 1970-01-01 00:01:40 to 1970-01-01 00:05:00. in: last 3.00 kb/s, average 2.00 kb/s, at most 3.50 kb/s; out: last 30 b/s, average 20 b/s, at most 30 b/s. 1 gaps.");
});

test("units", () => {
  const cases: [string, number | null, string][] = [["bit/s", 1.44e9, "1.44 Gb/s"], ["%", 4.25, "4.3 %"], ["%", 42.4, "42 %"], ["%", 0.0072, "0.0072 %"], ["%", 0, "0 %"], ["%", null, "–"], ["packet/s", 1200, "1.20 kpps"], ["1/s", 0.05, "0.05/s"]];
  for (const [unit, v, want] of cases) assert.equal(writer(unit)(v), want);
});
