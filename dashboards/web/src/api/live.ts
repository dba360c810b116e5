/** The event stream of a site: kept open, reopened when it dies, and honest about when it is not there. */

import { api } from './client'
import type { Episode, Gateway, Hazard, Values } from './types'

export interface LiveListener {
  opened: () => void
  /** The stream is down; called again at every failed attempt. */
  lost: () => void
  values: (values: Values) => void
  alarm: (episode: Episode) => void
  hazard: (hazard: Hazard) => void
  gateway: (gateway: Gateway) => void
  /** Events were missed that cannot be sent again: whatever was listed must be read anew. */
  reset: () => void
}

/** The browser retries a broken connection itself, but gives up for good on an HTTP error such as 503. */
const REOPEN_MS = 3000
/** The server is heard from more often than this; longer silence may be a line that died without a word. */
const SILENT_MS = 45_000
/** A stream that has not opened after this long is called lost, though the browser still hopes. */
const OPENING_MS = 10_000

export function listen(site: string, listener: LiveListener): () => void {
  let source = open()
  let heardAt = Date.now()
  let reopening = 0

  function open(): EventSource {
    const opened = new EventSource(api.liveUrl(site), { withCredentials: true })
    opened.onopen = () => {
      heardAt = Date.now()
      listener.opened()
    }
    opened.onerror = () => {
      listener.lost()
      if (opened.readyState === EventSource.CLOSED) reopenSoon()
    }
    on<Values>(opened, 'values', listener.values)
    on<Episode>(opened, 'alarm', listener.alarm)
    on<Hazard>(opened, 'hazard', listener.hazard)
    on<Gateway>(opened, 'gateway', listener.gateway)
    on<unknown>(opened, 'reset', listener.reset)
    return opened
  }

  function on<T>(from: EventSource, name: string, tell: (data: T) => void): void {
    from.addEventListener(name, (event) => {
      heardAt = Date.now()
      tell(JSON.parse((event as MessageEvent<string>).data) as T)
    })
  }

  function reopenSoon(): void {
    window.clearTimeout(reopening)
    reopening = window.setTimeout(reopen, REOPEN_MS)
  }

  function reopen(): void {
    source.close()
    heardAt = Date.now()
    source = open()
  }

  const watchdog = window.setInterval(() => {
    const silentMs = Date.now() - heardAt
    if (source.readyState === EventSource.CONNECTING && silentMs > OPENING_MS) listener.lost()
    // Reopened without an alarm: a healthy server answers at once with a snapshot.
    if (silentMs > SILENT_MS) reopen()
  }, 2000)

  return () => {
    window.clearInterval(watchdog)
    window.clearTimeout(reopening)
    source.close()
  }
}
