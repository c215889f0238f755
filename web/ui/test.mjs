// test.mjs bundles and runs src/**/*.test.ts under Node's own test runner.
import * as esbuild from "esbuild";
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const tests = (await readdir("src", { recursive: true })).filter((name) => name.endsWith(".test.ts")).sort();
const outdir = await mkdtemp(join(tmpdir(), "walkabout-ui-"));
try {
  await esbuild.build({
    entryPoints: tests.map((name) => join("src", name)), bundle: true, platform: "node", format: "esm", outExtension: { ".js": ".mjs" }, outdir, logLevel: "warning",
  });
  const files = (await readdir(outdir, { recursive: true })).filter((name) => name.endsWith(".mjs")).map((name) => join(outdir, name));
  process.exitCode = spawnSync(process.execPath, ["--test", "--test-reporter=dot", ...files], { stdio: "inherit", env: { ...process.env, TZ: "UTC" } }).status ?? 1;
} finally {
  await rm(outdir, { recursive: true, force: true });
}
