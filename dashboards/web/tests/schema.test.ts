import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import openapiTS, { astToString } from 'openapi-typescript'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const described = new URL('../../../docs/reference/openapi.json', import.meta.url)
/** The command line puts a note before what it generates. */
const withoutNote = (text: string) => text.replace(/^\/\*\*[^]*?\*\/\s*/, '').trim()

it('the types of the interface are those that its description gives today (npm run generate)', async () => {
  const fresh = astToString(await openapiTS(described))
  expect(withoutNote(readFileSync(join(root, 'src/api/schema.d.ts'), 'utf8'))).toBe(withoutNote(fresh))
}, 120_000)
