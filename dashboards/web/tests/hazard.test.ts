import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import rolesEn from '@/i18n/roles.en'
import rolesZh from '@/i18n/roles.zh'

it('roles have the names that the server gives them', () => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', '..', 'cloud', 'accounts', 'roles.yaml'), 'utf8')
  const said = [...text.slice(text.indexOf('\nroles:')).matchAll(/\n {2}(\w+):\n(?: {4}#[^\n]*\n)* {4}name: \{zh: "?(.+?)"?, en: "?(.+?)"?\}/g)]
  expect(said.length).toBeGreaterThan(15)
  expect(Object.fromEntries(said.map(([, role, zh]) => [role, zh]))).toEqual(rolesZh)
  expect(Object.fromEntries(said.map(([, role, , en]) => [role, en]))).toEqual(rolesEn)
})
