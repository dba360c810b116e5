import { describe, expect, it } from 'vitest'
import { areEqual, isName, kindOf, lineAt, namesOf } from '@/domain/bundle'

describe('texts of a configuration', () => {
  it('puts the main text first', () => {
    expect(namesOf({ 'b.yaml': '', 'gateway.yaml': '', 'a/c.yaml': '' })).toEqual(['gateway.yaml', 'a/c.yaml', 'b.yaml'])
  })

  it('knows the names that a bundle may have', () => {
    expect(['charts/crane-1.yaml', 'a.csv'].every(isName)).toBe(true)
    expect(['../x.yaml', '/x.yaml', 'x.sh', '.x.yaml', 'a//b.yaml', 'a/b/c/d/e.yaml', ''].some(isName)).toBe(false)
  })

  it('finds a line', () => {
    expect(lineAt('ab\ncde\nf', 2)).toEqual([3, 6])
    expect(lineAt('ab', 9)).toEqual([0, 2])
    expect(lineAt('', 0)).toEqual([0, 0])
  })

  it('sees a change, a new file and one that is gone', () => {
    expect(areEqual({ a: '1' }, { a: '1' })).toBe(true)
    expect([{ a: '2' }, { a: '1', b: '' }, {}].some((other) => areEqual({ a: '1' }, other as Record<string, string>))).toBe(false)
  })

  it('tells the lines of a diff apart', () => {
    expect(['@@ -1 +1 @@', '+a', '-b', ' c'].map(kindOf)).toEqual(['place', 'added', 'removed', 'same'])
  })
})
