import { describe, expect, it } from 'vitest'
import type { Device } from '@/api/types'
import { cameraLayout, cameraState, nameAt, points, zonesNow } from '@/domain/camera'
import { camerasIn, cornerAt, inserted, withZones } from '@/domain/cameraZones'
import type { Reading } from '@/domain/reading'

const reading = (id: string, kind: string, value: number | null, state: Reading['judgement']['state'] = 'good') =>
  ({ point: { id, kind }, value, judgement: { state, ageMs: 0, reason: null }, level: 0 }) as unknown as Reading

const HOOK = { zone: 'hook', label: { zh: '吊装区', en: 'Hook zone' }, outline: [[0, 0], [1, 0], [1, 1]] as [number, number][], kind: 'hook' as const, duties: ['helmet'] }

describe('a camera', () => {
  it('has the zones that can be drawn, and no others', () => {
    const device = { layout: { kind: 'camera', zones: [HOOK, { ...HOOK, outline: [[0, 0]] }], masks: [[[0, 0], [1, 0], [0, 1]]] } } as unknown as Device
    expect(cameraLayout(device).zones.map((zone) => zone.zone)).toEqual(['hook'])
    expect(cameraLayout(device).masks).toHaveLength(1)
    expect(cameraLayout({ layout: {} } as unknown as Device)).toEqual({ zones: [], masks: [] })
  })
  it('is gone where its state is bad, and unknown where nobody has said anything', () => {
    expect(cameraState([reading('g/state', 'camera.state', 0)])).toBe('sees')
    expect(cameraState([reading('g/state', 'camera.state', 2)])).toBe('covered')
    expect(cameraState([reading('g/state', 'camera.state', null, 'bad')])).toBe('gone')
    expect(cameraState([])).toBe('unknown')
  })
  it('counts nobody where nobody can say', () => {
    const layout = { zones: [HOOK], masks: [] }
    const told = [reading('g/hook.people', 'vision.people', 3), reading('g/hook.bare_1', 'vision.bare_head.hook', 1), reading('g/hook.bare_more', 'vision.bare_more', 2)]
    expect(zonesNow(layout, 'g', told)[0]).toMatchObject({ people: 3, bare: 3, intruders: 0 })
    expect(zonesNow(layout, 'g', [reading('g/hook.people', 'vision.people', 3, 'stale')])[0]!.people).toBeNull()
  })
  it('draws outlines in its own pixels, and names within the picture', () => {
    expect(points([[0, 0], [0.5, 1]], 640, 360)).toBe('0,0 320,360')
    expect(nameAt([[0.99, 0], [0.2, 0.5]])).toEqual([0.8, 0.02])
  })
})

const TEXT = `# ours
rules: [helmets]
cameras:
  - camera: gate # by the road
    url: rtsp://10.0.0.2/s
    zones:
      - zone: hook
        outline: [[0, 0], [1, 0], [1, 1]]
        kind: hook
        slots: 5 # a crowd
  - camera: roof
    url: v4l2:/dev/video0
`

describe('zones in a configuration', () => {
  it('are read with what is left out', () => {
    expect(camerasIn(TEXT)).toEqual([
      { camera: 'gate', zones: [{ zone: 'hook', label: null, outline: [[0, 0], [1, 0], [1, 1]], kind: 'hook', duties: ['helmet'] }] },
      { camera: 'roof', zones: [] },
    ])
    expect(camerasIn('cameras: [')).toEqual([])
    expect(camerasIn('rules: []')).toEqual([])
  })
  it('are written back, and all else stays', () => {
    const [gate] = camerasIn(TEXT)
    const changed = withZones(TEXT, 'gate', [{ ...gate!.zones[0]!, outline: [[0, 0.25], [1, 0.25], [1, 1]] }])
    expect(changed).toContain('# ours')
    expect(changed).toContain('slots: 5 # a crowd')
    expect(changed).toContain('camera: gate # by the road')
    expect(camerasIn(changed)[0]!.zones[0]!.outline).toEqual([[0, 0.25], [1, 0.25], [1, 1]])
  })
  it('come and go', () => {
    const pit = { zone: 'pit', label: { zh: '基坑', en: 'Pit' }, outline: [[0, 0], [0.5, 0], [0.5, 0.5]] as [number, number][], kind: 'pit' as const, duties: ['helmet', 'keep_out'] as ('helmet' | 'keep_out')[] }
    const grown = withZones(TEXT, 'roof', [pit])
    expect(camerasIn(grown)[1]!.zones).toEqual([pit])
    expect(camerasIn(withZones(grown, 'roof', []))[1]!.zones).toEqual([])
    expect(withZones(TEXT, 'nobody', [pit])).toBe(TEXT)
  })
  it('get a corner where it was set, within the picture', () => {
    expect(cornerAt(1.2, -0.1)).toEqual([1, 0])
    expect(inserted([[0, 0], [1, 0], [1, 1]], [0.5, 0.02])).toEqual([[0, 0], [0.5, 0.02], [1, 0], [1, 1]])
  })
})
