import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { sha256, sha256Here } from '@/domain/digest'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('SHA-256 without the browser', () => {
  it('is what everybody else makes of the same bytes', async () => {
    for (const length of [0, 1, 55, 56, 63, 64, 65, 1000, 100_003]) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 131) % 251)
      const known = createHash('sha256').update(bytes).digest('hex')
      expect(hex(sha256Here(bytes))).toBe(known)
      expect(await sha256(bytes)).toBe(known)
    }
  })
})
