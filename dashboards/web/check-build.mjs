// Refuses a build that would load slowly on site or ask another machine for anything.
import { readdirSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const BUDGET_BYTES = 200_000
const dist = new URL('./dist/', import.meta.url)
const read = (path) => readFileSync(new URL(path, dist), 'utf8')

const page = read('index.html')
const assets = readdirSync(new URL('assets/', dist))

/** The scripts that every page loads: the entry and whatever it imports at once. */
function initial(path, seen = new Set()) {
  if (seen.has(path)) return seen
  seen.add(path)
  for (const [, next] of read(path).matchAll(/(?:from|import)\s*["']\.\/([\w.-]+\.js)["']/g)) initial(`assets/${next}`, seen)
  return seen
}
const scripts = [...page.matchAll(/(?:src|href)="\/(assets\/[\w.-]+\.js)"/g)].flatMap(([, path]) => [...initial(path)])
const site = assets.filter((name) => /^SiteView-.*\.js$/.test(name)).flatMap((name) => [...initial(`assets/${name}`)])
const loaded = [...new Set([...scripts, ...site])]
const bytes = loaded.reduce((sum, path) => sum + gzipSync(read(path)).length, 0)

const faults = []
if (bytes > BUDGET_BYTES) faults.push(`the site page loads ${bytes} bytes of script (gzip); at most ${BUDGET_BYTES}`)
for (const path of ['index.html', ...assets.filter((name) => name.endsWith('.css')).map((name) => `assets/${name}`)]) {
  if (/(?:src|href)="(?:https?:)?\/\/|url\(["']?(?:https?:)?\/\//.test(read(path))) faults.push(`${path} refers to another machine`)
}

if (faults.length) {
  console.error(faults.join('\n'))
  process.exit(1)
}
const all = assets.filter((name) => name.endsWith('.js')).reduce((sum, name) => sum + gzipSync(read(`assets/${name}`)).length, 0)
console.log(`site page: ${(bytes / 1000).toFixed(1)} kB of script (gzip), budget ${BUDGET_BYTES / 1000} kB; all pages together: ${(all / 1000).toFixed(1)} kB`)
