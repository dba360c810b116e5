/** Handing in by mail: what was sent of a report or a dossier, and how each fared. */

import { call, part } from './client'
import type { components } from './schema'

export type Mailings = components['schemas']['Mailings']
export type Mailing = components['schemas']['MailingShown']
export type Mailed = { of: 'reports' | 'dossiers'; id: string }

export const mailing = {
  read: ({ of, id }: Mailed) => call<Mailings>('GET', `/${of}/${part(id)}/mailings`),
  send: ({ of, id }: Mailed, given: object, key: string) => call<Mailing>('POST', `/${of}/${part(id)}/mailings`, given, undefined, key),
}
