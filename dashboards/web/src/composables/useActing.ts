/** Doing something to a hazard record: which act is open, what was typed, the signature, and what came of it. */

import { computed, reactive, ref, shallowRef, watch, type Ref } from 'vue'
import { api, ApiError, requestKey } from '@/api/client'
import type { Acted, ActShown } from '@/api/hazard'
import { bodyOf, fieldsOf, firstDraft, missingIn, type Draft, type Known } from '@/domain/hazardActs'
import { MACHINE } from '@/domain/hazard'
import { useLoad } from './useLoad'

/** Refusals that the signature's dialog tells; a form shows every other one, at its fields or above them. */
const OF_SIGNATURE: ReadonlySet<string> = new Set(['not-signed', 'too-many-tries', 'unreachable'])

/** So often an act is sent over a record that only the machine has changed meanwhile. */
const RETRIES = 4

interface Around {
  known: () => Known
  nowMs: () => number
  zone: () => string
  /** The record as it is after the act. */
  take: (acted: Acted) => void
  /** The record as it is by now. */
  reload: () => Promise<void>
}
/** An act that came too late, and the last event that its author had seen. */
export interface Lost { act: string; seen: number }

export function useActing(hazard: Ref<Acted | null>, { known, nowMs, zone, take, reload }: Around) {
  const chosen = ref<string | null>(null)
  const drafts = reactive<Record<string, Draft>>({})
  const isTried = ref(false)
  const isSigning = ref(false)
  const lost = shallowRef<Lost | null>(null)
  const done = ref<string | null>(null)
  const refusal = shallowRef<ApiError | null>(null)
  let password = ''
  let key = ''
  /** What its author had before his eyes when he asked to sign. */
  let version = 0

  const offered = (name: string | null): ActShown | null => hazard.value?.acts.find((one) => one.act === name && one.permitted) ?? null
  const act = computed(() => offered(chosen.value))
  const draft = computed<Draft>({
    get: () => (chosen.value ? (drafts[chosen.value] ?? {}) : {}),
    set: (value) => { if (chosen.value) drafts[chosen.value] = value },
  })
  const fields = computed(() => (chosen.value && hazard.value ? fieldsOf(chosen.value, hazard.value.record, draft.value) : []))
  const missing = computed(() => (isTried.value ? missingIn(fields.value, draft.value) : []))

  function choose(name: string | null): void {
    const found = hazard.value
    chosen.value = name === chosen.value ? null : name
    isTried.value = false
    refusal.value = done.value = lost.value = null
    if (name && found && !drafts[name]) drafts[name] = firstDraft(name, found.record, known(), nowMs(), zone())
  }
  /** Somebody else acted, and what was being filled in is no act of the new state: it is kept, and said. */
  watch(hazard, (now, before) => {
    // While one's own act is under way its news may come before its answer: the answer says what became of it.
    if (sending.loading.value || !chosen.value || !before || now?.id !== before.id || offered(chosen.value)) return
    lost.value = { act: chosen.value, seen: before.version }
    chosen.value = null
    isSigning.value = false
  })
  function askToSign(): void {
    isTried.value = true
    refusal.value = sending.error.value = lost.value = null
    if (missing.value.length || act.value?.unmet.length || !hazard.value) return
    key = requestKey()
    version = hazard.value.version
    isSigning.value = true
  }
  const sending = useLoad(async () => {
    const found = hazard.value
    const name = chosen.value
    if (!found || !name) return
    const body = { ...bodyOf(name, fields.value, draft.value, found.record, zone()), signature: { password } }
    for (let left = RETRIES; left > 0; left -= 1) {
      try {
        const acted = await api.act(found.id, body, version, key)
        isSigning.value = false
        Reflect.deleteProperty(drafts, name)
        chosen.value = null
        done.value = name
        take(acted)
        return
      } catch (error) {
        if (!(error instanceof ApiError) || OF_SIGNATURE.has(error.slug)) throw error
        if (error.status !== 412) return refuse(error)
        await reload()
        if (left === 1 || !isMachineOnly(name)) return lose(name)
        version = hazard.value?.version ?? version
        key = requestKey()
      }
    }
  })
  function refuse(error: ApiError): void {
    isSigning.value = false
    refusal.value = error
  }
  function lose(name: string): void {
    isSigning.value = false
    lost.value = { act: name, seen: version }
  }
  /** Alarms that come and go must not keep anybody from stopping work: the server looks at every condition anew anyway. */
  function isMachineOnly(name: string): boolean {
    const since = hazard.value?.events.filter((event) => event.seq > version) ?? []
    return offered(name) !== null && since.every((event) => event.actor === MACHINE)
  }
  function sign(given: string): void {
    password = given
    void sending.load().finally(() => { password = '' })
  }
  return {
    chosen, act, draft, fields, missing, refusal, isSigning, lost, done, choose, askToSign, sign,
    busy: sending.loading, signError: sending.error, stopSigning: () => { isSigning.value = false },
  }
}
