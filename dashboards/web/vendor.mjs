// Copies the browser files of the pinned npm packages, with their licences, into static/vendor.
// Never fetches: `npm ci` did. Run by `npm run vendor`; the result is not committed.

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

const FILES = {
  cytoscape: { licence: "LICENSE", files: ["dist/cytoscape.esm.min.mjs"] },
  "layout-base": { licence: "LICENSE", files: ["layout-base.js"] },
  "cose-base": { licence: "LICENSE", files: ["cose-base.js"] },
  "cytoscape-fcose": { licence: "LICENSE", files: ["cytoscape-fcose.js"] },
  elkjs: { licence: "LICENSE.md", files: ["lib/elk-api.js", "lib/elk-worker.min.js"] },
  uplot: { licence: "LICENSE", files: ["dist/uPlot.esm.js", "dist/uPlot.min.css"] },
};

const root = join(import.meta.dirname, "..", "..");
const target = join(import.meta.dirname, "static", "vendor");
rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });

const manifest = [];
for (const [name, { licence, files }] of Object.entries(FILES)) {
  const source = join(root, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
  cpSync(join(source, licence), join(target, `${name}.LICENSE`));
  for (const file of files) {
    const copied = basename(file).replace(/\.mjs$/, ".js");
    cpSync(join(source, file), join(target, copied));
    manifest.push({ file: copied, package: name, version, license });
  }
}
writeFileSync(join(target, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
console.log(`${manifest.length} files in ${target}`);
