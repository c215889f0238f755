import assert from "node:assert/strict";
import { test } from "node:test";
import * as span from "./span";

test("seconds and name are each other's inverse", () => {
  for (const p of span.presets) assert.equal(span.name(span.seconds(p)!), p);
  for (const bad of ["", "h", "0m", "6", "99999y", "-1h", "1h "]) assert.equal(span.seconds(bad), undefined);
});

test("a query leads back to its span", () => {
  const spans: span.Span[] = [{ last: 3600 }, { last: 5400 }, { from: 1_700_000_000, to: 1_700_003_600 }];
  for (const s of spans) {
    const query = new URLSearchParams();
    for (const [k, v] of Object.entries(span.write(s))) if (v !== null) query.set(k, v);
    assert.deepEqual(span.read(query, { last: 60 }), s);
  }
  assert.deepEqual(span.read(new URLSearchParams("from=5&to=1"), { last: 900 }), { last: 900 });
});

test("where fingers leave it", () => {
  const now = 1_700_000_000;
  assert.deepEqual(span.between(now - 5000.4, now - 3000.2, now), { from: now - 5000, to: now - 3000 });
  assert.deepEqual(span.between(now - 3000, now + 600, now), { last: 3600 }); // beyond now: it follows
  assert.deepEqual(span.between(now - 501, now - 500, now), { from: now - 530, to: now - 470 }); // no closer than a minute
});

test("pan and zoom", () => {
  const now = 1_700_000_000;
  assert.deepEqual(span.pan({ last: 3600 }, -0.5, now), { from: now - 5400, to: now - 1800 });
  assert.deepEqual(span.pan({ from: now - 5400, to: now - 1800 }, 0.5, now), { last: 3600 });
  assert.deepEqual(span.zoom({ last: 3600 }, 2, now), { last: 7200 });
  assert.deepEqual(span.zoom({ from: now - 4000, to: now - 2000 }, 0.5, now), { from: now - 3500, to: now - 2500 });
});
