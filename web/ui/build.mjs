// build.mjs makes ../dist from src: index.html, and beside it in assets/ what it loads, each file named after a hash of its content so that it may be
// cached for ever. What it writes depends on src and package-lock.json alone.
import * as esbuild from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";

const out = process.argv[2] ?? "../dist";
const bundled = ["preact", "uplot"]; // what THIRD-PARTY.txt is about; the build fails when the bundle holds others

const result = await esbuild.build({
  entryPoints: { app: "src/main.tsx", theme: "src/theme-first.ts" },
  bundle: true,
  minify: true,
  format: "iife",
  target: ["chrome123", "firefox124", "safari17.5"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none", // THIRD-PARTY.txt has them
  entryNames: "[name]-[hash]",
  outdir: "assets",
  write: false,
  metafile: true,
  logLevel: "warning",
});

for (const input of Object.keys(result.metafile.inputs)) {
  const [, name] = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input) ?? [];
  if (name && !bundled.includes(name)) {
    throw new Error(`${name} is bundled, but its licence is not in THIRD-PARTY.txt: add it to build.mjs`);
  }
}

await rm(out, { recursive: true, force: true });
await mkdir(`${out}/assets`, { recursive: true });
const names = {};
for (const file of result.outputFiles) {
  const name = file.path.slice(file.path.lastIndexOf("/") + 1);
  names[name.replace(/-[^-]+(?=\.)/, "")] = name;
  await writeFile(`${out}/assets/${name}`, file.contents);
}
const icon = await readFile("src/icon.svg");
names["icon.svg"] = `icon-${createHash("sha256").update(icon).digest("hex").slice(0, 8).toUpperCase()}.svg`;
await writeFile(`${out}/assets/${names["icon.svg"]}`, icon);

const page = await readFile("src/index.html", "utf8");
await writeFile(`${out}/index.html`, page.replace(/\{\{(.+?)\}\}/g, (_, name) => {
  if (!names[name]) throw new Error(`src/index.html wants ${name}, which the build does not make`);
  return `/assets/${names[name]}`;
}));

let notice = "The pages contain these packages.\n";
for (const name of bundled) {
  const { version, license } = JSON.parse(await readFile(`node_modules/${name}/package.json`, "utf8"));
  const text = await readFile(`node_modules/${name}/LICENSE`, "utf8");
  notice += `\n${"-".repeat(80)}\n${name} ${version} (${license})\n\n${text.replace(/\r\n/g, "\n").trim()}\n`;
}
await writeFile(`${out}/assets/THIRD-PARTY.txt`, notice);
