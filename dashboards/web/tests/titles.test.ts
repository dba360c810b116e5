import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TITLES, tabTitle } from '@/domain/titles'
import zh from '@/i18n/zh'

const router = readFileSync(join(import.meta.dirname, '..', 'src', 'router.ts'), 'utf8')
const routes = [...router.matchAll(/path: '[^']*', name: '([\w-]+)'/g)].map((match) => match[1]!)
const text = (key: string) => key.split('.').reduce<unknown>((tree, part) => (tree as Record<string, unknown> | undefined)?.[part], zh)

describe('what a tab is called', () => {
  it('every page has, but the site itself, which its own name tells', () => {
    expect(routes.length).toBeGreaterThan(40)
    expect(Object.keys(TITLES).sort()).toEqual(routes.filter((name) => name !== 'site').sort())
  })
  it('exists as a text', () => {
    expect(Object.values(TITLES).filter((key) => typeof text(key) !== 'string')).toEqual([])
  })
  it('begins with how many alarms call, and leaves out what is not known yet', () => {
    expect(tabTitle(3, ['2号塔机', '示范工地', '工地卫士'])).toBe('(3) 2号塔机 · 示范工地 · 工地卫士')
    expect(tabTitle(0, ['待办', null, '工地卫士'])).toBe('待办 · 工地卫士')
  })
})
