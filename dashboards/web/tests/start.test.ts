import { describe, expect, it } from 'vitest'
import { ApiError, type FieldError } from '@/api/client'
import type { Access, Channel, Channels, GatewayAccess } from '@/api/types'
import { CHANNEL_KINDS, draftOfChannel, givenOfChannel, mendOf, portFor, wrongFields } from '@/domain/channels'
import type { Reading } from '@/domain/reading'
import { absence, firstOpen, progressOf, stepsDone, troubles } from '@/domain/start'
import en from '@/i18n/en'

const gateway = (more: Partial<GatewayAccess>) => ({ id: 'gw-1', standing: 'not_enrolled', state: 'unknown', seen_at: null, code_expires_at: null, ...more }) as GatewayAccess
const access = (...items: Partial<GatewayAccess>[]) => ({ items: items.map(gateway), broker: {} }) as Access
const value = (state: string, reason: string | null = null) => ({ judgement: { state, reason, ageMs: 0 } }) as Reading
const channels = (state: string) => ({ items: [{ is_on: true, last: { state } }], tells: true }) as Channels

describe('what is done of setting a site up', () => {
  it('follows from what there is, and so does where to go on', () => {
    const nothing = { site: false, access: null, readings: [], channels: null }
    expect([...stepsDone(nothing)]).toEqual(['account'])
    expect(firstOpen(stepsDone(nothing))).toBe('site')
    const named = { ...nothing, site: true, access: access({ standing: 'enrolled' }) }
    expect(firstOpen(stepsDone(named))).toBe('gateway')
    const all = { site: true, access: access({ state: 'online' }), readings: [value('bad', 'timeout'), value('good')], channels: channels('sent') }
    expect(stepsDone(all).size).toBe(5)
    expect(firstOpen(stepsDone({ ...all, readings: [value('stale')] }))).toBe('points')
  })
  it('is not a test that the other side refused, or of which nobody knows', () => {
    for (const state of ['rejected', 'unknown', 'waiting'])
      expect(stepsDone({ site: true, access: null, readings: [], channels: channels(state) }).has('notices')).toBe(false)
  })
  it('waits for the gateway and says how far it is', () => {
    const told = [{}, { code_expires_at: '2026-11-26T10:00:00Z' }, { standing: 'handed_out' }, { standing: 'enrolled' }, { standing: 'enrolled', state: 'offline', seen_at: '2026-11-26T10:00:00Z' }, { state: 'online' }] as Partial<GatewayAccess>[]
    expect(told.map((more) => progressOf(gateway(more)))).toEqual(['nothing', 'code', 'handed_out', 'enrolled', 'offline', 'online'])
  })
  it('says why nothing is there to look at', () => {
    expect([access(), access({ standing: 'revoked' }), access({ standing: 'enrolled' }), access({ seen_at: 'x', state: 'offline' }), access({ state: 'online' })].map((one) => absence(one, 0)))
      .toEqual(['no_gateway', 'no_gateway', 'not_heard', 'gone', 'no_device'])
    expect(absence(access(), 1)).toBeNull()
  })
  it('counts what is the matter with points, the most frequent first', () => {
    expect(troubles([value('good'), value('bad', 'timeout'), value('none'), value('bad', 'timeout')])).toEqual([['timeout', 2], ['none', 1]])
  })
})

describe('a channel', () => {
  const kept = { id: 'c', site: 'demo', name: 'n', kind: 'dingtalk', language: 'zh', lowest: 3, is_on: true, mail: null, origin: 'https://x', version: 2 } as unknown as Channel
  it('is sent with the secrets that somebody typed, and no others', () => {
    expect(givenOfChannel(draftOfChannel(kept, 'zh'), 'demo', false)).toEqual({ name: 'n', kind: 'dingtalk', language: 'zh', lowest: 3, is_on: true, for_people: false, fallback: null })
    const made = givenOfChannel({ ...draftOfChannel(null, 'zh'), kind: 'wecom', url: ' https://x ', key: 'k' }, 'demo', true)
    expect(made).toMatchObject({ site: 'demo', url: 'https://x' })
    expect(made).not.toHaveProperty('key')
  })
  it('by mail takes people apart by lines and commas, and the account for the sender', () => {
    const given = givenOfChannel({ ...draftOfChannel(null, 'zh'), username: 'a@x.cn', recipients: 'b@x.cn，c@x.cn\nd@x.cn', everywhere: true }, 'demo', true)
    expect(given).toMatchObject({ site: null, mail: { sender: 'a@x.cn', recipients: ['b@x.cn', 'c@x.cn', 'd@x.cn'], port: 465 } })
  })
  it('by text message says its gateway, one of its own with how it is spoken to', () => {
    const typed = { ...draftOfChannel(null, 'zh'), kind: 'sms' as const, numbers: '13800000000，13900000000', ownHeaders: 'X-Key: {key}\nno header' }
    expect(givenOfChannel({ ...typed, provider: 'aliyun_sms', keyId: 'L', key: 'k' }, 'demo', true)).toMatchObject({ key: 'k', call: { provider: 'aliyun_sms', key_id: 'L', numbers: ['13800000000', '13900000000'] } })
    expect(givenOfChannel({ ...typed, provider: 'own_sms', url: 'https://x' }, 'demo', true)).toMatchObject({ url: 'https://x', call: { own: { headers: { 'X-Key': '{key}' }, code: 'code', accepted: ['0'] } } })
  })
  it('has the port of its encryption until somebody chooses another', () => {
    expect([portFor('starttls', '465'), portFor('none', ''), portFor('tls', '2525')]).toEqual(['587', '25', '2525'])
  })
  it('says beside its fields what was refused', () => {
    const refused = new ApiError(422, 'invalid', 'x', ['body.mail.recipients.0', 'body.mail.username'].map((field) => ({ field, message: 'no' }) as FieldError))
    expect([...wrongFields(refused)]).toEqual(['recipients', 'username'])
    expect([...wrongFields(new ApiError(409, 'other', 'so'))]).toEqual([''])
    expect(wrongFields(null).size).toBe(0)
  })
  it('has a text for every kind and every mend', () => {
    expect(Object.keys(en.notices.kinds)).toEqual([...CHANNEL_KINDS])
    for (const code of ['310000', '45009', 'tls', 'dns', 'blocked', '535', 'no-answer']) expect(en.notices.mend).toHaveProperty(mendOf(code) ?? '')
  })
})
