import { describe, expect, it } from 'vitest'
import { levelOf, lineKind, nextVersion, rawWords } from '@/domain/profiles'

describe('a profile', () => {
  it('is edited as the version after the newest, and nothing else of it changes', () => {
    expect(nextVersion('profile: a\nversion: 3\npoints: {}\n', 7)).toBe('profile: a\nversion: 8\npoints: {}\n')
  })
  it('that says its version in an odd way is left to who writes it', () => {
    expect(nextVersion('{profile: a, version: 3}', 3)).toBe('{profile: a, version: 3}')
  })
  it('has raw words as manuals print them', () => {
    expect(rawWords([0x5000, 0x447d, 7])).toBe('5000 447D 0007')
    expect(rawWords([])).toBe('')
  })
  it('has differences that are told apart line by line', () => {
    expect(['+a', '-a', ' a', '@@ -1 +1 @@'].map(lineKind)).toEqual(['added', 'removed', 'same', 'place'])
  })
})

describe('a step', () => {
  it('that is wrong is marked more strongly than one that is only to do', () => {
    expect(levelOf('blocked')).toBeGreaterThan(levelOf('open'))
    expect(levelOf('done')).toBe(0)
  })
})
