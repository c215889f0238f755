import assert from "node:assert/strict";
import { test } from "node:test";
import * as f from "./format";

test("si", () => {
  const cases: [number | null, string][] = [
    [null, "–"], [0, "0 b/s"], [0.25, "0.25 b/s"], [7, "7 b/s"], [999, "999 b/s"], [999.6, "1.00 kb/s"], [1_440_000_000, "1.44 Gb/s"],
    [96_298_000, "96.3 Mb/s"], [999_600, "1.00 Mb/s"], [-1500, "−1.50 kb/s"], [NaN, "–"],
  ];
  for (const [n, want] of cases) assert.equal(f.bits(n), want);
});

test("speed", () => {
  for (const [n, want] of [[0, "–"], [64_000, "64 kb/s"], [1e8, "100 Mb/s"], [2.5e9, "2.5 Gb/s"], [1e10, "10 Gb/s"], [4e11, "400 Gb/s"]] as const) assert.equal(f.speed(n), want);
});

test("short", () => {
  for (const [figure, want] of [["2.00 kpps", "2 kpps"], ["0.50/s", "0.5/s"], ["100 Mb/s", "100 Mb/s"], ["1.05 Gb/s", "1.05 Gb/s"], ["0.0 %", "0 %"], ["–", "–"]] as const) assert.equal(f.short(figure), want);
});

test("rate", () => {
  for (const [n, want] of [[0, "0/s"], [0.001, "<0.01/s"], [0.5, "0.5/s"], [12_345, "12.3 k/s"]] as const) assert.equal(f.rate(n), want);
});

test("duration", () => {
  const cases: [number | null, string][] = [
    [null, "–"], [0, "0s"], [0.0146, "15 ms"], [0.0018, "1.8 ms"], [0.0001, "<1 ms"], [4, "4s"], [4.25, "4.3s"], [65, "1m 5s"], [3600, "1h"], [3661, "1h 1m"],
    [2_592_022, "30d"], [59.7, "1m"],
  ];
  for (const [n, want] of cases) assert.equal(f.duration(n), want);
});

test("percent", () => {
  for (const [n, want] of [[0, "0.0 %"], [0.0004, "<0.1 %"], [0.0995, "10 %"], [0.5, "50 %"], [1.2, "120 %"]] as const) assert.equal(f.percent(n), want);
});

test("names are ordered as people do", () => {
  assert.deepEqual(["ge-0/0/10", "ge-0/0/9", "Ge-0/0/1"].sort(f.byName), ["Ge-0/0/1", "ge-0/0/9", "ge-0/0/10"]);
});

test("integer", () => assert.equal(f.integer(1234567), "1\u202f234\u202f567"));
