import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import en from '@/i18n/en'
import zh from '@/i18n/zh'

type Tree = { [key: string]: string | Tree }

function flat(tree: Tree, prefix = ''): Map<string, string> {
  return new Map(Object.entries(tree).flatMap(([key, value]) => (
    typeof value === 'string' ? [[prefix + key, value] as const] : [...flat(value, `${prefix}${key}.`)]
  )))
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? sources(path) : [path]
  })
}

const root = join(import.meta.dirname, '..')
const chinese = flat(zh)
const english = flat(en)
const files = sources(join(root, 'src')).filter((path) => !path.includes(join('src', 'i18n')) && !path.endsWith('schema.d.ts'))
const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort()

describe('texts', () => {
  it('exist in both languages', () => {
    expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort())
  })
  it('are nowhere empty', () => {
    expect([...chinese, ...english].filter(([, text]) => !text.trim())).toEqual([])
  })
  it('take the same values in both', () => {
    const differing = [...chinese].filter(([key, text]) => placeholders(text).join() !== placeholders(english.get(key) ?? '').join())
    expect(differing).toEqual([])
  })
  it('in English have no Chinese left in them', () => {
    expect([...english].filter(([key, text]) => /\p{Script=Han}/u.test(text) && key !== 'language.zh')).toEqual([])
  })
  it('stand in the language files only', () => {
    const found = [...files, join(root, 'index.html')].filter((path) => /\p{Script=Han}/u.test(readFileSync(path, 'utf8')))
    expect(found).toEqual([])
  })
  it('are there for every key that a page names', () => {
    const named = files.flatMap((path) => [...readFileSync(path, 'utf8').matchAll(/\bt\(\s*'([\w.]+)'|keypath="([\w.]+)"/g)]
      .map((match) => match[1] ?? match[2] ?? ''))
    expect(named.length).toBeGreaterThan(80)
    expect(named.filter((key) => !chinese.has(key))).toEqual([])
  })
  it('are there for every beginning that a page completes', () => {
    const begun = files.flatMap((path) => [...readFileSync(path, 'utf8').matchAll(/\bt\(`([\w.]+)\.\$\{/g)].map((match) => `${match[1]}.`))
    expect(begun.filter((prefix) => ![...chinese.keys()].some((key) => key.startsWith(prefix)))).toEqual([])
  })
})

it('no page asks another machine for anything', () => {
  const outside = [...files, join(root, 'index.html')].filter((path) => /(?:https?:)?\/\/(?!www\.w3\.org)[a-z0-9-]+\.[a-z]{2,}/i.test(readFileSync(path, 'utf8')))
  expect(outside).toEqual([])
})
